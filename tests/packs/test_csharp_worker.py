"""What a program of the C# pack may do to its worker and to the programs beside it."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest
from milvus_parity.cli.options import cache_folder
from milvus_parity.engine.worker import Session
from milvus_parity.model.program import Program, Snippet
from milvus_parity.packs.discover import packaged, read_pack, target_of, version_for
from milvus_parity.packs.render import Renderer
from milvus_parity.runtime.base import BuildError
from milvus_parity.runtime.process import ProcessRuntime
from worker_executions import Executed, execute_all

UNAVAILABLE = "new RpcException(new Status(StatusCode.DeadlineExceeded, detail: details))"
PROGRAMS: dict[str, list[tuple[str, str | None]]] = {
    "prints": [
        ('Console.WriteLine("{}");\nConsole.OpenStandardOutput().Write("rubbish\\n{}\\n"u8);', None),
        ("string? read = Console.ReadLine();", 'read ?? "nothing"'),
    ],
    "values": [
        ("bool found = false;", "found"),
        ("long[] ids = [1, long.MaxValue];", "ids"),
        ("double number = double.NaN;", "number"),
        ("var word = ConsistencyLevel.Strong;", "word"),
        ("string[] names = [];", 'names.Select(name => name + "!")'),
        ("string[] names = [null!];", "names.Select(name => name.Length)"),
    ],
    "raises": [
        ('throw new MilvusException(MilvusErrorCode.CollectionNotFound, "gone");', None),
        ('throw new MilvusException((MilvusErrorCode)65535, "no");', None),
        (f'string details = "late";\nthrow {UNAVAILABLE};', None),
        ('throw new InvalidOperationException("outer", new TimeoutException("inner"));', None),
        ('string left = "still here";', "left"),
    ],
    "blocks": [("Thread.Sleep(200);", None)],
    "waits for ever": [("await Task.Delay(Timeout.Infinite);", None)],
    "spins": [("for (;;) { }", None)],
    "nothing": [],
}


def _program(renderer: Renderer, name: str, case: str, steps: list[tuple[str, str | None]]) -> Program:
    snippets = tuple(
        Snippet(
            step=number,
            operation="echo",
            client="client",
            text=text + "\n",
            imports=("Grpc.Core",),
            names={"value": value} if value else {},
        )
        for number, (text, value) in enumerate(steps, 1)
    )
    return renderer.assemble(name, case, snippets, ["address"])


async def _with_worker(use: Callable[[Session, dict[str, str]], Awaitable[dict[str, Executed]]]) -> dict[str, Executed]:
    async def run(runtime: ProcessRuntime, renderer: Renderer) -> dict[str, Executed]:
        programs = [_program(renderer, f"p{at}", case, steps) for at, (case, steps) in enumerate(PROGRAMS.items())]
        sdk = await runtime.resolve(renderer.pack, renderer.target, lambda _line: None)
        build = await runtime.build(sdk, renderer.sources(programs), lambda _line: None)
        session = Session(await runtime.launch(build), renderer.target.label)
        await session.start(60)
        assert session.ready.sdk.split()[0] == renderer.target.version
        executed = await use(session, {program.case: program.name for program in programs})
        await session.close()
        return executed

    return await _with_runtime(run)


async def _with_runtime(
    run: Callable[[ProcessRuntime, Renderer], Awaitable[dict[str, Executed]]],
) -> dict[str, Executed]:
    pack = read_pack(packaged("runners") / "csharp")
    version = os.environ.get("CSHARP_VERSION") or version_for(pack.spec.targets["csharp"].versions, "2.3.5")
    runtime = ProcessRuntime(cache_folder())
    try:
        missing = await runtime.missing(pack)
        if missing is not None:
            pytest.skip(f"C# is not available here: {missing.what}")
        return await run(runtime, Renderer(pack, target_of(pack, "csharp", version)))
    finally:
        await runtime.close()


async def _execute_all_at_once(session: Session, names: dict[str, str]) -> dict[str, Executed]:
    return await execute_all(session, names, PROGRAMS, kill=("spins", "waits for ever"))


@pytest.mark.e2e
def test_executions_do_not_disturb_each_other() -> None:
    executed = asyncio.run(_with_worker(_execute_all_at_once))
    crashes = {case: crash for case, (_, crash) in executed.items() if crash}
    assert crashes == {"waits for ever": "killed", "spins": "killed"}
    assert [answer.value for answer in executed["prints"][0]] == [None, "nothing"]

    *values, lazy = executed["values"][0]
    assert [answer.value for answer in values] == [False, [1, 2**63 - 1], "NaN", "Strong", []]
    assert lazy.error is not None
    assert lazy.error.classes[0] == "System.NullReferenceException"

    named, unnamed, late, nested, left = executed["raises"][0]
    assert named.error is not None
    assert named.error.classes == ("Milvus.Client.MilvusException", "System.Exception")
    assert named.error.message == "ErrorCode: CollectionNotFound Reason: gone"
    assert named.error.fields == {"ErrorCode": 100, "ErrorCodeName": "CollectionNotFound"}
    assert unnamed.error is not None
    assert unnamed.error.fields == {"ErrorCode": 65535, "ErrorCodeName": "65535"}
    assert late.error is not None
    assert late.error.fields["grpc_code"] == "DEADLINE_EXCEEDED"
    assert late.error.fields["Detail"] == "late"
    assert nested.error is not None
    assert nested.error.cause is not None
    assert nested.error.cause.classes[0] == "System.TimeoutException"
    assert left.value == "still here"

    (blocked,) = executed["blocks"][0]
    assert blocked.milliseconds >= 200


@pytest.mark.e2e
def test_a_compiler_error_is_found_in_its_step() -> None:
    steps: list[tuple[str, str | None]] = [
        ("int fine = 1;", None),
        ('var book = client.GetCollection("book");\nawait book\n    .DropPartitionsAsync("novel");', None),
    ]

    async def run(runtime: ProcessRuntime, renderer: Renderer) -> dict[str, Executed]:
        program = _program(renderer, "p0", "c", steps)
        sdk = await runtime.resolve(renderer.pack, renderer.target, lambda _line: None)
        with pytest.raises(BuildError) as raised:
            await runtime.build(sdk, renderer.sources([program]), lambda _line: None)
        (error,) = raised.value.errors
        span = program.step_at(error.file, error.line)
        assert span is not None
        assert (span.step, error.line - span.first, error.column) == (2, 2, 6)
        assert error.message.startswith("CS1061: 'MilvusCollection' does not contain a definition")
        return {}

    asyncio.run(_with_runtime(run))

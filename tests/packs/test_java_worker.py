"""What a program of the Java pack may do to its worker and to the programs beside it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from milvus_parity.cli.options import cache_folder
from milvus_parity.engine.worker import Session
from milvus_parity.model.program import Program, Snippet
from milvus_parity.packs.discover import packaged, read_pack, target_of, version_for
from milvus_parity.packs.render import Renderer
from milvus_parity.runtime.base import BuildError
from milvus_parity.runtime.process import ProcessRuntime
from worker_executions import Executed, execute, execute_all

T = TypeVar("T")
TARGETS = ("java-v1", "java-v2")
PROGRAMS: dict[str, list[tuple[str, dict[str, str | tuple[str, ...]]]]] = {
    "prints": [
        ('System.out.println("{}");\nSystem.out.write(7);\nSystem.out.close();', {}),
        ("int read = System.in.read();", {"value": "read"}),
    ],
    "values": [
        ("Boolean found = false;", {"value": "found"}),
        ("List<Long> ids = Arrays.asList(1L, Long.MAX_VALUE);", {"value": "ids"}),
        ("double number = 0.0 / 0.0;", {"value": "number"}),
        ("Thread.State word = Thread.State.NEW;", {"value": "word"}),
        ('String half = "\\ud83d";', {"value": "half"}),
        ("String nothing = null;", {"value": "nothing.length()"}),
    ],
    "returns": [
        ("R<Boolean> response = R.success(true);", {"result": "response", "value": "response.getData()"}),
        (
            'R<Boolean> response = R.failed(R.Status.IllegalArgument, "no");',
            {"result": "response", "value": "response.getData().booleanValue()"},
        ),
    ],
    "raises": [
        ('throw new Exception("outer", new IllegalStateException("inner"));', {}),
        ('throw new ParamException("blank");', {}),
        ("throw new Error();", {}),
        ('String left = "still here";', {"value": "left"}),
    ],
    "recurses": [("step1();", {})],
    "blocks": [("Thread.sleep(200);", {})],
    "waits for ever": [("Thread.sleep(Long.MAX_VALUE);", {})],
    "waits on": [
        ("while (true) {\n    try {\n        Thread.sleep(1000);\n    } catch (InterruptedException e) {\n    }\n}", {})
    ],
    "nothing": [],
}
IMPORTS = ("io.milvus.exception.ParamException", "io.milvus.param.R", "java.util.Arrays", "java.util.List")


def _program(
    renderer: Renderer, name: str, case: str, steps: list[tuple[str, dict[str, str | tuple[str, ...]]]]
) -> Program:
    snippets = tuple(
        Snippet(step=number, operation="echo", client="client", text=text + "\n", imports=IMPORTS, names=names)
        for number, (text, names) in enumerate(steps, 1)
    )
    return renderer.assemble(name, case, snippets, ["address"])


async def _with_runtime(name: str, run: Callable[[ProcessRuntime, Renderer], Awaitable[T]]) -> T:
    pack = read_pack(packaged("runners") / "java")
    version = version_for(pack.spec.targets[name].versions, "2.3.5")
    runtime = ProcessRuntime(cache_folder())
    try:
        missing = await runtime.missing(pack)
        if missing is not None:
            pytest.skip(f"Java is not available here: {missing.what}")
        return await run(runtime, Renderer(pack, target_of(pack, name, version)))
    finally:
        await runtime.close()


async def _with_worker(
    name: str,
    programs: dict[str, list[tuple[str, dict[str, str | tuple[str, ...]]]]],
    use: Callable[[Session], Awaitable[T]],
) -> T:
    async def run(runtime: ProcessRuntime, renderer: Renderer) -> T:
        rendered = [_program(renderer, f"p{at}", case, steps) for at, (case, steps) in enumerate(programs.items())]
        sdk = await runtime.resolve(renderer.pack, renderer.target, lambda _line: None)
        build = await runtime.build(sdk, renderer.sources(rendered), lambda _line: None)
        session = Session(await runtime.launch(build), renderer.target.label)
        await session.start(60)
        assert session.ready.sdk == renderer.target.version
        try:
            return await use(session)
        finally:
            await session.close()

    return await _with_runtime(name, run)


async def _execute_all_at_once(session: Session) -> dict[str, Executed]:
    names = {case: f"p{at}" for at, case in enumerate(PROGRAMS)}
    executed = await execute_all(session, names, PROGRAMS, kill=[case for case in PROGRAMS if case.startswith("waits")])
    again = await execute(session, "values", "p1", len(PROGRAMS["values"]))
    assert again[1] is None, "the worker is not up any more"
    return executed


@pytest.mark.e2e
@pytest.mark.parametrize("name", TARGETS)
def test_executions_do_not_disturb_each_other(name: str) -> None:
    executed = asyncio.run(_with_worker(name, PROGRAMS, _execute_all_at_once))
    crashes = {case: crash for case, (_, crash) in executed.items() if crash}
    assert crashes == {"waits for ever": "killed", "waits on": "killed"}
    assert [answer.value for answer in executed["prints"][0]] == [None, -1]

    *values, null = executed["values"][0]
    assert [answer.value for answer in values] == [False, [1, 2**63 - 1], "NaN", "NEW", "?"]
    assert null.error is not None
    assert null.error.classes[0] == "java.lang.NullPointerException"

    good, bad = executed["returns"][0]
    assert (good.value, good.status) == (True, {"status": 0, "name": "Success"})
    assert isinstance(bad.status, dict)
    assert (bad.value, bad.status["status"], bad.status["name"]) == (None, 5, "IllegalArgument")
    assert bad.status["exception"]["message"] == "no"

    nested, param, bare, left = executed["raises"][0]
    assert nested.error is not None
    assert nested.error.classes == ("java.lang.Exception", "java.lang.Throwable")
    assert nested.error.fields == {"thrownBy": "programs.p3"}
    assert nested.error.cause is not None
    assert nested.error.cause.message == "inner"
    assert param.error is not None
    assert param.error.classes[:2] == ("io.milvus.exception.ParamException", "io.milvus.exception.MilvusException")
    assert param.error.fields == {"thrownBy": "programs.p3", "status": -5}
    assert bare.error is not None
    assert (bare.error.classes[0], bare.error.message) == ("java.lang.Error", "")
    assert left.value == "still here"

    (recursed,) = executed["recurses"][0]
    assert recursed.error is not None
    assert recursed.error.classes[0] == "java.lang.StackOverflowError"
    (blocked,) = executed["blocks"][0]
    assert blocked.milliseconds >= 200


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("snippet", "ending"),
    [
        ("System.exit(7);", "exit status 7"),
        (
            "List<byte[]> full = new java.util.ArrayList<>();\nwhile (true) {\n    full.add(new byte[1 << 24]);\n}",
            "exit status 3",
        ),
    ],
    ids=["exits", "fills memory"],
)
def test_what_ends_the_worker_is_said(snippet: str, ending: str) -> None:
    async def use(session: Session) -> str:
        await session.run("e", "p0", {"address": "nowhere"})
        await session.waiting("e")
        await session.say("go", "e", 1)
        return str(await session.connection.wait())

    assert asyncio.run(_with_worker("java-v1", {"ends": [(snippet, {})]}, use)) == ending


@pytest.mark.e2e
def test_a_program_that_computes_without_end_takes_the_worker_with_it() -> None:
    async def use(session: Session) -> str:
        await session.run("e", "p0", {"address": "nowhere"})
        await session.waiting("e")
        await session.say("go", "e", 1)
        async with asyncio.timeout(60):
            while "spinning" not in session.connection.log():  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(0.01)
            await session._send({"kill": "e"})
            await session.connection.wait()
        return session.connection.log()

    snippet = 'System.out.println("spinning");\nwhile (true) {\n}'
    log = asyncio.run(_with_worker("java-v1", {"spins": [(snippet, {})]}, use))
    assert "computes without end" in log


@pytest.mark.e2e
def test_compiler_errors_are_found_in_their_steps() -> None:
    steps: list[tuple[str, dict[str, str | tuple[str, ...]]]] = [
        ("int fine = 1;", {}),
        ('String book =\n        books.get("error: 1:2");\nint wrong = "novel";', {}),
    ]

    async def run(runtime: ProcessRuntime, renderer: Renderer) -> None:
        program = _program(renderer, "p0", "c", steps)
        sdk = await runtime.resolve(renderer.pack, renderer.target, lambda _line: None)
        with pytest.raises(BuildError) as raised:
            await runtime.build(sdk, renderer.sources([program]), lambda _line: None)
        found = []
        for error in raised.value.errors:
            span = program.step_at(error.file, error.line)
            assert span is not None
            found.append((span.step, error.line - span.first, error.column, error.message))
        assert found == [
            (2, 1, 9, "cannot find symbol; symbol: variable books"),
            (2, 2, 13, "incompatible types: String cannot be converted to int"),
        ]

    asyncio.run(_with_runtime("java-v1", run))

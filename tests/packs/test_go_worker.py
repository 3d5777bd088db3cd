"""What a program of the Go pack may do to its worker: nothing, for each execution is a process of its own."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from milvus_parity.cli.options import cache_folder
from milvus_parity.engine.worker import Session
from milvus_parity.model.program import Snippet
from milvus_parity.packs.discover import packaged, read_pack, target_of, version_for
from milvus_parity.packs.render import Renderer
from milvus_parity.runtime.process import ProcessRuntime
from worker_executions import Executed, execute_all

PROGRAMS: dict[str, list[tuple[str, tuple[str, ...], str | None]]] = {
    "exits": [("os.Exit(7)", ("os",), None)],
    "panics": [
        ('var none map[string]int\nnone["a"] = 1', (), None),
        ('panic("a text")', (), None),
        ("runtime.Goexit()", ("runtime",), None),
        ('left := "still here"', (), "left"),
    ],
    "panics elsewhere": [
        ('go func() { panic("elsewhere") }()\ntime.Sleep(5 * time.Second)', ("time",), None),
    ],
    "prints": [
        (
            'for i := 0; i < 20000; i++ {\n\tfmt.Println("0 {\\"execution\\": \\"prints\\", \\"done\\": true}")\n}\n'
            'os.NewFile(4, "answers").WriteString("rubbish\\n{\\"execution\\": \\"exits\\", \\"done\\": true}\\n")',
            ("fmt", "os"),
            None,
        ),
        ('left := "still here"', (), "left"),
    ],
    "reads nothing": [
        ("names := []string(nil)", (), "names"),
        ("found := false", (), "found"),
        ("number := math.NaN()", ("math",), "number"),
    ],
    "wraps": [
        ('return fmt.Errorf("outer: %w", context.DeadlineExceeded)', ("fmt",), None),
        ('return &os.PathError{Op: "open", Path: "x", Err: os.ErrNotExist}', ("os",), None),
        (
            'return status.Error(codes.Canceled, "no")',
            ("google.golang.org/grpc/codes", "google.golang.org/grpc/status"),
            None,
        ),
    ],
    "spins": [("for {\n}", (), None)],
}


async def _with_worker(use: Callable[[Session, dict[str, str]], Awaitable[dict[str, Executed]]]) -> dict[str, Executed]:
    pack = read_pack(packaged("runners") / "go")
    target = target_of(pack, "go-v1", version_for(pack.spec.targets["go-v1"].versions, "2.3.5"))
    runtime = ProcessRuntime(cache_folder())
    try:
        missing = await runtime.missing(pack)
        if missing is not None:
            pytest.skip(f"Go is not available here: {missing.what}")
        renderer = Renderer(pack, target)
        programs = [
            renderer.assemble(
                f"p{number}",
                case,
                tuple(
                    Snippet(
                        step=step,
                        operation="echo",
                        client="client",
                        text=text + "\n",
                        imports=imports,
                        names={"value": value} if value else {},
                    )
                    for step, (text, imports, value) in enumerate(steps, 1)
                ),
                ["address"],
            )
            for number, (case, steps) in enumerate(PROGRAMS.items())
        ]
        sdk = await runtime.resolve(pack, target, lambda _line: None)
        build = await runtime.build(sdk, renderer.sources(programs), lambda _line: None)
        session = Session(await runtime.launch(build), target.label)
        await session.start(60)
        assert session.ready.sdk == target.version
        executed = await use(session, {program.case: program.name for program in programs})
        await session.close()
        return executed
    finally:
        await runtime.close()


async def _execute_all_at_once(session: Session, names: dict[str, str]) -> dict[str, Executed]:
    return await execute_all(session, names, PROGRAMS, kill=("spins",))


def test_an_sdk_is_compiled_with_the_flags_of_its_programs() -> None:
    """With other ones, a build would compile the SDK again, and an image its standard library."""
    folder = packaged("runners") / "go"
    flags = ["-trimpath", "-gcflags=all=-l -dwarf=false"]
    for file in ("pack.toml", "support/resolve.sh", "Dockerfile"):
        (line,) = [
            line for line in (folder / file).read_text().splitlines() if "go build" in line or '"go", "build"' in line
        ]
        assert [flag for flag in flags if flag not in line] == [], file


@pytest.mark.e2e
def test_executions_do_not_disturb_each_other() -> None:
    executed = asyncio.run(_with_worker(_execute_all_at_once))
    crashes = {case: crash for case, (_, crash) in executed.items() if crash}
    assert crashes == {"exits": "exit status 7", "panics elsewhere": "exit status 2", "spins": "killed"}

    runtime_error, text, goexit, left = executed["panics"][0]
    assert runtime_error.outcome == text.outcome == goexit.outcome == "raised"
    assert runtime_error.error is not None
    assert runtime_error.error.classes[-2:] == ("runtime.Error", "panic")
    assert str(runtime_error.error.fields["in"]).startswith("main.")
    assert text.error is not None
    assert (text.error.classes, text.error.message) == (("string", "panic"), "a text")
    assert goexit.error is not None
    assert goexit.error.classes == ("runtime.Goexit",)
    assert left.value == "still here"

    assert [answer.value for answer in executed["prints"][0]] == [None, "still here"]
    assert [answer.value for answer in executed["reads nothing"][0]] == [[], False, "NaN"]

    wrapped, path, status = (answer.error for answer in executed["wraps"][0])
    assert wrapped is not None
    assert wrapped.classes == ("fmt.wrapError", "error")
    assert wrapped.fields == {"is": "context.DeadlineExceeded"}
    assert wrapped.cause is not None
    assert wrapped.cause.classes == ("context.deadlineExceededError", "error")
    assert path is not None
    assert path.fields == {"Op": "open", "Path": "x"}
    assert status is not None
    assert status.fields == {"grpc_code": "CANCELLED"}

"""Fetch, compile and run in containers: what is made, what is found again, what goes wrong."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from milvus_parity.model.errors import BadInputError, NotAvailableError
from milvus_parity.packs.discover import target_of
from milvus_parity.runtime.base import BuildError, ResolveError
from milvus_parity.runtime.containers import inputs, kept, labels
from milvus_parity.runtime.containers.engine import Engine, EngineError
from milvus_parity.runtime.containers.settings import Limits

from containers.conftest import Bench
from containers.tiny import DOCKERFILE, PACK, RESOLVE, WORKER, sources, tiny_settings, write_pack

pytestmark = pytest.mark.containers


@pytest.fixture
def fresh(tmp_path: Path, engine: Engine) -> Callable[[str], str]:
    """Makes a resolve script that was never run before; what is built with it is removed at the end."""
    return lambda text="": f"{RESOLVE}\n# {tmp_path} {time.time()}\n{text}\n"


def remove(engine: Engine, image: str) -> None:
    engine.client.images.remove(image, force=True)


def test_a_pack_goes_from_its_folder_to_a_worker(
    bench: Bench, tmp_path: Path, fresh: Callable[..., str], engine: Engine
) -> None:
    build = bench.build(tmp_path / "tiny", resolve=fresh())
    try:
        assert not build.cached
        assert any(line.startswith("image, step 6 of 8: RUN sh /opt/parity/pack") for line in bench.progress), (
            bench.progress
        )
        worker = bench.launch(build)
        assert worker.eval("open('/opt/parity/sdk/version').read()") == r"'1.0\n'"
        assert worker.eval("os.environ['MARK'], os.environ['PARITY_SDK'], os.environ['PARITY_SDK_VERSION']") == (
            "('tiny', '/opt/parity/sdk', '1.0')"
        )
        assert worker.eval("os.getcwd(), os.listdir(), os.environ['HOME']") == "('/tmp', [], '/tmp')"
        assert worker.eval("os.write(2, b'to the log') and 1") == "1"
        assert worker.eval("1") == "1"
        assert worker.connection.log() == "to the log"
        assert worker.connection.logged == 10
        bench.progress.clear()
        again = bench.build(tmp_path / "tiny", resolve=(tmp_path / "tiny/support/resolve.sh").read_text())
        assert again.cached
        assert (again.folder, again.key) == (build.folder, build.key)
        assert bench.progress == [], "nothing was done"
    finally:
        remove(engine, build.folder)
        remove(engine, build.sdk.folder)


def test_other_programs_need_no_new_image_of_the_sdk(bench: Bench, tmp_path: Path, engine: Engine) -> None:
    one = bench.build(tmp_path / "tiny")
    text = WORKER + f"# {time.time()}\n"
    other = bench.build(tmp_path / "tiny", worker=text)
    try:
        assert one.sdk.folder == other.sdk.folder
        assert one.folder != other.folder
        assert not other.cached
    finally:
        remove(engine, other.folder)


def test_images_say_what_they_are(bench: Bench, tmp_path: Path, engine: Engine) -> None:
    build = bench.build(tmp_path / "tiny")
    images = {image.name: image for image in kept.list_images(engine)}
    assert images[build.sdk.folder].kind == "sdk"
    assert images[build.folder].kind == "build"
    assert images[build.folder].sdk == build.sdk.folder
    assert images[build.folder].target == "tiny"
    marks = engine.client.images.get(build.sdk.folder).labels
    assert labels.RUN not in marks, "an image that stays belongs to no run"
    pack, target = build.sdk.pack, build.sdk.target
    assert inputs.wanted_tag(pack, target, tiny_settings()) == build.sdk.folder


def test_a_base_that_became_another_makes_a_new_image(
    open_bench: Callable[..., Bench], tmp_path: Path, engine: Engine
) -> None:
    base = f"parity-test/base:{tmp_path.name}"
    settings = tiny_settings()
    engine.client.images.get(settings.bases["tiny"]).tag(base)
    bench = open_bench(tiny_settings(bases={"tiny": base}))
    try:
        build = bench.build(tmp_path / "tiny")
        before = engine.client.images.get(build.sdk.folder).id
        container = engine.client.containers.create(base, ["touch", "/changed"])
        container.start()
        container.wait()
        container.commit(*base.split(":"))
        container.remove()
        again = bench.build(tmp_path / "tiny")
        assert again.sdk.folder == build.sdk.folder
        assert engine.client.images.get(build.sdk.folder).id != before
        assert not again.cached, "and its programs are compiled again"
        for name in (again.folder, build.folder, build.sdk.folder):
            remove(engine, name)
    finally:
        remove(engine, base)


def test_complaints_of_a_compiler_have_their_places(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(BuildError) as raised:
        bench.build(tmp_path / "tiny", worker="x = 1\ny = = 2\n")
    (error,) = raised.value.errors
    assert (error.file, error.line, error.column, error.message) == ("worker.py", 2, 5, "invalid syntax")
    assert raised.value.output == "worker.py:2:5: invalid syntax"


def test_a_compiler_that_is_too_slow_is_ended(bench: Bench, tmp_path: Path) -> None:
    pack = PACK.replace("[build]\n", "[build]\ntimeout = 1.0\n").replace('"python3", "check.py"', '"sleep", "60"')
    clock = time.monotonic()
    with pytest.raises(BuildError, match="not compiled within 1 s"):
        bench.build(tmp_path / "tiny", pack=pack)
    assert time.monotonic() - clock < 30


def test_a_compiler_without_enough_memory_is_no_fault_of_the_programs(
    open_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = open_bench(tiny_settings(build=Limits(memory=64 << 20)))
    pack = PACK.replace('"python3", "check.py"', '"python3", "-c", "[bytearray(1 << 20) for _ in range(900)]"')
    with pytest.raises(NotAvailableError, match="killed by its memory limit of 64 MiB"):
        bench.build(tmp_path / "tiny", pack=pack)


def test_a_fetch_that_fails_shows_the_end_of_the_log(bench: Bench, tmp_path: Path, fresh: Callable[..., str]) -> None:
    with pytest.raises(ResolveError) as raised:
        bench.build(tmp_path / "tiny", resolve=fresh("echo no such release 1.0 >&2\nexit 7"))
    assert "tiny 1.0 cannot be fetched into an image" in raised.value.what
    assert "returned a non-zero code: 7" in raised.value.what
    assert "no such release 1.0" in (raised.value.hint or "")


def test_a_base_that_cannot_be_pulled(open_bench: Callable[..., Bench], tmp_path: Path) -> None:
    bench = open_bench(tiny_settings(bases={"tiny": "registry.invalid/no/such:1"}))
    with pytest.raises(ResolveError) as raised:
        bench.build(tmp_path / "tiny")
    assert raised.value.what.startswith("The image registry.invalid/no/such:1 cannot be pulled: ")
    assert "MILVUS_PARITY_BASE_" in (raised.value.hint or "")


def test_a_user_that_is_a_name_is_refused(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="`nobody`; a number is needed"):
        bench.build(tmp_path / "tiny", dockerfile=DOCKERFILE.replace("USER 65534:65534", "USER nobody"))


def test_root_in_a_dockerfile_is_nobody_in_a_worker(bench: Bench, tmp_path: Path, engine: Engine) -> None:
    build = bench.build(tmp_path / "tiny", dockerfile=DOCKERFILE.replace("USER 65534:65534", "USER root"))
    assert bench.launch(build).eval("os.getuid()") == "65534"


def test_a_pack_without_a_dockerfile_is_not_available(bench: Bench, tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "tiny")
    assert bench.do(bench.runtime.missing(pack)) is None
    (pack.folder / "Dockerfile").unlink()
    missing = bench.do(bench.runtime.missing(pack))
    assert missing is not None
    assert missing.what == "the pack of Tiny has no Dockerfile"


def test_a_worker_whose_command_is_not_there(bench: Bench, tmp_path: Path, engine: Engine) -> None:
    build = bench.build(tmp_path / "tiny", pack=PACK.replace('["{python}", "-u", ', '["no-such-command", '))
    connection = bench.do(bench.runtime.launch(build))
    assert bench.do(connection.receive()) is None
    assert str(bench.do(connection.wait())) == "exit status 127"
    assert "no-such-command" in connection.log()


def test_an_image_removed_under_the_run(bench: Bench, tmp_path: Path, engine: Engine) -> None:
    build = bench.build(tmp_path / "tiny")
    remove(engine, build.folder)
    with pytest.raises(EngineError, match="is gone"):
        bench.do(bench.runtime.launch(build))


def test_several_at_once_get_what_they_asked_for(
    bench: Bench, tmp_path: Path, fresh: Callable[..., str], engine: Engine
) -> None:
    pack = write_pack(tmp_path / "tiny", resolve=fresh())
    target = target_of(pack, "tiny", "1.0")

    async def all_of_them() -> list[str]:
        sdks = await asyncio.gather(*(bench.runtime.resolve(pack, target, bench.progress.append) for _ in range(4)))
        builds = await asyncio.gather(*(bench.runtime.build(sdk, sources(), bench.progress.append) for sdk in sdks))
        assert sum(not build.cached for build in builds) == 1
        return [build.folder for build in builds]

    names = bench.do(all_of_them())
    assert len(set(names)) == 1
    assert bench.progress.count("building the image") == 1
    remove(engine, names[0])
    remove(engine, inputs.wanted_tag(pack, target, tiny_settings()))


def test_lines_of_any_length_and_bytes_arrive(bench: Bench, tmp_path: Path) -> None:
    worker = bench.launch(bench.build(tmp_path / "tiny"))
    line = worker.eval("'x' * (9 << 20)")
    assert line is not None
    assert len(line) == (9 << 20) + 2
    cut = worker.eval("'x' * (20 << 20)")
    assert cut is not None
    assert len(cut) == 16 << 20
    assert worker.eval("'' + chr(0) + '\\U0001f600'") == "'\\x00😀'"


def test_a_worker_that_floods_waits_and_can_be_killed(bench: Bench, tmp_path: Path) -> None:
    worker = bench.launch(bench.build(tmp_path / "tiny"))
    bench.do(worker.connection.send(b"[print('x' * 1000) for _ in range(10**9)]"))
    assert worker.next() == "x" * 1000
    time.sleep(1)
    clock = time.monotonic()
    bench.do(worker.connection.kill())
    assert worker.ended() == "killed by signal 9"
    assert time.monotonic() - clock < 5
    with pytest.raises(ConnectionError):
        bench.do(worker.connection.send(b"1"))


@pytest.mark.parametrize(
    ("expression", "end"),
    [
        ("os._exit(0)", "exit status 0"),
        ("os._exit(3)", "exit status 3"),
        ("os.kill(os.getpid(), 11)", "killed by signal 11"),
        ("os.kill(os.getpid(), 9)", "killed by signal 9"),
    ],
)
def test_how_a_worker_ended(bench: Bench, tmp_path: Path, expression: str, end: str) -> None:
    worker = bench.launch(bench.build(tmp_path / "tiny"))
    bench.do(worker.connection.send(f"os.write(1, b'last words\\n') and {expression}".encode()))
    assert worker.next() == "last words"
    assert worker.next() is None
    assert worker.ended() == end
    bench.do(worker.connection.kill())
    assert worker.ended() == end, "killing it afterwards changes nothing"

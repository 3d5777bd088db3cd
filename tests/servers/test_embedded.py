"""The embedded server for real: alone, in company, killed, and what is left of it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest
from milvus_parity.servers import embedded as module
from milvus_parity.servers.base import ALL_FEATURES, Server, ServerError, server_for
from milvus_parity.servers.children import Child
from milvus_parity.servers.embedded import EmbeddedServer, healthy
from milvus_parity.servers.errors import ObserverError
from milvus_parity.servers.leftovers import PLACES
from milvus_parity.servers.observer import Observer
from milvus_parity.servers.ports import listeners

from servers.fake_milvus import listener


def new(cache: Path) -> EmbeddedServer:
    return EmbeddedServer(cache_dir=cache, environ=os.environ, on_progress=lambda line: None)


def servers_in(cache: Path) -> list[psutil.Process]:
    """The servers whose folders lie in a cache."""
    processes = list(psutil.process_iter(["name", "cwd"]))
    return [
        process
        for process in processes
        if process.info["name"] == "milvus" and str(process.info["cwd"] or "").startswith(str(cache))
    ]


def left_by(pid: int) -> list[Path]:
    """What is left outside the server's folder."""
    left = [place / f"server_id_{pid}" for place in PLACES]
    left += [place / "standalone.pid" for place in PLACES if _holds(place / "standalone.pid", pid)]
    return [path for path in left if path.exists()]


def _holds(path: Path, pid: int) -> bool:
    return path.exists() and path.read_text().strip() == str(pid)


def shared_cache(cache: Path, folder: Path) -> Path:
    """A cache of its own for a test, with the server's files of the real one."""
    (folder / "servers").mkdir()
    for entry in (cache / "servers").glob("milvus-*"):
        if entry.is_dir() and ".tmp-" not in entry.name:
            (folder / "servers" / entry.name).symlink_to(entry)
    return folder


@pytest.mark.e2e
def test_it_is_a_milvus_of_the_runs_own(embedded: Server) -> None:
    info = embedded.info
    assert info.version == "2.3.5"
    assert info.features == ALL_FEATURES
    assert embedded.alive()
    assert embedded.last_log_lines(3)
    assert info.password not in repr(info)


@pytest.mark.e2e
@pytest.mark.parametrize(("user", "password"), [("root", "Milvus"), ("", ""), ("root", "")])
def test_the_password_everybody_knows_opens_nothing(embedded: Server, user: str, password: str) -> None:
    async def ask() -> None:
        async with Observer(msgspec.structs.replace(embedded.info, user=user, password=password)):
            pass

    with pytest.raises(ObserverError) as raised:
        asyncio.run(ask())
    assert raised.value.unauthenticated


@pytest.mark.e2e
def test_its_etcd_listens_on_no_port(embedded: EmbeddedServer) -> None:
    assert embedded._child is not None
    process = psutil.Process(embedded._child.pid)
    listening = [entry for entry in process.net_connections("tcp") if entry.status == psutil.CONN_LISTEN]
    assert len(listening) == module.PORT_COUNT
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", embedded.info.port)) == 0


@pytest.mark.e2e
def test_two_at_once_are_apart_and_leave_nothing(cache: Path, embedded: Server, tmp_path: Path) -> None:
    own = shared_cache(cache, tmp_path)
    server = new(own)

    async def run() -> tuple[int, int, float]:
        try:
            started = time.monotonic()
            info = await server.start()
            seconds = time.monotonic() - started
            assert server._child is not None
            pid = server._child.pid
            assert embedded.alive()
            assert info.port != embedded.info.port
            assert info.password != embedded.info.password
            async with Observer(info) as here, Observer(embedded.info) as there:
                await asyncio.gather(here.create_database("only_here"), there.create_database("only_there"))
                assert await here.list_databases() == ["default", "only_here"]
                assert "only_here" not in await there.list_databases()
                await there.drop_database("only_there")
            assert servers_in(own)
        finally:
            await server.stop()
        return pid, info.port, seconds

    pid, port, seconds = asyncio.run(run())
    assert seconds < 30
    assert not server.alive()
    assert server.last_log_lines(3), "its last words are kept for those who ask why it ended"
    asyncio.run(server.stop())
    assert not psutil.pid_exists(pid)
    assert listeners(port) == 0
    assert list((own / "servers" / "run").glob("[0-9]*")) == []
    assert left_by(pid) == []
    assert embedded.alive()


@pytest.mark.e2e
def test_one_that_is_killed_is_seen_dead_at_once(cache: Path, tmp_path: Path) -> None:
    server = new(shared_cache(cache, tmp_path))

    async def run() -> None:
        info = await server.start()
        assert server._child is not None
        async with Observer(info) as observer:
            os.kill(server._child.pid, signal.SIGKILL)
            deadline = time.monotonic() + 2
            while server.alive():
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)
            with pytest.raises(ObserverError) as raised:
                await observer.list_databases()
            assert type(raised.value).__name__ == "ServerGone"
        pid = server._child.pid
        await server.stop()
        assert left_by(pid) == []

    asyncio.run(run())
    assert list((tmp_path / "servers" / "run").glob("[0-9]*")) == []


@pytest.mark.e2e
def test_a_killed_harness_takes_its_server_along_and_the_next_start_clears_up(cache: Path, tmp_path: Path) -> None:
    own = shared_cache(cache, tmp_path)
    program = """
import asyncio, os, sys, time
from pathlib import Path
from milvus_parity.servers.base import server_for
server = server_for("embedded", cache_dir=Path(sys.argv[1]), environ=os.environ, on_progress=lambda line: None)
asyncio.run(server.start())
print(server._child.pid, flush=True)
time.sleep(600)
"""
    harness = subprocess.Popen([sys.executable, "-c", program, str(own)], stdout=subprocess.PIPE, text=True)
    assert harness.stdout is not None
    pid = int(harness.stdout.readline())
    harness.kill()
    harness.communicate()
    deadline = time.monotonic() + 5
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (orphan,) = (own / "servers" / "run").glob("[0-9]*")
    server = new(own)
    asyncio.run(server.start())
    try:
        assert not orphan.exists()
        assert left_by(pid) == []
    finally:
        asyncio.run(server.stop())


@pytest.mark.e2e
def test_a_busy_port_is_no_obstacle(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody takes the proxy's port after it was chosen: the server would move without a word."""
    original = module.free_ports
    tried = []

    def unlucky(count: int) -> tuple[int, ...]:
        ports = original(count)
        tried.append(ports)
        if len(tried) == 1:
            blocked.append(socket.create_server(("", ports[1])))
        return ports

    blocked: list[socket.socket] = []
    monkeypatch.setattr(module, "free_ports", unlucky)
    server = new(shared_cache(cache, tmp_path))
    try:
        info = asyncio.run(server.start())
        assert len(tried) == 2
        assert info.port == tried[1][1]
    finally:
        asyncio.run(server.stop())
        for one in blocked:
            one.close()


@pytest.mark.e2e
def test_an_interrupted_start_leaves_nothing(cache: Path, tmp_path: Path) -> None:
    own = shared_cache(cache, tmp_path)

    async def run() -> None:
        start = asyncio.create_task(new(own).start())
        while not servers_in(own):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start

    asyncio.run(run())
    assert servers_in(own) == []
    assert list((own / "servers" / "run").glob("[0-9]*")) == []


# without the server's files: what is made of a server that does not start


@pytest.fixture
def pretender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache whose server is a shell script."""
    files = tmp_path / "servers" / f"milvus-{module.VERSION}"
    (files / "bin").mkdir(parents=True)
    (files / "config.yaml.template").write_text("proxy:\n  port: {{ proxy_port(int): 19530 }}\n")
    (files / "glog.conf").write_text("")
    monkeypatch.setattr("milvus_parity.servers.wheel.require_platform", lambda: None)
    return tmp_path


def write_server(cache: Path, script: str) -> None:
    binary = cache / "servers" / f"milvus-{module.VERSION}" / "bin" / "milvus"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'panic: no luck'; exit 7", ["ended while it started (exit status 7)", "panic: no luck"]),
        ("kill -ABRT $$", ["signal SIGABRT", "(nothing)"]),
        ("echo 'Create runtime directory at /tmp/milvus failed'; exit 255", ["/tmp/milvus", "--milvus container"]),
        ("echo 'listen tcp :1: bind: address already in use'; exit 1", ["ports taken 5 times"]),
        ("echo busy; sleep 600", ["was not ready within 0.3 s", "busy"]),
    ],
)
def test_a_server_that_does_not_start_is_a_sentence(
    pretender: Path, script: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "START_SECONDS", 0.3 if "sleep" in script else 30.0)
    write_server(pretender, script)
    server = new(pretender)
    with pytest.raises(ServerError) as raised:
        asyncio.run(server.start())
    assert all(word in str(raised.value) for word in words), str(raised.value)
    assert not server.alive()
    assert list((pretender / "servers" / "run").glob("[0-9]*")) == []


def test_a_server_file_that_cannot_be_run_is_a_sentence(pretender: Path) -> None:
    with pytest.raises(ServerError, match="ended while it started"):
        asyncio.run(new(pretender).start())


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nOK", True),
        (b"HTTP/1.0 200 OK\r\n\r\ncomponent querycoord state is Initializing", False),
        (b"HTTP/1.0 500 Internal Server Error\r\n\r\nOK", False),
        (b"", False),
    ],
)
def test_only_a_page_that_says_ok_is_healthy(answer: bytes, expected: bool) -> None:
    async def ask() -> bool:
        async with listener(answer) as info:
            return await healthy(info.host, info.port)

    assert asyncio.run(ask()) is expected


def test_it_says_where_it_is_only_once_it_is_somewhere(tmp_path: Path) -> None:
    server = server_for("embedded", cache_dir=tmp_path, environ={}, on_progress=print)
    with pytest.raises(ServerError, match="before it was started"):
        _ = server.info
    assert server.last_log_lines(5) == []
    asyncio.run(server.stop())


def test_a_child_is_killed_without_an_event_loop(tmp_path: Path) -> None:
    child = Child(["/bin/sleep", "600"], env={}, cwd=tmp_path, log=tmp_path / "log")
    child.kill()
    assert not child.alive()

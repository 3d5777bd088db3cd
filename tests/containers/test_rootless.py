"""Engines that run without root, as a user who is made for it: relays, and what they do not hold is told."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from milvus_parity.runtime.containers.engine import Engine, EngineError, connect
from milvus_parity.wire.gateway import RecordingGateways, Upstream
from wire_fakes import RawServer

from containers.conftest import Bench
from containers.tiny import BASE, tiny_settings

pytestmark = pytest.mark.containers

DOCKER = "/usr/share/docker.io/contrib/dockerd-rootless.sh"
START_SECONDS = 60


class User:
    """A user of this machine for the time of a test, with subordinate ids, and what runs as that user."""

    def __init__(self) -> None:
        self.name = f"parity-{secrets.token_hex(3)}"
        self.home = Path("/var/tmp") / self.name
        self.runtime = self.home / "run"
        self._running: list[subprocess.Popen[bytes]] = []
        subprocess.run(["useradd", "-m", "-d", self.home, "-s", "/bin/sh", self.name], check=True)
        self.runtime.mkdir(mode=0o700)
        shutil.chown(self.runtime, self.name)

    def command(self, words: Sequence[str]) -> list[str]:
        environment = [f"HOME={self.home}", f"XDG_RUNTIME_DIR={self.runtime}", f"PATH={os.environ['PATH']}"]
        return ["runuser", "-u", self.name, "--", "env", "-i", *environment, *words]

    def start(self, words: Sequence[str]) -> None:
        with (self.home / "log").open("ab") as log:
            started = subprocess.Popen(
                self.command(words), cwd=self.home, stdout=log, stderr=log, start_new_session=True
            )
        self._running.append(started)

    def engine(self, socket: Path) -> dict[str, str]:
        """The environment that leads to an engine of this user, once it answers."""
        environ = {"DOCKER_HOST": f"unix://{socket}", "PATH": os.environ["PATH"]}
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(EngineError):
                connect(environ).close()
                return environ
            time.sleep(0.1)
        raise AssertionError((self.home / "log").read_text()[-3000:])

    def remove(self) -> None:
        """With all processes and files, some of which belong to subordinate ids."""
        for running in self._running:
            running.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(10)
        subprocess.run(["pkill", "-KILL", "-u", self.name], check=False)
        time.sleep(0.2)
        subprocess.run(["userdel", self.name], check=True)
        shutil.rmtree(self.home, ignore_errors=True)


@pytest.fixture
def user() -> Iterator[User]:
    if os.geteuid() != 0 or not all(map(shutil.which, ("useradd", "newuidmap", "slirp4netns"))):
        pytest.skip("takes root (to be somebody else), useradd, newuidmap and slirp4netns")
    made = User()
    yield made
    made.remove()


def works_with_relays(engine: Engine, environ: dict[str, str], open_bench: Callable[..., Bench], folder: Path) -> None:
    other = connect(environ)
    other.client.images.load(b"".join(engine.client.images.get(BASE).save(named=True)))
    assert other.is_rootless()
    version = str(other.client.info().get("CgroupVersion"))
    other.close()
    bench = open_bench(tiny_settings(), environ)
    worker = bench.launch(bench.build(folder / "tiny"))
    assert any(note.startswith("Workers reach the harness through relays") for note in bench.runtime.notes)
    if version == "1":
        assert bench.runtime.notes[-1].startswith("The engine does not limit what workers use of memory")
    server = RawServer(lambda peer, data: peer.transport.write(data))

    async def talk() -> None:
        async with server.running():
            gateways = RecordingGateways(Upstream(host="127.0.0.1", port=server.port), host=bench.runtime.gateway_host)
            async with gateways:
                endpoint = await gateways.open(worker.connection.relay)
                way = f"__import__('socket').create_connection(('127.0.0.1', {endpoint.port}), 3)"
                await worker.connection.send(f"(lambda s: (s.sendall(b'ab'), s.recv(9)))({way})".encode())
                assert await worker.connection.receive() == b"(None, b'ab')"
                await endpoint.cut()
                await worker.connection.send(way.encode())
                assert await worker.connection.receive() == b"ConnectionRefusedError: [Errno 111] Connection refused"

    bench.do(talk())
    assert worker.eval("os.getuid()") == "65534"
    assert worker.eval("open('/x', 'w')") == "OSError: [Errno 30] Read-only file system: '/x'"
    assert worker.eval("open('/proc/net/dev').read().count(':')") == "1", "lo"
    bench.do(bench.runtime.close())
    with contextlib.closing(connect(environ)) as left:
        assert left.client.api.containers(all=True) == []


def test_docker(user: User, engine: Engine, open_bench: Callable[..., Bench], tmp_path: Path) -> None:
    if not Path(DOCKER).exists() or shutil.which("rootlesskit") is None:
        pytest.skip("dockerd-rootless.sh or rootlesskit is not here")
    user.start(["sh", DOCKER])
    works_with_relays(engine, user.engine(user.runtime / "docker.sock"), open_bench, tmp_path)


def test_podman(user: User, engine: Engine, open_bench: Callable[..., Bench], tmp_path: Path) -> None:
    if shutil.which("podman") is None:
        pytest.skip("podman is not here")
    socket = user.runtime / "podman.sock"
    # runc, since crun will have nothing to do with two versions of cgroups at once.
    user.start(
        ["podman", "--runtime=runc", "--cgroup-manager=cgroupfs", "system", "service", "-t0", f"unix://{socket}"]
    )
    works_with_relays(engine, user.engine(socket), open_bench, tmp_path)

"""An engine that seems to be on another machine: a daemon in a network namespace of its own, reached over TCP and TLS.

So are engines by DOCKER_HOST and contexts, and Docker Desktop: its networks are not here, and workers need relays.
"""

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from milvus_parity.model.errors import NotAvailableError
from milvus_parity.packs.discover import discover, packaged, target_of
from milvus_parity.runtime.containers import inputs, labels
from milvus_parity.runtime.containers.engine import Engine, EngineError, connect
from milvus_parity.runtime.containers.settings import settings_from
from milvus_parity.servers.base import container_image
from milvus_parity.store.reader import read_run
from milvus_parity.wire.endpoint import RecordedEndpoint
from milvus_parity.wire.gateway import RecordingGateways, Upstream
from wire_fakes import RawServer

from containers.conftest import Bench, Worker
from containers.daemons import Daemon, impossible
from containers.tiny import BASE, tiny_settings

pytestmark = pytest.mark.containers

CONNECT = "__import__('socket').create_connection(({host!r}, {port}), 3)"


def command(*words: object) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def certificates(folder: Path, host: str) -> Path:
    """A folder as DOCKER_CERT_PATH wants it, and in its folder `server` what the daemon has; valid for two days."""
    server = folder / "server"
    server.mkdir(parents=True)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    ca, ca_key = folder / "ca.pem", server / "ca-key.pem"
    command("openssl", "req", "-x509", *key, "-days", 2, "-subj", "/CN=Home-made", "-keyout", ca_key, "-out", ca)
    for place, purpose in (
        (server, f"subjectAltName=IP:{host}\nextendedKeyUsage=serverAuth"),
        (folder, "extendedKeyUsage=clientAuth"),
    ):
        wish, purposes = server / "wish.csr", server / "purposes"
        purposes.write_text(purpose)
        command("openssl", "req", "-new", *key, "-subj", "/CN=me", "-keyout", place / "key.pem", "-out", wish)
        signing = ["-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", 2, "-extfile", purposes]
        command("openssl", "x509", "-req", "-in", wish, *signing, "-out", place / "cert.pem")
    return folder


class Elsewhere:
    """The daemon, and how it is reached."""

    def __init__(self, daemon: Daemon, host: str, certificates: Path) -> None:
        self.daemon = daemon
        self.host = host
        self.address = f"tcp://{host}:2376"
        self.certificates = certificates
        self.environ = {
            "DOCKER_HOST": self.address,
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(certificates),
        }


@pytest.fixture(scope="module")
def elsewhere(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    if reason := impossible():
        pytest.skip(reason)
    name = f"parity-{secrets.token_hex(3)}"
    net = f"198.18.{secrets.randbelow(256)}"
    here, there = f"{net}.1", f"{net}.2"
    folder = certificates(tmp_path_factory.mktemp("tls") / "certificates", there)
    with contextlib.ExitStack() as stack:
        command("ip", "netns", "add", name)
        stack.callback(command, "ip", "netns", "delete", name)
        command("ip", "link", "add", name, "type", "veth", "peer", "name", "away", "netns", name)
        command("ip", "addr", "add", f"{here}/30", "dev", name)
        command("ip", "link", "set", name, "up")
        command("ip", "-n", name, "addr", "add", f"{there}/30", "dev", "away")
        for device in ("away", "lo"):
            command("ip", "-n", name, "link", "set", device, "up")
        tls = ["--tlsverify", f"--tlscacert={folder}/ca.pem", f"--tlscert={folder}/server/cert.pem"]
        # Not `ip netns exec`: mounts made under it are seen by nobody else, and containerd has to see them.
        daemon = Daemon(
            within=["nsenter", f"--net=/var/run/netns/{name}"],
            options=["--host", f"tcp://{there}:2376", *tls, f"--tlskey={folder}/server/key.pem"],
        )
        stack.callback(daemon.remove)
        daemon.start()
        daemon.load(engine, BASE)
        yield Elsewhere(daemon, there, folder)


@pytest.fixture
def bench(elsewhere: Elsewhere, open_bench: Callable[..., Bench]) -> Bench:
    return open_bench(tiny_settings(), elsewhere.environ)


@pytest.fixture
def worker(bench: Bench, tmp_path: Path) -> Worker:
    return bench.launch(bench.build(tmp_path / "tiny"))


class Gateways:
    """Gateways to a server that says everything again, for tests that are not coroutines."""

    def __init__(self, bench: Bench, server: RawServer) -> None:
        self._bench = bench
        self._gateways = RecordingGateways(
            Upstream(host="127.0.0.1", port=server.port), host=bench.runtime.gateway_host
        )

    def open(self, worker: Worker) -> RecordedEndpoint:
        return self._bench.do(self._gateways.open(worker.connection.relay))

    def close(self) -> None:
        self._bench.do(self._gateways.close())


@pytest.fixture
def gateways(bench: Bench) -> Iterator[Gateways]:
    server = RawServer(lambda peer, data: peer.transport.write(data))
    running = server.running()
    bench.do(running.__aenter__())
    made = Gateways(bench, server)
    yield made
    made.close()
    bench.do(running.__aexit__(None, None, None))


def test_workers_reach_the_gateways_and_nothing_else(
    bench: Bench, worker: Worker, gateways: Gateways, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    (note,) = bench.runtime.notes
    assert note.startswith(
        f"Workers reach the harness through relays: the networks of the engine at {elsewhere.address}"
    )
    endpoint = gateways.open(worker)
    host, port = endpoint.address.split(":")
    talk = CONNECT.format(host=host, port=port)
    assert worker.eval(f"(lambda s: (s.sendall(b'ab'), s.recv(9)))({talk})") == "(None, b'ab')"
    assert worker.eval("open('/proc/net/dev').read().count(':')") == "1", "lo"
    for other, number in (("1.1.1.1", 443), (elsewhere.host, 2376), ("172.29.0.1", 22)):
        said = worker.eval(CONNECT.format(host=other, port=number))
        assert said == "OSError: [Errno 101] Network is unreachable"
    said = worker.eval("__import__('socket').getaddrinfo('pypi.org', 443)")
    assert said is not None
    assert said.startswith("gaierror")
    neighbour = bench.launch(bench.build(tmp_path / "tiny"))
    assert neighbour.eval(talk) == "ConnectionRefusedError: [Errno 111] Connection refused"
    bench.do(endpoint.close())
    assert worker.eval(talk) == "ConnectionRefusedError: [Errno 111] Connection refused"


def test_faults_look_as_they_do_on_one_machine(bench: Bench, worker: Worker, gateways: Gateways) -> None:
    endpoint = gateways.open(worker)
    talk = CONNECT.format(host="127.0.0.1", port=endpoint.port)
    held = f"globals().__setitem__('held', {talk}) or held.sendall(b'ab') or held.recv(9)"
    assert worker.eval(held) == "b'ab'"
    bench.do(endpoint.cut())
    assert worker.eval("held.recv(9)") == "ConnectionResetError: [Errno 104] Connection reset by peer"
    assert worker.eval(talk) == "ConnectionRefusedError: [Errno 111] Connection refused"
    bench.do(endpoint.restore())
    assert worker.eval(held) == "b'ab'"
    bench.do(endpoint.mute())
    assert worker.eval("held.settimeout(0.2) or held.sendall(b'x') or held.recv(9)") == "TimeoutError: timed out"
    assert worker.eval(f"(lambda s: s.settimeout(0.2) or s.recv(9))({talk})") == "TimeoutError: timed out"
    bench.do(endpoint.restore())
    assert worker.eval("held.recv(9)") == "ConnectionResetError: [Errno 104] Connection reset by peer"
    assert worker.eval(held) == "b'ab'"
    assert worker.eval("held.shutdown(1) or held.recv(9)") == "b''"


def test_a_relay_that_ends_is_nobodys_crash(bench: Bench, worker: Worker) -> None:
    relay = worker.connection.relay
    assert relay is not None
    bench.runtime.engine.client.api.kill(relay.container)
    assert worker.next() is None
    assert worker.ended() == "The relay of its container ended."


def test_a_relay_goes_with_its_worker(bench: Bench, worker: Worker, elsewhere: Elsewhere, tmp_path: Path) -> None:
    api = bench.runtime.engine.client.api
    marked = {"label": f"{labels.RUN}={bench.runtime._run}"}
    assert len(api.containers(all=True, filters=marked)) == 2
    bench.do(worker.connection.send(b"os._exit(3)"))
    assert worker.ended() == "exit status 3"
    bench.do(bench.runtime.engine.settle(10))
    assert api.containers(all=True, filters=marked) == []
    bench.launch(bench.build(tmp_path / "tiny"))
    bench.do(bench.runtime.close())
    with contextlib.closing(connect(elsewhere.environ)) as engine:
        assert engine.client.api.containers(all=True, filters=marked) == []


def test_an_image_without_perl_is_told(elsewhere: Elsewhere, open_bench: Callable[..., Bench], tmp_path: Path) -> None:
    engine = connect(elsewhere.environ)
    container = engine.client.containers.create(BASE, ["rm", "/usr/bin/perl"])
    container.start()
    container.wait()
    container.commit("parity-test/no-perl", "1")
    container.remove()
    engine.close()
    bench = open_bench(tiny_settings(bases={"tiny": "parity-test/no-perl:1"}), elsewhere.environ)
    with pytest.raises(NotAvailableError, match=r"does not start: .*perl") as raised:
        bench.launch(bench.build(tmp_path / "tiny"))
    assert "MILVUS_PARITY_RELAY_IMAGE" in (raised.value.hint or "")
    bench = open_bench(tiny_settings(bases={"tiny": "parity-test/no-perl:1"}, relay_image=BASE), elsewhere.environ)
    assert bench.launch(bench.build(tmp_path / "tiny")).eval("1") == "1"


def test_a_whole_run_there(elsewhere: Elsewhere, engine: Engine, tmp_path: Path) -> None:
    """With Milvus there as well, whose port the harness reaches as others do."""

    def cli(*words: str, **variables: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "milvus_parity", *words],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    cli("images", "build", "--target", "python-orm")
    milvus = os.environ.get("PARITY_MILVUS_IMAGE") or container_image("container")
    pack = discover([packaged("runners")])["python"]
    sdk = inputs.wanted_tag(pack, target_of(pack, "python-orm", "2.3.7"), settings_from(os.environ))
    elsewhere.daemon.load(engine, milvus, sdk)
    words = ["--milvus", f"container:{milvus}", "--runtime", "container", "--target", "python-orm"]
    words += [
        "--scenario",
        "drop_partition/empty",
        "--scenario",
        "drop_partition/gone_before_connect",
        "--out",
        str(tmp_path / "run"),
    ]
    said = cli("run", *words, **elsewhere.environ)
    assert "Workers reach the harness through relays" in said
    assert "Exit status 0" in said
    record = read_run(tmp_path / "run")
    assert record.header.server is not None
    assert record.header.server.address.startswith(f"{elsewhere.host}:")
    other = connect(elsewhere.environ)
    assert other.client.api.containers(all=True) == []
    other.close()


def test_a_context_with_tls(elsewhere: Elsewhere, tmp_path: Path) -> None:
    """Made by Docker's own command."""
    environment = {"DOCKER_CONFIG": str(tmp_path), "PATH": os.environ["PATH"]}
    files = ",".join(f"{name}={elsewhere.certificates / name}.pem" for name in ("ca", "cert", "key"))
    words = ["docker", "context", "create", "far", "--docker", f"host={elsewhere.address},{files}"]
    subprocess.run(words, env=environment, check=True, capture_output=True)
    with contextlib.closing(connect({**environment, "DOCKER_CONTEXT": "far"})) as engine:
        assert engine.place.address == elsewhere.address
    subprocess.run(["docker", "context", "use", "far"], env=environment, check=True, capture_output=True)
    with contextlib.closing(connect(environment)) as engine:
        assert engine.place.found == "the Docker context `far`"


def test_certificates_that_do_not_fit(elsewhere: Elsewhere, tmp_path: Path) -> None:
    def refusal(**changes: str) -> str:
        with pytest.raises(EngineError) as raised:
            connect({**elsewhere.environ, **changes})
        return f"{raised.value.what} {raised.value.hint}"

    strange = certificates(tmp_path / "strange", elsewhere.host)
    assert "certificate verify failed" in refusal(DOCKER_CERT_PATH=str(strange))
    shutil.copy(elsewhere.certificates / "ca.pem", strange / "ca.pem")
    said = refusal(DOCKER_CERT_PATH=str(strange))
    assert f"are the certificates in {strange} those for it?" in said, "the daemon does not know the client"
    assert "does not answer" in refusal(DOCKER_TLS_VERIFY="")
    assert "has no ca.pem and no cert.pem and no key.pem" in refusal(DOCKER_CERT_PATH=str(tmp_path))

"""An engine that seems to be on another machine: a daemon in a network namespace of its own, reached over TCP and TLS.

So are engines by DOCKER_HOST and contexts, and Docker Desktop: its networks are not here, and workers need relays.
"""

import asyncio
import hashlib
import json
import secrets
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from milvus_parity.runtime.containers import labels
from milvus_parity.runtime.containers.engine import Engine, EngineError, connect
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
    """A folder as DOCKER_CERT_PATH wants it, with the daemon's own certificate and key beside; valid for two days."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    folder.mkdir()
    ca, ca_key = folder / "ca.pem", folder / "ca-key.pem"
    command("openssl", "req", "-x509", *key, "-subj", "/CN=Home-made", "-keyout", ca_key, "-out", ca)
    for name, extension in (
        ("server", f"subjectAltName=IP:{host}\nextendedKeyUsage=serverAuth"),
        ("client", "extendedKeyUsage=clientAuth"),
    ):
        prefix = folder / ("" if name == "client" else "server-")
        key_file, certificate = f"{prefix}{'/' if name == 'client' else ''}key.pem", f"{name}.csr"
        (folder / f"{name}.ext").write_text(extension)
        out = folder / ("cert.pem" if name == "client" else "server-cert.pem")
        command("openssl", "req", "-new", *key[:-2], "-subj", f"/CN={name}", "-keyout", key_file, "-out", folder / certificate)
        signing = ["-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2", "-extfile", folder / f"{name}.ext"]
        command("openssl", "x509", "-req", "-in", folder / certificate, *signing, "-out", out)
    return folder


class Elsewhere:
    """The daemon, and how it is reached."""

    def __init__(self, daemon: Daemon, address: str, certificates: Path) -> None:
        self.daemon = daemon
        self.address = address
        self.certificates = certificates
        self.environ = {
            "DOCKER_HOST": address,
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(certificates),
        }


@pytest.fixture(scope="module")
def elsewhere(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    if reason := impossible():
        pytest.skip(reason)
    name = f"parity-{secrets.token_hex(3)}"
    here, there = (f"198.18.{secrets.randbelow(256)}.{number}" for number in (1, 2))
    there = here[: here.rindex(".")] + ".2"
    certificate = certificates(tmp_path_factory.mktemp("tls") / "certificates", there)
    server = [f"--tls{what}={certificate / file}" for what, file in (("cacert", "ca.pem"), ("cert", "server-cert.pem"))]
    command("ip", "netns", "add", name)
    daemon = None
    try:
        command("ip", "link", "add", name, "type", "veth", "peer", "name", "away", "netns", name)
        command("ip", "addr", "add", f"{here}/30", "dev", name)
        command("ip", "link", "set", name, "up")
        for words in (["addr", "add", f"{there}/30", "dev", "away"], ["link", "set", "away", "up"], ["link", "set", "lo", "up"]):
            command("ip", "-n", name, *words)
        # Not `ip netns exec`, whose mounts nobody else sees: containerd has to.
        daemon = Daemon(
            within=["nsenter", f"--net=/var/run/netns/{name}"],
            options=["--host", f"tcp://{there}:2376", "--tlsverify", *server, f"--tlskey={certificate / 'server-key.pem'}"],
        )
        daemon.start()
        daemon.load(engine, BASE)
        yield Elsewhere(daemon, f"tcp://{there}:2376", certificate)
    finally:
        if daemon is not None:
            daemon.remove()
        command("ip", "netns", "delete", name)


@pytest.fixture
def bench(elsewhere: Elsewhere, open_bench: Callable[..., Bench]) -> Bench:
    return open_bench(tiny_settings(), elsewhere.environ)


@pytest.fixture
def worker(bench: Bench, tmp_path: Path) -> Worker:
    return bench.launch(bench.build(tmp_path / "tiny"))


class Gateways:
    """Gateways to a server that says everything again, for tests that are not coroutines."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.server = RawServer(lambda peer, data: peer.transport.write(data))
        port = bench.do(self.server.start())
        self.gateways = RecordingGateways(Upstream(host="127.0.0.1", port=port), host=bench.runtime.gateway_host)

    def open(self, worker: Worker) -> Any:
        return self._bench.do(self.gateways.open(worker.connection.relay))

    def close(self) -> None:
        self._bench.do(self.gateways.close())
        self._bench.do(self.server.stop())


@pytest.fixture
def gateways(bench: Bench) -> Iterator[Gateways]:
    made = Gateways(bench)
    yield made
    made.close()

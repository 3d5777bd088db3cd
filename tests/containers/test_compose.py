"""docker-compose.yml: a Milvus that stays, and the harness in a container of its own against it."""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from milvus_parity.runtime.containers.engine import Engine
from milvus_parity.servers.ports import free_ports

from containers.tiny import BASE

pytestmark = pytest.mark.containers

ROOT = Path(__file__).parents[2]
Compose = Callable[..., str]


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    one, other = free_ports(2)
    return one, other


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def compose(engine: Engine, ports: tuple[int, int], runs: Path) -> Iterator[Compose]:
    """Runs Compose with words, in a project of its own that is taken down at the end."""
    command = ["docker", "compose"]
    if not shutil.which("docker") or subprocess.run([*command, "version"], capture_output=True).returncode != 0:
        command = ["docker-compose"]
        if not shutil.which(*command):
            pytest.skip("neither `docker compose` nor `docker-compose` is here")
    environment = {
        **os.environ,
        "MILVUS_PORT": str(ports[0]),
        "MILVUS_HEALTH_PORT": str(ports[1]),
        "PARITY_BASE": BASE,
        "PARITY_RUNS": str(runs),
    }
    if image := os.environ.get("PARITY_MILVUS_IMAGE"):
        environment["MILVUS_IMAGE"] = image
    project = f"parity{secrets.token_hex(4)}"

    def run(*words: str) -> str:
        done = subprocess.run(
            [*command, "-p", project, "-f", ROOT / "docker-compose.yml", *words],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    yield run
    run("--profile", "parity", "down", "-v")


def test_the_file_is_valid(compose: Compose) -> None:
    compose("config", "--quiet")


def test_milvus_becomes_healthy_and_wants_a_password(compose: Compose, engine: Engine, ports: tuple[int, int]) -> None:
    compose("up", "-d", "milvus")
    container = engine.client.containers.get(compose("ps", "-q", "milvus").strip())
    end = time.monotonic() + 120
    while container.attrs["State"]["Health"]["Status"] != "healthy":
        assert time.monotonic() < end, container.logs(tail=20)
        time.sleep(0.5)
        container.reload()
    published = container.attrs["NetworkSettings"]["Ports"]["19530/tcp"]
    assert published == [{"HostIp": "127.0.0.1", "HostPort": str(ports[0])}]
    import asyncio

    from milvus_parity.servers.base import ServerInfo
    from milvus_parity.servers.probe import allows_anonymous

    info = ServerInfo(kind="external", host="127.0.0.1", port=ports[0])
    assert asyncio.run(allows_anonymous(info)) is False


def test_the_harness_runs_against_it_from_a_container(compose: Compose, ports: tuple[int, int], runs: Path) -> None:
    words = ["run", "--milvus", f"127.0.0.1:{ports[0]}", "--target", "python-orm", "--scenario", "*/empty"]
    base = ["-e", f"MILVUS_PARITY_BASE_PYTHON={BASE}"]
    compose("--profile", "parity", "build", "parity")
    said = compose("run", "--rm", *base, "parity", *words)
    assert "in containers" in said
    assert "Exit status 0" in said
    (run,) = runs.iterdir()
    assert (run / "run.json").exists()

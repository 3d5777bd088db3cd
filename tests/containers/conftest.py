"""A Docker engine, and the container runtime with the tiny pack. Bases come from the environment: engine/images.py."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import docker.errors
import pytest
from milvus_parity.packs.discover import target_of
from milvus_parity.runtime.base import Build
from milvus_parity.runtime.container import ContainerRuntime
from milvus_parity.runtime.containers import kept
from milvus_parity.runtime.containers.attach import ContainerConnection
from milvus_parity.runtime.containers.engine import Engine, EngineError, connect
from milvus_parity.runtime.containers.settings import ContainerSettings

from containers.tiny import sources, tiny_settings, write_pack

_Result = TypeVar("_Result")


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    try:
        engine = connect()
    except EngineError as error:
        pytest.skip(error.what)
    yield engine
    for image in kept.list_images(engine):
        # Images that tests removed while a worker still ran have lost their names only.
        if image.target == "tiny" and ":" not in image.name:
            with contextlib.suppress(docker.errors.APIError):
                engine.client.images.remove(image.id, force=True)


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


class Bench:
    """The runtime on a loop of its own, for tests that are not coroutines."""

    def __init__(self, runner: asyncio.Runner, runtime: ContainerRuntime, cache: Path) -> None:
        self.runner = runner
        self.runtime = runtime
        self.cache = cache
        self.progress: list[str] = []

    def do(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return self.runner.run(work)

    def build(self, folder: Path, worker: str | None = None, **changes: str) -> Build:
        pack = write_pack(folder, **changes)
        target = target_of(pack, "tiny", "1.0")
        text = sources() if worker is None else sources(worker)

        async def work() -> Build:
            sdk = await self.runtime.resolve(pack, target, self.progress.append)
            return await self.runtime.build(sdk, text, self.progress.append)

        return self.do(work())

    def launch(self, build: Build) -> "Worker":
        connection = self.do(self.runtime.launch(build))
        worker = Worker(self, connection)
        assert worker.next() == "ready"
        return worker


class Worker:
    """A tiny worker: send it an expression, get its value's representation or its error."""

    def __init__(self, bench: Bench, connection: ContainerConnection) -> None:
        self.bench = bench
        self.connection = connection

    def next(self, timeout: float = 60) -> str | None:
        line = self.bench.do(asyncio.wait_for(self.connection.receive(), timeout))
        return None if line is None else line.decode()

    def eval(self, expression: str, timeout: float = 60) -> str | None:
        self.bench.do(self.connection.send(expression.encode()))
        return self.next(timeout)

    def ended(self) -> str:
        return str(self.bench.do(self.connection.wait()))


@pytest.fixture
def open_bench(engine: Engine, loop: asyncio.Runner, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Opens runtimes, with other settings if wanted, and closes them all."""
    opened: list[ContainerRuntime] = []

    def make(settings: ContainerSettings | None = None, environ: dict[str, str] | None = None) -> Bench:
        cache = tmp_path / "cache"
        opening = ContainerRuntime.open(
            f"t{secrets.token_hex(4)}", cache=cache, settings=settings or tiny_settings(), environ=environ
        )
        runtime = loop.run(opening)
        opened.append(runtime)
        return Bench(loop, runtime, cache)

    yield make
    for runtime in opened:
        loop.run(runtime.close())


@pytest.fixture
def bench(open_bench: Callable[..., Bench]) -> Bench:
    return open_bench()


@pytest.fixture
def worker(bench: Bench, tmp_path: Path) -> Worker:
    return bench.launch(bench.build(tmp_path / "tiny"))

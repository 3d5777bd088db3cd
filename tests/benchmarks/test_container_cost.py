"""What containers cost over processes, with images and builds there."""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from milvus_parity.cli.options import cache_folder, default_jobs, read_cases, read_packs
from milvus_parity.cli.session import Wishes, run_session
from milvus_parity.cli.targets import chosen
from milvus_parity.engine.build import build_all
from milvus_parity.model.events import Event, LaneChanged
from milvus_parity.model.scenario import Case
from milvus_parity.packs.render import Renderer
from milvus_parity.runtime.container import ContainerRuntime
from milvus_parity.runtime.containers.settings import settings_from

pytestmark = [pytest.mark.benchmark, pytest.mark.containers]

MOST_OVER_PROCESSES = 1.25
FIRST_WORKER_SECONDS = 2.0
CSHARP = os.environ.get("CSHARP_VERSION")
TARGETS = ("python", "java", "go", "javascript", *((f"csharp@{CSHARP}",) if CSHARP else ()))


class Clock:
    """From the first lane that starts its workers to the last that is done: what both runtimes do alike."""

    def __init__(self) -> None:
        self.begun = 0.0
        self.done = 0.0

    def __call__(self, event: Event) -> None:
        if isinstance(event, LaneChanged):
            assert event.state != "failed", event.detail
            if event.state == "starting" and not self.begun:
                self.begun = time.perf_counter()
            self.done = time.perf_counter()


def suite(runtime: str, out: Path, cases: Sequence[Case]) -> float:
    clock = Clock()
    wishes = Wishes(targets=TARGETS, runtime=runtime, jobs=default_jobs(), cache=cache_folder(), out=out)
    asyncio.run(run_session(wishes, read_packs(()), cases, clock))
    return clock.done - clock.begun


def test_the_suite_in_containers(tmp_path: Path) -> None:
    cases = read_cases(())
    for runtime in ("process", "container"):  # builds what is not there yet
        suite(runtime, tmp_path / f"{runtime}-warm", cases)
    taken = {
        runtime: min(suite(runtime, tmp_path / f"{runtime}-{turn}", cases) for turn in range(2))
        for runtime in ("process", "container")
    }
    ratio = taken["container"] / taken["process"]
    print(f"\nprocesses {taken['process']:.1f} s, containers {taken['container']:.1f} s: {ratio:.2f}")
    assert ratio <= MOST_OVER_PROCESSES


def test_the_first_worker(tmp_path: Path) -> None:
    """From nothing but images to a worker that says it is ready: engine, sweep, network, rules, container, SDK."""
    from milvus_parity.engine.worker import Session

    packs = read_packs(())
    (target,) = chosen(packs, ("go-v1",), "2.3.5")
    pack = packs["go"]
    renderer = Renderer(pack, target, authorization=True)
    case = read_cases(())[0]
    programs = [renderer.program(case, 1)]

    async def once() -> float:
        clock = time.perf_counter()
        runtime = await ContainerRuntime.open("bench", cache=cache_folder(), settings=settings_from(os.environ))
        try:
            sdk = await runtime.resolve(pack, target, lambda _line: None)
            built = await build_all(runtime, sdk, renderer, programs, {case.id: case}, lambda _line: None)
            assert built.build is not None
            session = Session(await runtime.launch(built.build), target.label)
            await session.start(30)
            seconds = time.perf_counter() - clock
            await session.close()
        finally:
            await runtime.close()
        return seconds

    asyncio.run(once())
    seconds = min(asyncio.run(once()) for _ in range(3))
    print(f"\nthe first worker is up after {seconds:.2f} s")
    assert seconds <= FIRST_WORKER_SECONDS

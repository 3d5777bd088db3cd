"""The suite against its floor: the same server calls, sent by a bare gRPC client at the same concurrency.

Measured with builds cached, over the cases that have no fault and no time limit in them: there the time is the SDK's
own patience, which no floor has. The harness's own work is its CPU time without recording (whose cost for each call
`test_wire_cost.py` bounds), less that of a bare client that makes and reads the same states. The start of the slowest
SDK's process is taken off the run, as nobody can hurry it.
"""

import asyncio
import itertools
import os
import resource
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from milvus_parity.cli.options import cache_folder, default_jobs, read_cases, read_packs
from milvus_parity.cli.session import Wishes, run_session
from milvus_parity.engine.databases import DatabasePool
from milvus_parity.engine.run import DATABASES
from milvus_parity.model.events import Event, LaneChanged
from milvus_parity.model.scenario import Case, FaultStep, SdkStep
from milvus_parity.model.wire import RecordedCall
from milvus_parity.servers.base import server_for
from milvus_parity.servers.observer import Observer
from milvus_parity.store.reader import RunFolder, read_run
from milvus_parity.wire.replay import replay, replayable

pytestmark = pytest.mark.benchmark

MOST_OVER_FLOOR = 2.0
MOST_CPU_MILLISECONDS = 5.0
CSHARP = os.environ.get("CSHARP_VERSION")
TARGETS = ("python", "java", "go", "javascript", f"csharp@{CSHARP}" if CSHARP else "csharp")


def calm_cases() -> list[Case]:
    """The cases in which all time is the server's."""
    return [
        case
        for case in read_cases(())
        if not any(
            isinstance(step, FaultStep) or (isinstance(step, SdkStep) and "timeout" in step.arguments)
            for step in case.steps
        )
    ]


class Clock:
    """When lanes started and ran, and when all was over."""

    def __init__(self) -> None:
        self.starting: dict[str, float] = {}
        self.running: dict[str, float] = {}
        self.done = 0.0
        self.cpu = 0.0

    def __call__(self, event: Event) -> None:
        if isinstance(event, LaneChanged) and event.state == "starting":
            self.starting[event.target] = time.perf_counter()
            if len(self.starting) == 1:
                self.cpu = -self.used()
        elif isinstance(event, LaneChanged) and event.state == "running":
            self.running[event.target] = time.perf_counter()
        elif isinstance(event, LaneChanged) and event.state == "done":
            self.done = time.perf_counter()

    @staticmethod
    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    @property
    def slowest_start(self) -> float:
        return max(self.running[target] - self.starting[target] for target in self.running)

    @property
    def seconds(self) -> float:
        return self.done - min(self.starting.values()) - self.slowest_start


def suite(out: Path, cases: Sequence[Case], *, record: bool = True) -> tuple[Clock, RunFolder]:
    clock = Clock()
    wishes = Wishes(
        targets=TARGETS, runtime="process", jobs=default_jobs(), cache=cache_folder(), out=out, record=record
    )
    session = asyncio.run(run_session(wishes, read_packs(()), cases, clock))
    clock.cpu += clock.used()
    return clock, read_run(session.folder)


async def floor(run: RunFolder, cases: Sequence[Case], *, sdks: bool = True) -> tuple[float, float]:
    """Seconds, and seconds of CPU, for the same calls: those that make and read the state and those of the SDKs.

    Without ``sdks``, only those that make and read the state.
    """
    server = server_for("embedded", cache_dir=cache_folder(), environ=os.environ, on_progress=lambda _line: None)
    info = await server.start()
    observer = Observer(info)
    await observer.connect()
    pool = DatabasePool(observer, size=DATABASES)
    import base64

    login = {"authorization": base64.b64encode(info.credential.encode()).decode()}
    work = iter([(case, trace) for case in cases for trace in run.traces(case.id)])

    def renamed(calls: Sequence[RecordedCall], old: dict[str, str], new: dict[str, str]) -> list[RecordedCall]:
        import msgspec

        real = {name: new[logical] for logical, name in old.items()}
        return [
            msgspec.structs.replace(
                call, metadata={**call.metadata, "dbname": real.get(call.metadata.get("dbname", ""), "default")}
            )
            for call in calls
        ]

    async def lane() -> None:
        for case, trace in work:
            recording = run.recording(case.id, trace.target)
            assert recording is not None
            async with pool.databases(case) as names:
                calls = renamed(recording.calls, dict(trace.databases), names)
                groups = itertools.groupby(calls, key=lambda call: call.metadata["dbname"])
                for database, group in groups if sdks else ():
                    sent = replayable(list(group), {**login, "dbname": database})
                    await replay(info.address, [sent], concurrency=1)
                await observer.snapshot(list(names.values()))

    try:
        started, used = time.perf_counter(), Clock.used()
        await asyncio.gather(*(lane() for _ in range(default_jobs())))
        return time.perf_counter() - started, Clock.used() - used
    finally:
        await observer.close()
        await server.stop()


def test_the_suite_against_its_floor(tmp_path: Path) -> None:
    cases = calm_cases()
    bare, _ = suite(tmp_path / "bare", cases, record=False)
    clock, run = suite(tmp_path / "run", cases)
    least, _ = asyncio.run(floor(run, cases))
    _, calling = asyncio.run(floor(run, cases, sdks=False))
    executions = sum(len(run.traces(case.id)) for case in cases)
    cpu, recording = 1000 * (bare.cpu - calling) / executions, 1000 * (clock.cpu - bare.cpu) / executions
    print(
        f"\n{executions} executions: {clock.seconds:.1f} s beside {clock.slowest_start:.1f} s of the slowest start; "
        f"floor {least:.1f} s; {clock.seconds / least:.2f} times the floor; "
        f"the harness's own work {cpu:.1f} ms each, beside {1000 * calling / executions:.1f} ms for its calls "
        f"and {recording:.1f} ms for recording"
    )
    assert clock.seconds <= MOST_OVER_FLOOR * least
    assert cpu <= MOST_CPU_MILLISECONDS

"""Whole runs through a pack that a stranger added, with a worker that misbehaves on purpose."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import psutil
import pytest
from engine_fakes import FakeGateway, FakeKeeper
from milvus_parity.engine.execution import Credentials
from milvus_parity.engine.run import Engine, Server, Settings, Stop
from milvus_parity.model.events import Event, ExecutionFinished, LaneChanged
from milvus_parity.model.run import RunHeader
from milvus_parity.model.scenario import (
    MAIN_DATABASE,
    Case,
    FaultStep,
    GivenCollection,
    GivenDatabase,
    Location,
    SdkStep,
)
from milvus_parity.model.trace import Trace
from milvus_parity.packs.discover import discover, select_targets
from milvus_parity.runtime.process import ProcessRuntime
from milvus_parity.store.reader import read_run
from milvus_parity.store.writer import RunWriter
from sixth_language import write_pack

pytestmark = pytest.mark.skipif(shutil.which("perl") is None, reason="there is no perl")


def case_of(*names: str | None, name: str = "case", clients: str = "A", timeout: float | None = None) -> Case:
    """A case that drops partitions, one after the other."""
    steps = [SdkStep(id=at, operation="connect", client=client) for at, client in enumerate(clients, 1)]
    steps += [
        SdkStep(id=at, operation="drop", arguments={"collection": "book", "partition": partition})
        for at, partition in enumerate(names, len(steps) + 1)
    ]
    return Case(
        id=f"topic/{name}",
        title="A case",
        scenario=f"topic/{name}",
        location=Location(file="topic/case.yaml", line=1),
        databases={MAIN_DATABASE: GivenDatabase(collections={"book": GivenCollection(partitions={"novel": 0})})},
        steps=tuple(steps),
        timeout=timeout,
    )


class Ran:
    """What came of a run."""

    def __init__(
        self, folder: Path, ended: Stop, events: list[Event], keeper: FakeKeeper, gateway: FakeGateway
    ) -> None:
        self.folder = folder
        self.ended = ended
        self.events = events
        self.keeper = keeper
        self.gateway = gateway
        self.record = read_run(folder / "run")

    def trace(self, name: str = "case") -> Trace:
        (trace,) = self.record.traces(f"topic/{name}")
        return trace


def run(tmp_path: Path, *cases: Case, keeper: FakeKeeper | None = None, timeout: float = 20, stop: bool = False) -> Ran:
    """Run cases through the sixth language."""
    return asyncio.run(_run(tmp_path, cases, keeper or FakeKeeper(), timeout, stop))


async def _run(tmp_path: Path, cases: Sequence[Case], keeper: FakeKeeper, timeout: float, stop: bool) -> Ran:
    write_pack(tmp_path / "runners")
    packs = discover([tmp_path / "runners"])
    events: list[Event] = []
    runtime = ProcessRuntime(tmp_path / "cache")
    engine = Engine(
        runtime=runtime,
        settings=Settings(jobs=8, timeout=timeout),
        tell=events.append,
        stop_after=lambda _trace: stop,
    )
    targets = [(packs[target.language], target) for target in select_targets(packs, [], "2.3.5")]
    gateway = FakeGateway()
    header = RunHeader(
        id="run", started=0, harness_version="0", targets=tuple(target for _, target in targets), cases=tuple(cases)
    )
    writer = RunWriter(tmp_path / "run", header)
    try:
        engine.prepare(targets, cases)
        ended = await engine.run(
            cases,
            writer=writer,
            server=Server(
                keeper=keeper,
                gateway=gateway,
                credentials=Credentials("root", "secret"),
                alive=lambda: keeper.gone_after is None,
            ),
        )
    finally:
        await engine.close()
        await runtime.close()
    assert list((tmp_path / "cache" / "temporary").glob("*")) == []
    assert not [process for process in psutil.Process().children(recursive=True) if process.name() == "perl"]
    return Ran(tmp_path, ended, events, keeper, gateway)


def test_a_sixth_language_needs_no_python(tmp_path: Path) -> None:
    ran = run(tmp_path, case_of("novel", "refused"))
    assert ran.ended == Stop(end="complete")
    trace = ran.trace()
    assert trace.end == "done"
    assert [step.outcome for step in trace.steps] == ["returned", "returned", "raised"]
    assert trace.steps[2].error is not None
    assert trace.steps[2].error.fields == {"code": 100}
    assert trace.observations[-1].snapshot.databases["database"]["book"].partitions == ("_default", "novel")
    assert list(ran.keeper.databases) == ["default"], "a database was left behind"
    assert ran.gateway.happened == ["step 1", "step 2", "step 3", "close"]
    states = [event.state for event in ran.events if isinstance(event, LaneChanged)]
    assert states == ["resolving", "building", "starting", "running", "done"]


def test_an_unchanged_target_is_not_compiled_again(tmp_path: Path) -> None:
    run(tmp_path, case_of("novel"))
    builds = list((tmp_path / "cache" / "builds").glob("*/*/.complete"))
    before = builds[0].parent.stat().st_ctime_ns
    shutil.rmtree(tmp_path / "run")
    run(tmp_path, case_of("novel"))
    assert list((tmp_path / "cache" / "builds").glob("*/*/.complete")) == builds
    assert builds[0].parent.stat().st_ctime_ns == before


@pytest.mark.parametrize(("name", "words"), [("dies", "exit status 7"), ("killed", "signal 9")])
def test_a_worker_that_dies_loses_only_its_case(name: str, words: str, tmp_path: Path) -> None:
    ran = run(tmp_path, case_of(name, name="bad"), case_of("novel", name="good"))
    bad = ran.trace("bad")
    assert bad.end == "crashed"
    assert bad.running_step == 2
    assert words in str(bad.detail)
    assert ran.trace("good").end == "done"
    assert ran.ended.end == "complete"


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    ran = run(tmp_path, case_of("hangs", name="bad", timeout=1), case_of("novel", name="good"))
    assert ran.trace("bad").end == "hung"
    assert "within 1 s" in str(ran.trace("bad").detail)
    assert ran.trace("good").end == "done"


def test_what_a_program_prints_is_its_log_and_never_protocol(tmp_path: Path) -> None:
    ran = run(tmp_path, case_of("floods", name="flood"), case_of("protocol-like", name="forged"))
    flood = ran.trace("flood")
    assert flood.end == "done"
    assert "noise 20000" in flood.log
    assert len(flood.log) <= 64 << 10
    forged = ran.trace("forged")
    assert [step.outcome for step in forged.steps] == ["returned", "returned"]
    assert '{"execution": "e1", "done": true}' in forged.log
    assert 'not protocol, on standard output: {"done": true}' in forged.log


def test_nonsense_with_the_right_nonce_is_a_fault_of_the_pack(tmp_path: Path) -> None:
    trace = run(tmp_path, case_of("nonsense")).trace()
    assert trace.end == "harness error"
    assert "not protocol" in str(trace.detail)


def test_a_snippet_that_does_not_compile_is_told_with_its_step(tmp_path: Path) -> None:
    broken = case_of("novel", "broken", name="bad")
    steps = tuple(
        msgspec.structs.replace(step, location=Location(file="topic/bad.yaml", line=9)) for step in broken.steps
    )
    ran = run(tmp_path, msgspec.structs.replace(broken, steps=steps), case_of("novel", name="good"))
    trace = ran.trace("bad")
    assert trace.end == "not built"
    assert "topic/bad.yaml:9:1: step 3 (drop), line 1 of the snippet: syntax error" in str(trace.detail)
    assert "my $x = = 1;" in str(trace.detail)
    assert ran.trace("good").end == "done"


def test_what_the_api_cannot_say_is_an_outcome(tmp_path: Path) -> None:
    case = case_of("novel")
    use = SdkStep(id=3, operation="use", arguments={"database": "x"})
    drop = SdkStep(id=4, operation="drop", arguments={"collection": "book", "partition": "novel"})
    trace = run(tmp_path, msgspec.structs.replace(case, steps=(*case.steps, use, drop))).trace()
    assert [step.outcome for step in trace.steps] == ["returned", "returned", "unsupported", "returned"]
    assert trace.steps[2].reason == "a toy has one database"


def test_faults_come_between_the_steps(tmp_path: Path) -> None:
    case = case_of("novel")
    gone = FaultStep(id=3, fault="gone")
    drop = SdkStep(id=4, operation="drop", arguments={"collection": "book", "partition": "novel"})
    ran = run(tmp_path, msgspec.structs.replace(case, steps=(*case.steps, gone, drop)))
    assert ran.gateway.happened == ["step 1", "step 2", "cut", "step 4", "close"]


def test_a_server_that_dies_ends_the_run(tmp_path: Path) -> None:
    cases = [case_of("novel", name=f"c{number}") for number in range(5)]
    ran = run(tmp_path, *cases, keeper=FakeKeeper(gone_after=2))
    assert ran.ended.end == "server died"
    assert "connection refused" in str(ran.ended.detail)
    ends = [trace.end for case in cases for trace in ran.record.traces(case.id)]
    assert ends.count("done") == 2
    assert ran.record.footer is not None
    assert ran.record.footer.end == "server died"


def test_a_run_that_is_told_to_stop_keeps_what_is_finished(tmp_path: Path) -> None:
    cases = [case_of("novel", name=f"c{number}") for number in range(5)]
    ran = run(tmp_path, *cases, stop=True)
    assert ran.ended.end == "failed fast"
    finished = [event for event in ran.events if isinstance(event, ExecutionFinished)]
    assert 1 <= len(finished) < 5
    assert list(ran.keeper.databases) == ["default"]


def test_a_collection_of_the_user_is_never_touched(tmp_path: Path) -> None:
    keeper = FakeKeeper()
    keeper.databases["default"]["book"] = GivenCollection(partitions={"precious": 1})
    case = case_of("novel")
    given = {**case.databases, "default": GivenDatabase(collections={"book": GivenCollection()})}
    trace = run(tmp_path, msgspec.structs.replace(case, databases=given, exclusive=True), keeper=keeper).trace()
    assert trace.end == "harness error"
    assert "already has book" in str(trace.detail)
    assert keeper.databases["default"]["book"].partitions == {"precious": 1}


def test_databases_that_all_see_are_made_and_gone_and_never_the_users(tmp_path: Path) -> None:
    keeper = FakeKeeper()
    case = msgspec.structs.replace(case_of("novel"), public={"shop": True, "store": False})
    trace = run(tmp_path / "first", case, keeper=keeper).trace()
    assert trace.end == "done"
    assert sorted(trace.observations[-1].snapshot.databases) == ["database", "shop"]
    assert list(keeper.databases) == ["default"]
    keeper.databases["store"] = {"precious": GivenCollection()}
    trace = run(tmp_path / "second", case, keeper=keeper).trace()
    assert "already has the database store" in str(trace.detail)
    assert list(keeper.databases["store"]) == ["precious"]


def test_databases_are_a_pool(tmp_path: Path) -> None:
    keeper = FakeKeeper()
    run(tmp_path, *(case_of("novel", name=f"c{number}") for number in range(30)), keeper=keeper)
    assert keeper.made == 30
    assert keeper.most <= 8

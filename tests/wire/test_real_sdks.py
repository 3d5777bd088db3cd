"""With real SDKs and a real Milvus: nothing changes by being recorded, and what is recorded is what was sent."""

import base64
import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from forwarder import Forwarder, Witnessed
from milvus_parity.judge.judge import Outcomes
from milvus_parity.model.outcome import Outcome
from milvus_parity.model.scenario import Case, FaultStep, SdkStep
from milvus_parity.model.trace import Trace
from milvus_parity.model.wire import RecordedCall
from milvus_parity.runtime.base import Channel, Runtime
from milvus_parity.servers.base import ServerInfo
from milvus_parity.store.reader import RunFolder, read_run
from milvus_parity.wire.gateway import RecordingGateways, Upstream
from milvus_parity.wire.summary import texts
from wire_runs import DirectGateways, run_through

pytestmark = pytest.mark.e2e

DOCUMENT = Path(__file__).parents[2] / "docs" / "wire.md"

DROPS = {
    "drop_partition/empty": "An existing partition",
    "drop_partition/never_was": "A partition that never was",
    "drop_partition/loaded": "A loaded partition",
    "drop_partition/unknown_collection": "A collection that never was",
}
"""Case -> heading in docs/wire.md. The first drop of each is shown."""


class WitnessedGateways(RecordingGateways):
    """Gateways to a forwarder that stands before the server."""

    def __init__(self, forwarder: Forwarder) -> None:
        super().__init__(Upstream(host="127.0.0.1", port=0))
        self._forwarder = forwarder
        self._standing: contextlib.AsyncExitStack | None = None

    async def open(self, relay: Channel | None = None) -> Any:
        if self._standing is None:
            self._standing = contextlib.AsyncExitStack()
            port = await self._standing.enter_async_context(self._forwarder.running())
            self.upstream = Upstream(host="127.0.0.1", port=port)
        return await super().open(relay)

    async def close(self) -> None:
        await super().close()
        if self._standing is not None:
            await self._standing.aclose()


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, list[Witnessed]]:
    forwarders: list[Forwarder] = []

    def gateways(info: ServerInfo, runtime: Runtime, *, record: bool) -> RecordingGateways:
        forwarders.append(Forwarder(info.address))
        return WitnessedGateways(forwarders[0])

    with pytest.MonkeyPatch.context() as patch:
        run = run_through(gateways, list(DROPS), tmp_path_factory.mktemp("wire") / "run", patch)
    return run, forwarders[0].calls


def test_what_is_recorded_agrees_with_a_second_witness(witnessed: tuple[RunFolder, list[Witnessed]]) -> None:
    run, seen = witnessed
    compared = 0
    for case in DROPS:
        for trace in run.traces(case):
            calls = _recorded(run, trace)
            databases = set(trace.databases.values())
            second = [call for call in seen if call.metadata.get("dbname") in databases]
            assert len(calls) == len(second), trace.target
            for recorded, other in zip(calls, second, strict=True):
                assert _of_record(recorded) == _of_witness(other), trace.target
                if recorded.request_base64 is not None:
                    assert base64.b64decode(recorded.request_base64) == b"".join(other.requests)
            compared += len(second)
    assert compared >= len(DROPS) * len(run.header.targets)


def test_the_sequences_are_those_that_the_documentation_shows(witnessed: tuple[RunFolder, list[Witnessed]]) -> None:
    run, _ = witnessed
    shown = DOCUMENT.read_text()
    begin, end = "<!-- recorded -->\n", "<!-- /recorded -->\n"
    before, rest = shown.split(begin)
    tables = _tables(run)
    if os.environ.get("MILVUS_PARITY_UPDATE"):
        DOCUMENT.write_text(before + begin + tables + end + rest.split(end)[1])
        return
    for line in tables.splitlines():
        assert line in rest, "docs/wire.md shows something else; MILVUS_PARITY_UPDATE=1 writes it anew"


def test_directly_and_through_the_gateway_the_outcomes_are_the_same(
    whole_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    through = read_run(whole_run)
    patterns = [case.id for case in through.header.cases if _is_without_faults(case)]
    direct = run_through(lambda info, *_, **__: DirectGateways(info), patterns, tmp_path / "direct", monkeypatch)
    of_direct, of_through = _outcomes(direct), _outcomes(through)
    assert len(of_direct) == len(patterns) * len(direct.header.targets)
    different = [key for key, outcome in of_direct.items() if outcome != of_through[key]]
    assert different == []


def _is_without_faults(case: Case) -> bool:
    """Also without races, whose outcome is one of several each time."""
    raced = any(
        isinstance(step, SdkStep) and step.expect is not None and len(step.expect.any_of) > 1 for step in case.steps
    )
    return not raced and not any(isinstance(step, FaultStep) for step in case.steps)


def _outcomes(run: RunFolder) -> Mapping[tuple[str, str], object]:
    outcomes = Outcomes(run)
    all_of_them = (outcome for case in run.header.cases for outcome in outcomes.of(case))
    return {(outcome.case, outcome.target): _without_the_wire(outcome) for outcome in all_of_them}


def _without_the_wire(outcome: Outcome) -> object:
    steps = [(step.step, step.result, step.value, step.code, step.reason, step.channel) for step in outcome.steps]
    return outcome.end, outcome.could_not_run, steps, outcome.effects


def _of_record(call: RecordedCall) -> tuple[object, ...]:
    keys = sorted(call.metadata)
    return call.method, call.user_agent, call.request_size, call.requests, keys, call.status, call.response_size


def _of_witness(call: Witnessed) -> tuple[object, ...]:
    keys = sorted(set(call.metadata) - {"user-agent", "te", "content-type", "accept-encoding"})
    sent, got = sum(map(len, call.requests)), sum(map(len, call.responses))
    return call.method, call.user_agent, sent, len(call.requests), keys, call.code, got


def _tables(run: RunFolder) -> str:
    """The part of docs/wire.md that is recorded."""
    lines = []
    for case_id, heading in DROPS.items():
        case = next(case for case in run.header.cases if case.id == case_id)
        drop = next(step.id for step in case.steps if isinstance(step, SdkStep) and step.operation == "drop")
        lines += [f"### {heading}", "", "| target | sent | answered |", "| --- | --- | --- |"]
        for trace in run.traces(case_id):
            calls = [call for call in _recorded(run, trace) if call.step == drop and not call.background]
            names = {real: logical for logical, real in trace.databases.items()}
            sent = "<br>".join(f"`{text}`" for text in texts(calls, names)) or "nothing"
            lines.append(f"| {trace.target} | {sent} | {_answer(calls[-1]) if calls else ''} |")
        lines.append("")
    lines += ["### What goes with a drop", "", "| target | the SDK's own calls | deadline | metadata | gRPC |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for trace in run.traces(next(iter(DROPS))):
        calls = _recorded(run, trace)
        drop_call = next(call for call in calls if call.name == "DropPartition")
        own = ", ".join(sorted({call.name for call in calls if call.background})) or "none"
        deadline = "none" if drop_call.deadline_ms is None else f"{round(drop_call.deadline_ms / 1000)} s"
        metadata = ", ".join(f"`{key}`" for key in sorted(drop_call.metadata))
        lines.append(f"| {trace.target} | {own} | {deadline} | {metadata} | `{drop_call.user_agent}` |")
    return "\n".join(lines) + "\n\n"


def _recorded(run: RunFolder, trace: Trace) -> tuple[RecordedCall, ...]:
    recording = run.recording(trace.case, trace.target)
    assert recording is not None, (trace.case, trace.target, trace.wire, trace.detail)
    return recording.calls


def _answer(call: RecordedCall) -> str:
    if call.status:
        return f"gRPC {call.status}"
    if not call.code and call.error_code in (None, "Success"):
        return "success"
    return f"{call.code} {re.sub(r'database=[^]]*', 'database=…', call.reason or '')}"

"""``--fail-fast``: notice the first difference or failed expectation while the run goes on."""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from milvus_parity.judge.exit_code import Strict, counts
from milvus_parity.judge.judge import judge_run
from milvus_parity.judge.ledger import Ledger
from milvus_parity.model.events import Event, RunStarted
from milvus_parity.model.run import RunHeader
from milvus_parity.model.target import PackSpec
from milvus_parity.model.trace import Trace
from milvus_parity.store.reader import MemoryRun


class FirstDifference:
    """Judges each case as soon as all targets are through it."""

    def __init__(self, packs: Mapping[str, PackSpec], ledger: Ledger | None, strict: Strict) -> None:
        self.packs = packs
        self.ledger = ledger
        self.strict = strict
        self._header: RunHeader | None = None
        self._traces: dict[str, list[Trace]] = {}

    def take(self, event: Event) -> None:
        """Learn from an event what the run is."""
        if isinstance(event, RunStarted):
            self._header = event.header

    def __call__(self, trace: Trace) -> bool:
        """Whether the case of this trace is whole now and is not as it should be."""
        assert self._header is not None
        traces = self._traces.setdefault(trace.case, [])
        traces.append(trace)
        if len(traces) < len(self._header.targets):
            return False
        return self._is_bad(trace.case, traces)

    def _is_bad(self, case_id: str, traces: Sequence[Trace]) -> bool:
        assert self._header is not None
        cases = tuple(case for case in self._header.cases if case.id == case_id)
        record = MemoryRun(header=msgspec.structs.replace(self._header, cases=cases), traces=tuple(traces))
        verdict = judge_run(record, self.ledger, self.packs, date.today())
        return any(counts(case, self.strict) for case in verdict.cases)


def never(_trace: Trace) -> bool:
    """Go on to the end."""
    return False

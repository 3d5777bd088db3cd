"""Judges a run, case by case, so that a large one needs little memory."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from milvus_parity.judge.compare import Comparison, compare
from milvus_parity.judge.ledger import Ledger
from milvus_parity.judge.normalise import NO_RULES, CaseReader
from milvus_parity.judge.pins import Pins
from milvus_parity.judge.round_trips import RoundTripTable
from milvus_parity.model.outcome import Outcome, Weight
from milvus_parity.model.run import PackRules, RunRecord, label_of
from milvus_parity.model.scenario import Case
from milvus_parity.model.target import PackSpec
from milvus_parity.model.trace import Trace
from milvus_parity.model.verdict import STATUSES, CaseVerdict, RunVerdict, Status, TargetVerdict


def judge_run(
    record: RunRecord, ledger: Ledger | None, packs: Mapping[str, PackSpec] | None, today: date
) -> RunVerdict:
    """The verdict of a run. ``packs`` by language: today's rules, which win over those that the run stored."""
    header = record.header
    judge = Outcomes(record, packs)
    pins = Pins(ledger or Ledger(), header, today)
    labels = tuple(target.label for target in header.targets)
    cases: list[CaseVerdict] = []
    recorded = False
    for case in header.cases:
        if case.id in header.not_applicable:
            cases.append(_not_applicable(case, labels, header.not_applicable[case.id]))
            continue
        outcomes = judge.of(case)
        recorded = recorded or any(outcome.recorded for outcome in outcomes)
        comparison = pins.apply(case, outcomes, compare(case, outcomes))
        cases.append(_case_verdict(case, labels, outcomes, comparison))
    return RunVerdict(
        run=header.id,
        targets=labels,
        cases=tuple(cases),
        unavailable=header.unavailable,
        condition=record.condition,
        end=record.footer.end if record.footer else None,
        problems=record.problems,
        stale=tuple(pins.stale()),
        overdue=pins.overdue,
        notes=(*header.notes, *_notes(cases)),
        recorded=recorded,
        round_trips=judge.round_trips.rows(labels),
    )


class Outcomes:
    """The outcomes of a run, one case at a time."""

    def __init__(self, record: RunRecord, packs: Mapping[str, PackSpec] | None = None) -> None:
        self._record = record
        self.round_trips = RoundTripTable()
        rules = dict(record.header.packs)
        rules.update({language: PackRules.of(spec) for language, spec in (packs or {}).items()})
        self._rules = {target.label: rules.get(target.language, NO_RULES) for target in record.header.targets}

    def of(self, case: Case) -> tuple[Outcome, ...]:
        """The outcomes of a case, in the order of the header's targets."""
        reader = CaseReader(case)
        return tuple([self._outcome(trace, case, reader) for trace in self._record.traces(case.id)])

    def _outcome(self, trace: Trace, case: Case, reader: CaseReader) -> Outcome:
        label = label_of(trace)
        wire = self._record.wire(case.id, label) if trace.wire == "recorded" else None
        if wire is not None:
            self.round_trips.take(case, label, trace, wire)
        return reader.outcome(trace, self._rules.get(label, NO_RULES), wire)


def _case_verdict(
    case: Case, labels: Sequence[str], outcomes: Sequence[Outcome], comparison: Comparison
) -> CaseVerdict:
    by_target = {outcome.target: outcome for outcome in outcomes}
    targets = []
    for label in (*labels, *(one for one in by_target if one not in labels)):
        outcome = by_target.get(label)
        if outcome is None:
            detail = "it was not run: the run ended before"
            targets.append(TargetVerdict(target=label, status="could not run", detail=detail))
        elif outcome.could_not_run is not None:
            targets.append(
                TargetVerdict(
                    target=label, status="could not run", detail=outcome.could_not_run, seconds=outcome.seconds
                )
            )
        else:
            targets.append(target_verdict(label, outcome, comparison))
    return CaseVerdict(
        case=case.id,
        title=case.title,
        location=case.location,
        status=worst(one.status for one in targets),
        targets=tuple(targets),
        differences=comparison.differences,
        failures=comparison.failures,
        compared=comparison.compared,
    )


def target_verdict(label: str, outcome: Outcome, comparison: Comparison) -> TargetVerdict:
    """How a target that ran did in a case."""
    failed: list[Weight] = []
    different: list[Weight] = []
    known = False
    for failure in comparison.failures:
        if failure.target == label:
            if failure.known is None:
                failed.append(failure.weight)
            else:
                known = True
    for difference in comparison.differences:
        if difference.weight == "told" or label not in difference.odd:
            continue
        if label in difference.pins or difference.known:
            known = known or label in difference.pins
        else:
            different.append(difference.weight)
    status: Status = "failed" if failed else "different" if different else "known" if known else "pass"
    weights = failed + different
    weight: Weight | None = "must" if "must" in weights else "should" if weights else None
    return TargetVerdict(target=label, status=status, weight=weight, seconds=outcome.seconds)


def worst(statuses: Iterator[Status]) -> Status:
    """The worst of several; ``could not run`` when there are none."""
    found = set(statuses)
    return next((status for status in STATUSES if status in found), "could not run")


def _not_applicable(case: Case, labels: Sequence[str], why: str) -> CaseVerdict:
    return CaseVerdict(
        case=case.id,
        title=case.title,
        location=case.location,
        status="not applicable",
        targets=tuple(TargetVerdict(target=label, status="not applicable", detail=why) for label in labels),
        compared=False,
    )


def _notes(cases: Sequence[CaseVerdict]) -> Iterator[str]:
    alone = sum(1 for case in cases if not case.compared and case.status not in ("not applicable", "could not run"))
    if alone:
        was = "1 case ran" if alone == 1 else f"{alone} cases ran"
        yield f"{was} through one target only: nothing was compared there."

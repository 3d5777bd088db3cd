"""Compares two runs, or the versions of one run: what changed in behaviour, and does it hurt?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

import msgspec

from milvus_parity.judge.compare import SPOKEN, Comparison, compare
from milvus_parity.judge.judge import Outcomes
from milvus_parity.judge.words import effect_text, facet_text
from milvus_parity.model.diff import KINDS, Change, FacetChange, Kind, Pair, RunDiff
from milvus_parity.model.errors import BadInputError, ExitCode
from milvus_parity.model.outcome import WEIGHTS, Facet, Outcome, StepOutcome, Weight
from milvus_parity.model.run import RunRecord
from milvus_parity.model.scenario import Case, SdkStep
from milvus_parity.model.target import PackSpec

_WEIGHT_RANK: Mapping[Weight | None, int] = {"must": 0, "should": 1, "told": 2, None: 3}
_MUST: frozenset[Facet] = frozenset({"result", "value", "effect"})


def diff_runs(before: RunRecord, after: RunRecord, packs: Mapping[str, PackSpec] | None = None) -> RunDiff:
    """What changed from one run to another. Both are judged by today's rules; the ledger takes no part."""
    pairs = _pairs(before, after)
    if not pairs:
        raise BadInputError("The two runs have no target in common.", hint="Run the same targets in both.")
    return _diff(before, after, pairs, packs)


def diff_versions(record: RunRecord, packs: Mapping[str, PackSpec] | None = None) -> RunDiff:
    """What changed from each version of a target to the next, within one run."""
    labels: dict[str, list[str]] = {}
    for target in record.header.targets:
        labels.setdefault(target.name, []).append(target.label)
    pairs = [
        Pair(name=name, before=one, after=other)
        for name, versions in labels.items()
        for one, other in pairwise(versions)
    ]
    if not pairs:
        raise BadInputError(
            "The run has one version of each target: there is nothing to compare.",
            hint="Give two runs, or run several versions: --target javascript@2.3.5,2.6.17.",
        )
    return _diff(record, record, pairs, packs)


def without_told(diff: RunDiff) -> RunDiff:
    """The same without what never counts (channel, calls, time), and a note of how much that was."""
    kept = [
        msgspec.structs.replace(
            change, facets=tuple(facet for facet in change.facets if WEIGHTS[facet.facet] != "told")
        )
        for change in diff.changes
        if change.kind != "told only"
    ]
    left_out = len(diff.changes) - len(kept)
    changes = "1 change" if left_out == 1 else f"{left_out} changes"
    note = f"{changes} of what never counts (channel, calls, time) are left out."
    return msgspec.structs.replace(diff, changes=tuple(kept), notes=(*diff.notes, *([note] if left_out else [])))


def diff_exit_code(diff: RunDiff) -> ExitCode:
    """1 when something that must match got worse, 3 when something that ran before could not run, else 0."""
    if any(change.worse for change in diff.changes):
        return ExitCode.DIFFERENT
    return ExitCode.COULD_NOT_RUN if any(change.kind == "could not run" for change in diff.changes) else ExitCode.OK


def _pairs(before: RunRecord, after: RunRecord) -> list[Pair]:
    """Columns with the same label; of what is left, those of the same target in order of their versions."""
    old = [target.label for target in before.header.targets]
    new = [target.label for target in after.header.targets]
    pairs = [Pair(name=_name(label), before=label, after=label) for label in new if label in old]
    rest = [label for label in old if label not in new]
    for label in new:
        if label in old:
            continue
        match = next((one for one in rest if _name(one) == _name(label)), None)
        if match is not None:
            rest.remove(match)
            pairs.append(Pair(name=_name(label), before=match, after=label))
    order = {label: place for place, label in enumerate(new)}
    return sorted(pairs, key=lambda pair: order[pair.after])


def _name(label: str) -> str:
    return label.partition("@")[0]


class _Side:
    """One of the two runs, judged a case at a time."""

    def __init__(self, record: RunRecord, packs: Mapping[str, PackSpec] | None) -> None:
        self.record = record
        self.cases = {case.id: case for case in record.header.cases if case.id not in record.header.not_applicable}
        self._outcomes = Outcomes(record, packs)

    def judged(self, case: str) -> dict[str, "_Judged"]:
        found = self.cases.get(case)
        if found is None:
            return {}
        outcomes = self._outcomes.of(found)
        comparison = compare(found, outcomes)
        return {one.target: _Judged(one, comparison) for one in outcomes}


class _Judged:
    """An outcome, and where it is not as the others or not as promised."""

    def __init__(self, outcome: Outcome, comparison: Comparison) -> None:
        self.outcome = outcome
        self.compared = comparison.compared
        label = outcome.target
        odd = {(d.step, d.facet) for d in comparison.differences if d.weight != "told" and label in d.odd}
        failed = {(f.step, f.facet) for f in comparison.failures if f.target == label}
        self.wrong: frozenset[tuple[int, Facet]] = frozenset(odd | failed)


def _diff(before: RunRecord, after: RunRecord, pairs: Sequence[Pair], packs: Mapping[str, PackSpec] | None) -> RunDiff:
    old, new = _Side(before, packs), _Side(after, packs)
    changes: list[Change] = []
    same = 0
    for case in dict.fromkeys([*new.cases, *old.cases]):
        found, was = new.judged(case), old.judged(case) if old.record is not new.record else None
        described = new.cases.get(case) or old.cases[case]
        for pair in pairs:
            change = _change(
                described, pair, (was if was is not None else found).get(pair.before), found.get(pair.after)
            )
            if change is None:
                same += pair.after in found
            else:
                changes.append(_with_snippets(change, before, after))
    rank = {kind: place for place, kind in enumerate(KINDS)}
    changes.sort(key=lambda one: (not one.worse, rank[one.kind], _WEIGHT_RANK[one.weight]))
    return RunDiff(
        before=before.header.id,
        after=after.header.id,
        pairs=tuple(pairs),
        changes=tuple(changes),
        same=same,
        notes=tuple(_notes(before, after)),
    )


def _change(case: Case, pair: Pair, was: _Judged | None, now: _Judged | None) -> Change | None:
    def change(kind: Kind, **more: object) -> Change:
        return Change(kind=kind, case=case.id, title=case.title, pair=pair, **more)  # type: ignore[arg-type]

    if was is None and now is None:
        return None
    if was is None:
        return change("new")
    if now is None:
        return change("gone")
    if now.outcome.could_not_run is not None:
        lost = now.outcome.could_not_run
        return change("could not run", detail=lost) if was.outcome.could_not_run is None else None
    if was.outcome.could_not_run is not None:
        return change("new", detail=f"before, it could not run: {was.outcome.could_not_run}")
    races = _races(case, was.wrong | now.wrong)
    facets = tuple(one for one in _facets(was.outcome, now.outcome) if not races(one))
    worse, better = now.wrong - was.wrong, was.wrong - now.wrong
    if not facets and not worse and not better:
        return None
    changed = {one.facet for one in facets}
    must = bool(changed & _MUST)
    kind: Kind = "told only"
    if worse:
        kind = "newly differs"
    elif better:
        kind = "newly agrees"
    elif "effect" in changed:
        kind = "changed its effect"
    elif must:
        kind = "changed its result"
    elif any(WEIGHTS[facet] == "should" for facet in changed):
        kind = "changed only its message"
    # Where nothing else was run, another result or effect is a difference from what the target itself did before.
    alone = must and not now.compared and not better
    return change(
        kind,
        weight=_heaviest([*(facet for _, facet in worse or better), *(() if worse or better else changed)]),
        worse=any(facet in _MUST for _, facet in worse) or alone,
        facets=facets,
    )


def _races(case: Case, wrong: frozenset[tuple[int, Facet]]) -> Callable[[FacetChange], bool]:
    """Tells what is another outcome of a race: a step for which several are right, and what the server held after it.

    As long as it was right both times, which of them it was says nothing.
    """
    races = {
        step.id
        for step in case.steps
        if isinstance(step, SdkStep) and step.expect is not None and len(step.expect.any_of) > 1
    } - {step for step, _ in wrong}
    first = min(races, default=None)

    def is_one(change: FacetChange) -> bool:
        return change.step in races or (change.facet == "effect" and first is not None and change.step >= first)

    return is_one


def _heaviest(facets: Sequence[Facet]) -> Weight | None:
    weights = {WEIGHTS[facet] for facet in facets}
    return "must" if "must" in weights else "should" if "should" in weights else "told" if weights else None


def _facets(before: Outcome, after: Outcome) -> Iterator[FacetChange]:
    now = {step.step: step for step in after.steps}
    effects = {effect.after: effect for effect in after.effects}
    for step in before.steps:
        if step.step in now:
            yield from _step_facets(step, now[step.step])
    for effect in before.effects:
        other = effects.get(effect.after)
        if other is not None and other.snapshot != effect.snapshot:
            texts = effect_text(effect.snapshot), effect_text(other.snapshot)
            yield FacetChange(step=effect.after, facet="effect", before=texts[0], after=texts[1])


def _step_facets(before: StepOutcome, after: StepOutcome) -> Iterator[FacetChange]:
    if before.result != after.result:
        yield FacetChange(step=before.step, facet="result", before=_result(before), after=_result(after))
        return
    for facet in SPOKEN.get(before.result, ()):
        was, now = getattr(before, facet), getattr(after, facet)
        unknown = facet in ("calls", "origin") and (was in (None, "not recorded") or now in (None, "not recorded"))
        if repr(was) != repr(now) and not unknown:
            yield FacetChange(
                step=before.step, facet=facet, before=facet_text(facet, was), after=facet_text(facet, now)
            )


def _result(step: StepOutcome) -> str:
    return f"{step.result} ({step.reason})" if step.reason else step.result


def _with_snippets(change: Change, before: RunRecord, after: RunRecord) -> Change:
    if not change.facets:
        return change
    step = min(change.facets, key=lambda one: (_WEIGHT_RANK[WEIGHTS[one.facet]], one.step)).step
    old, new = before.program(change.case, change.pair.before), after.program(change.case, change.pair.after)
    texts = old.snippet(step) if old else "", new.snippet(step) if new else ""
    if texts[0] == texts[1]:
        return msgspec.structs.replace(change, snippets={"after": texts[1]} if texts[1] else {})
    return msgspec.structs.replace(change, snippets={"before": texts[0], "after": texts[1]})


def _notes(before: RunRecord, after: RunRecord) -> Iterator[str]:
    for record, name in ((before, "before"), (after, "after")):
        if record.condition != "whole":
            yield f"The run {name} is {record.condition}."
    old, new = before.header.server, after.header.server
    if old and new and (old.kind, old.version) != (new.kind, new.version):
        yield f"The servers differ: Milvus {old.version} ({old.kind}) before, {new.version} ({new.kind}) after."

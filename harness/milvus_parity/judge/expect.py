"""Holds outcomes against what the scenario promises: ``expect`` of steps, ``then`` of what the observer found."""

from collections.abc import Iterator, Mapping

import msgspec

from milvus_parity.judge.words import (
    collection_name,
    collection_text,
    effect_value,
    expected_facet_text,
    expected_text,
    facet_text,
    then_text,
)
from milvus_parity.model.outcome import WEIGHTS, Effect, Facet, Outcome, StepOutcome
from milvus_parity.model.scenario import Case, Expectation, Expected, SdkStep, Then, ThenCollection
from milvus_parity.model.trace import CollectionSnapshot, Snapshot
from milvus_parity.model.verdict import Failure


def failures_of(case: Case, outcome: Outcome) -> Iterator[Failure]:
    """What in an outcome is not as the scenario says, in the order of the steps."""
    last = case.steps[-1].id if case.steps else 0
    place = 0
    failed = False
    for step in case.steps:
        found: list[Failure] = []
        if isinstance(step, SdkStep):
            actual = outcome.steps[place]
            place += 1
            # A step that was not run has its reason in an earlier one: where that has failed, it has been told.
            if step.expect is not None and not (failed and actual.result == "not run"):
                found += _step_failures(outcome.target, step.expect, actual, ordered=case.ordered)
        for then in (step.then, case.then if step.id == last else None):
            effect = _effect_after(outcome, step.id) if then is not None else None
            if then is not None and effect is not None:
                failure = _effect_failure(outcome.target, then, effect)
                found += [failure] if failure is not None else []
        failed = failed or bool(found)
        yield from found


def _effect_after(outcome: Outcome, step: int) -> Effect | None:
    return next((effect for effect in outcome.effects if effect.after == step), None)


def says(expected: Expected, facet: Facet) -> bool:
    """Whether an allowed outcome says anything of a facet."""
    return {
        "result": True,
        "value": expected.value is not msgspec.UNSET,
        "origin": expected.by is not None,
        "code": expected.code is not None,
        "reason": expected.reason is not None,
    }.get(facet, False)


def facet_fits(expected: Expected, facet: Facet, step: StepOutcome, *, ordered: bool) -> bool:
    """Whether one facet of a step is as an allowed outcome says; true where it says nothing."""
    if facet == "result":
        return step.result == expected.result
    if facet == "value" and expected.value is not msgspec.UNSET:
        return _same_value(expected.value, step.value, ordered=ordered)
    if facet == "origin" and expected.by is not None:
        # Without a recording of the wire nobody knows, and nothing is guessed.
        return step.origin in (expected.by, "not recorded", None)
    if facet == "code" and expected.code is not None:
        return step.code == expected.code
    if facet == "reason" and expected.reason is not None:
        return step.reason is not None and expected.reason.casefold() in step.reason.casefold()
    return True


def _mismatches(expected: Expected, step: StepOutcome, *, ordered: bool) -> tuple[Facet, ...]:
    """The facets in which a step is not this allowed outcome. A wrong result says it all."""
    if step.result != expected.result:
        return ("result",)
    facets: tuple[Facet, ...] = ("value", "origin", "code", "reason")
    return tuple(facet for facet in facets if not facet_fits(expected, facet, step, ordered=ordered))


def _step_failures(target: str, expect: Expectation, step: StepOutcome, *, ordered: bool) -> Iterator[Failure]:
    if len(expect.any_of) == 1 and _is_plainly_as(expect.any_of[0], step):
        return
    mismatches = [(one, _mismatches(one, step, ordered=ordered)) for one in expect.any_of]
    if not mismatches or any(not facets for _, facets in mismatches):
        return
    # The alternative that came nearest says what is wrong: one whose result fits, where there is one.
    nearest, facets = min(mismatches, key=lambda pair: ("result" in pair[1], len(pair[1])))
    for facet in facets:
        actual = getattr(step, facet)
        yield Failure(
            target=target,
            step=step.step,
            facet=facet,
            weight=WEIGHTS[facet],
            expected=(
                " or ".join(expected_text(one) for one in expect.any_of)
                if facet == "result" or len(expect.any_of) > 1
                else expected_facet_text(nearest, facet)
            ),
            actual=_actual_text(facet, step),
            value=None if actual is msgspec.UNSET else actual,
            location=expect.location,
        )


def _is_plainly_as(expected: Expected, step: StepOutcome) -> bool:
    """The usual case, fast: only a result is promised, and it is so."""
    return step.result == expected.result and expected == Expected(result=expected.result)


def _actual_text(facet: Facet, step: StepOutcome) -> str:
    if facet == "result":
        return f"{step.result} ({step.reason})" if step.reason else step.result
    return facet_text(facet, getattr(step, facet))


def _same_value(expected: object, actual: object, *, ordered: bool) -> bool:
    if isinstance(expected, list | tuple) and isinstance(actual, list | tuple):
        if ordered:
            return list(map(repr, expected)) == list(map(repr, actual))
        return sorted(map(repr, expected)) == sorted(map(repr, actual))
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    return expected == actual


def _effect_failure(target: str, then: Then, effect: Effect) -> Failure | None:
    wrong = [
        (collection_name(database, name), wanted, effect.snapshot.databases.get(database, {}).get(name))
        for database, collections in then.databases.items()
        for name, wanted in collections.items()
        if not _holds(wanted, effect.snapshot, database, name)
    ]
    if not wrong:
        return None
    return Failure(
        target=target,
        step=effect.after,
        facet="effect",
        weight=WEIGHTS["effect"],
        expected="; ".join(f"{name}: {then_text(wanted)}" for name, wanted, _ in wrong),
        actual="; ".join(f"{name}: {collection_text(found)}" for name, _, found in wrong),
        value=effect_value(effect.snapshot),
        location=then.location,
    )


def _holds(wanted: ThenCollection, snapshot: Snapshot, database: str, name: str) -> bool:
    found = snapshot.databases.get(database, {}).get(name)
    if found is None:
        return not wanted.exists
    return wanted.exists and _collection_holds(wanted, found)


def _collection_holds(wanted: ThenCollection, found: CollectionSnapshot) -> bool:
    if wanted.partitions is not None and sorted(wanted.partitions) != sorted(found.partitions):
        return False
    if wanted.loaded is not None and sorted(wanted.loaded) != sorted(found.loaded):
        return False
    return wanted.rows is None or _rows_hold(wanted.rows, found.rows)


def _rows_hold(wanted: Mapping[str, int], found: Mapping[str, int]) -> bool:
    return all(found.get(name) == count for name, count in wanted.items())

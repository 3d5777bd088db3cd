"""Compares the outcomes of one case across targets: who agrees, who is the odd one out, in which facet."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from typing import Literal

import msgspec

from milvus_parity.judge.expect import facet_fits, failures_of, says
from milvus_parity.judge.words import effect_text, effect_value, facet_text
from milvus_parity.model.outcome import WEIGHTS, Effect, Facet, Outcome, StepOutcome
from milvus_parity.model.scenario import Case, Expected, SdkStep
from milvus_parity.model.verdict import Difference, Failure, Group

_OF_A_STEP: tuple[Facet, ...] = ("value", "origin", "code", "reason", "channel", "time", "calls")
SPOKEN: Mapping[str, tuple[Facet, ...]] = {
    "ok": ("value", "time", "calls"),
    "refused": ("origin", "code", "reason", "channel", "time", "calls"),
    "unknown": ("code", "reason", "channel", "time", "calls"),
    # The words for a broken line or a passed deadline are the gRPC library's of each language, never the same.
    "transport failure": ("code", "channel", "time", "calls"),
    "deadline": ("code", "channel", "time", "calls"),
    "hung": ("time", "calls"),
    "crashed": ("calls",),
}
"""What is compared among targets with the same result."""

Member = tuple[str, object]
"""A target and its value of a facet."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What a case's outcomes say, before the ledger is asked."""

    differences: tuple[Difference, ...]
    failures: tuple[Failure, ...]
    compared: bool


def compare(case: Case, outcomes: Sequence[Outcome]) -> Comparison:
    """Differences and failed expectations of a case, in the order of its steps.

    The order of outcomes is that of reports. Those that could not run take no part.
    """
    ran = [outcome for outcome in outcomes if outcome.could_not_run is None]
    failures = tuple(failure for outcome in ran for failure in failures_of(case, outcome))
    if len(ran) < 2:
        return Comparison(differences=(), failures=failures, compared=False)
    return Comparison(differences=tuple(_differences(case, ran, failures)), failures=failures, compared=True)


def _differences(case: Case, ran: Sequence[Outcome], failures: Sequence[Failure]) -> Iterator[Difference]:
    wrong = {(failure.step, failure.target) for failure in failures if failure.facet == "effect"}
    diverged: dict[str, int] = {}
    race = False
    planned = [step for step in case.steps if isinstance(step, SdkStep)]
    place = {step.id: number for number, step in enumerate(planned)}
    after_any = sorted({effect.after for outcome in ran for effect in outcome.effects})
    for step in case.steps:
        found: list[Difference] = []
        if isinstance(step, SdkStep):
            allowed = step.expect.any_of if step.expect is not None else ()
            if len(allowed) > 1:
                # Several outcomes are right: what is not among them has failed, the others need not agree.
                race = True
                for failure in failures:
                    if failure.step == step.id and failure.weight == "must":
                        diverged.setdefault(failure.target, step.id)
            else:
                members = [(outcome.target, outcome.steps[place[step.id]]) for outcome in ran]
                # Why a step was not run is told where the target left the others, or is allowed.
                members = [one for one in members if one[1].result != "not run" or not (race or one[0] in diverged)]
                found += _step_differences(members, allowed[0] if allowed else None, ordered=case.ordered)
        yield from _noted(found, diverged)
        if step.id in after_any and not race:
            yield from _noted(_effect_differences(step.id, ran, wrong), diverged)


def _noted(found: Iterable[Difference], diverged: dict[str, int]) -> Iterator[Difference]:
    """Marks what may follow from an earlier difference, then remembers who has left the others where."""
    marked = [_with_cause(difference, diverged) for difference in found]
    for difference in marked:
        if difference.weight == "must":
            for target in difference.odd:
                diverged.setdefault(target, difference.step)
    yield from marked


def _step_differences(
    members: Sequence[tuple[str, StepOutcome]], expected: Expected | None, *, ordered: bool
) -> Iterator[Difference]:
    if not members:
        return
    first = members[0][1]
    if all(_identical(first, one) for _, one in members):
        return
    by_result: dict[str, list[tuple[str, StepOutcome]]] = {}
    for target, one in members:
        by_result.setdefault(one.result, []).append((target, one))
    if len(by_result) > 1:
        yield _difference(
            first.step,
            "result",
            [(target, one.result) for target, one in members],
            _fits(expected, "result", members, ordered),
            details={target: one.reason for target, one in members if one.reason},
        )
    for result, same in by_result.items():
        # What the refused say is not compared with what the others don't: the difference in result says that already.
        if len(same) < 2:
            continue
        among = result if len(by_result) > 1 else None
        for facet in SPOKEN.get(result, ()):
            usual = getattr(same[0][1], facet)
            if facet != "value" and all(getattr(one, facet) == usual for _, one in same):
                continue
            values = [(target, getattr(one, facet)) for target, one in same]
            if facet in ("calls", "origin"):
                values = [(target, value) for target, value in values if value not in (None, "not recorded")]
            if len({_key(value) for _, value in values}) > 1:
                yield _difference(first.step, facet, values, _fits(expected, facet, same, ordered), among=among)


def _identical(one: StepOutcome, other: StepOutcome) -> bool:
    return one == other and (one.value is msgspec.UNSET or _key(one.value) == _key(other.value))


def _fits(
    expected: Expected | None, facet: Facet, members: Sequence[tuple[str, StepOutcome]], ordered: bool
) -> Callable[[str], bool] | None:
    """Which targets are as the scenario says in this facet; None when it says nothing of it."""
    if expected is None or not says(expected, facet):
        return None
    right = {target for target, one in members if facet_fits(expected, facet, one, ordered=ordered)}
    return right.__contains__


def _effect_differences(after: int, ran: Sequence[Outcome], wrong: Set[tuple[int, str]]) -> Iterator[Difference]:
    found: list[tuple[str, Effect]] = [
        (outcome.target, effect) for outcome in ran for effect in outcome.effects if effect.after == after
    ]
    if len(found) < 2 or all(effect == found[0][1] for _, effect in found):
        return
    pairs = {(db, name) for _, effect in found for db, held in effect.snapshot.databases.items() for name in held}
    differing = frozenset(
        (db, name)
        for db, name in pairs
        if len({_key(msgspec.to_builtins(effect.snapshot.databases.get(db, {}).get(name))) for _, effect in found}) > 1
    )
    texts = {target: effect_text(effect.snapshot, differing) for target, effect in found}
    yield _difference(
        after,
        "effect",
        [(target, effect_value(effect.snapshot)) for target, effect in found],
        # Who is not as the scenario says is the odd one out, where it says anything that tells them apart.
        (lambda target: (after, target) not in wrong) if any(at == after for at, _ in wrong) else None,
        texts=texts,
    )


def _difference(
    step: int,
    facet: Facet,
    members: Sequence[Member],
    fits: Callable[[str], bool] | None,
    *,
    among: str | None = None,
    texts: Mapping[str, str] | None = None,
    details: Mapping[str, str] | None = None,
) -> Difference:
    groups = _grouped(facet, members, fits, texts or {}, details or {})
    odd, basis = _odd_ones(groups)
    return Difference(
        step=step,
        facet=facet,
        weight=WEIGHTS[facet],
        groups=groups,
        odd=tuple(target for target, _ in members if target in odd),
        basis=basis,
        among=among,
    )


def _grouped(
    facet: Facet,
    members: Sequence[Member],
    fits: Callable[[str], bool] | None,
    texts: Mapping[str, str],
    details: Mapping[str, str],
) -> tuple[Group, ...]:
    """Groups by value, the largest first; equals in the order of their first target."""
    sorted_out: dict[str, list[Member]] = {}
    for target, value in members:
        sorted_out.setdefault(_key(value), []).append((target, value))
    groups = []
    for same in sorted_out.values():
        target, value = same[0]
        groups.append(
            Group(
                value=None if value is msgspec.UNSET else value,
                text=texts[target] if target in texts else facet_text(facet, value),
                targets=tuple([one for one, _ in same]),
                detail=next((details[one] for one, _ in same if one in details), None) if details else None,
                expected=fits(target) if fits is not None else None,
            )
        )
    groups.sort(key=_by_size)
    return tuple(groups)


def _size(group: Group) -> tuple[int, int]:
    """Targets count once however many versions of them were run."""
    return len({_name(label) for label in group.targets}), len(group.targets)


@lru_cache(maxsize=4096)
def _name(label: str) -> str:
    return label.partition("@")[0]


def _by_size(group: Group) -> tuple[int, int]:
    names, columns = _size(group)
    return -names, -columns


def _odd_ones(groups: Sequence[Group]) -> tuple[frozenset[str], Literal["expected", "majority", "none"]]:
    everyone = frozenset(target for group in groups for target in group.targets)
    right = [group for group in groups if group.expected]
    if right and len(right) < len(groups):
        # Of several that are as promised, the largest stands for them; equals must not depend on an order.
        agreed = min(right, key=lambda group: (_by_size(group), min(group.targets)))
        return everyone - set(agreed.targets), "expected"
    if _is_majority(groups):
        return everyone - set(groups[0].targets), "majority"
    return everyone, "none"


def _is_majority(groups: Sequence[Group]) -> bool:
    """Whether more than half are in the first group: of targets, or of versions where there is but one target."""
    sizes = [_size(group) for group in groups]
    one_target = len({_name(label) for group in groups for label in group.targets}) == 1
    count = [columns if one_target else names for names, columns in sizes]
    return 2 * count[0] > sum(count)


def _with_cause(difference: Difference, diverged: Mapping[str, int]) -> Difference:
    if difference.weight != "must":
        return difference
    causes = [diverged.get(target) for target in difference.odd]
    known = [cause for cause in causes if cause is not None]
    if len(known) < len(causes) or not known:
        return difference
    return msgspec.structs.replace(difference, consequence_of=min(known))


def _key(value: object) -> str:
    """Equal for equal values only: 1, 1.0, true and "1" are four."""
    return repr(value)

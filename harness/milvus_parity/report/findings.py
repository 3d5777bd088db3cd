"""What every report tells of a run: findings, each a step (or several alike) in which targets differ or fail.

A verdict has differences and failures one by one; here they are put together as people want to read them. What is the
same in many cases (an SDK that never exposes a code) is one finding.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from milvus_parity.judge.templates import template_of
from milvus_parity.judge.words import item_text
from milvus_parity.model.outcome import Facet, Weight
from milvus_parity.model.run import RunRecord
from milvus_parity.model.scenario import MAIN_CLIENT, Case, Frozen, Location, SdkStep
from milvus_parity.model.verdict import CaseVerdict, Difference, Failure, Group, KnownRef, RunVerdict
from milvus_parity.report.sent import Sent, sent_in

_RANK: Mapping[Weight, int] = {"must": 0, "should": 1, "told": 2}
_EVERYWHERE = 3
"""From so many cases on, the same difference in what only should match is told once, by itself."""
_LONGEST_WORD = 60
_TOLD_IN_FULL = 100
"""So many findings that are only told come with snippets and calls: there may be thousands."""
_SUBTLE: frozenset[Facet] = frozenset({"origin", "code", "reason", "channel", "calls", "time"})


class Aspect(Frozen, frozen=True, kw_only=True):
    """One facet of a finding. ``expected`` and ``location``: what the scenario promises, and where it says so."""

    facet: Facet
    weight: Weight
    groups: tuple[Group, ...]
    odd: tuple[str, ...]
    basis: Literal["expected", "majority", "none"]
    among: str | None = None
    expected: str | None = None
    location: Location | None = None
    consequence_of: int | None = None
    known: bool = False
    pins: Mapping[str, KnownRef] = {}
    pinned_otherwise: Mapping[str, KnownRef] = {}


class Snippet(Frozen, frozen=True, kw_only=True):
    """What a target ran. ``fence``: the language, as fenced blocks name it."""

    target: str
    text: str
    fence: str = ""


class Finding(Frozen, frozen=True, kw_only=True):
    """A step in which targets differ or fail, and in which cases. The first of ``cases`` is the one shown.

    ``weight`` is the heaviest of what is not known (of all, when all is known). ``snippets``: one of the targets that
    agree and one of those that don't.
    """

    cases: tuple[str, ...]
    title: str
    step: int
    words: str
    location: Location
    aspects: tuple[Aspect, ...]
    weight: Weight
    known: bool
    snippets: tuple[Snippet, ...] = ()
    sent: Sent | None = None
    """What the compared targets sent in this step, where it was recorded."""


def findings_of(verdict: RunVerdict, record: RunRecord) -> tuple[Finding, ...]:
    """All findings, what counts most first. What is only told is among them, last."""
    cases = {case.id: case for case in record.header.cases}
    steps = [
        (case, step, [(_key(aspect, step_of(cases.get(case.case), step)), aspect) for aspect in aspects])
        for case in verdict.cases
        for step, aspects in _by_step(case)
    ]
    common = _common(key for _, _, keyed in steps for key in keyed)
    alike: dict[object, list[tuple[CaseVerdict, int, tuple[Aspect, ...]]]] = {}
    for case, step, keyed in steps:
        own = [(key, aspect) for key, aspect in keyed if aspect.weight != "told" and key not in common]
        apart = [[one] for one in keyed if one not in own]
        for group in (own, *apart):
            if group:
                key = tuple(key for key, _ in group)
                alike.setdefault(key, []).append((case, step, tuple(aspect for _, aspect in group)))
    ordered = sorted(alike.values(), key=_order)
    found = [_finding(same, cases) for same in ordered]
    counted = sum(1 for finding in found if finding.weight != "told")
    return tuple(
        _illustrated(finding, record, cases) if place < counted + _TOLD_IN_FULL else finding
        for place, finding in enumerate(found)
    )


def _order(same: Sequence[tuple[CaseVerdict, int, tuple[Aspect, ...]]]) -> tuple[bool, bool, int]:
    aspects = same[0][2]
    weight = min((aspect.weight for aspect in _open(aspects)), key=_RANK.__getitem__)
    return weight == "told", _is_known(aspects), _RANK[weight]


def _open(aspects: Sequence[Aspect]) -> Sequence[Aspect]:
    return [aspect for aspect in aspects if not aspect.known] or aspects


def _is_known(aspects: Sequence[Aspect]) -> bool:
    return all(aspect.known for aspect in aspects if aspect.weight != "told") and any(
        aspect.known for aspect in aspects
    )


def flag_of(group: Group, aspect: Aspect) -> str:
    """What is to say of a group: ``known``, ``not as promised``, ``odd one out``; nothing of those that agree."""
    if not set(group.targets) & set(aspect.odd):
        return ""
    if all(target in aspect.pins for target in group.targets):
        return "known"
    if group.expected is False:
        return "not as promised"
    if aspect.basis == "none":
        return ""
    return "odd one out" if len(group.targets) == 1 else "odd ones out"


def _by_step(case: CaseVerdict) -> Iterator[tuple[int, tuple[Aspect, ...]]]:
    """The aspects of a case by step, failures put to the differences that they are about."""
    failures: dict[tuple[int, Facet], list[Failure]] = {}
    for failure in case.failures:
        failures.setdefault((failure.step, failure.facet), []).append(failure)
    aspects: dict[int, list[Aspect]] = {}
    for difference in case.differences:
        own = failures.pop((difference.step, difference.facet), [])
        aspects.setdefault(difference.step, []).append(_aspect(difference, own))
    for (step, facet), rest in failures.items():
        aspects.setdefault(step, []).append(_failed(facet, rest))
    for step in sorted(aspects):
        yield step, tuple(aspects[step])


def _aspect(difference: Difference, failures: Sequence[Failure]) -> Aspect:
    first = failures[0] if failures else None
    unpinned = [failure for failure in failures if failure.known is None]
    return Aspect(
        facet=difference.facet,
        weight=difference.weight,
        groups=difference.groups,
        odd=difference.odd,
        basis=difference.basis,
        among=difference.among,
        expected=first.expected if first else None,
        location=first.location if first else None,
        consequence_of=difference.consequence_of,
        known=difference.known and not unpinned,
        pins=difference.pins,
        pinned_otherwise=difference.pinned_otherwise,
    )


def _failed(facet: Facet, failures: Sequence[Failure]) -> Aspect:
    by_actual: dict[str, list[Failure]] = {}
    for failure in failures:
        by_actual.setdefault(failure.actual, []).append(failure)
    return Aspect(
        facet=facet,
        weight=failures[0].weight,
        groups=tuple(
            Group(value=same[0].value, text=text, targets=tuple(failure.target for failure in same), expected=False)
            for text, same in by_actual.items()
        ),
        odd=tuple(failure.target for failure in failures),
        basis="expected",
        expected=failures[0].expected,
        location=failures[0].location,
        known=all(failure.known is not None for failure in failures),
        pins={failure.target: failure.known for failure in failures if failure.known is not None},
        pinned_otherwise={
            failure.target: failure.pinned_otherwise for failure in failures if failure.pinned_otherwise is not None
        },
    )


def _key(aspect: Aspect, step: SdkStep | None) -> object:
    """What makes a difference in two cases the same: the facet, who is odd, and what they say.

    For what must match also where and why; a code that an SDK never exposes is the same wherever it isn't.
    """
    odd = set(aspect.odd)
    subtle = aspect.facet in _SUBTLE
    plain = aspect.facet != "reason"
    return (
        aspect.facet,
        aspect.known,
        aspect.basis,
        tuple(
            (group.text if plain else template_of(group.text, step), group.targets, None if subtle else group.detail)
            for group in aspect.groups
            if odd & set(group.targets)
        ),
        tuple((entry.location.line, target) for target, entry in aspect.pins.items()),
        None if subtle or step is None else step.operation,
    )


def _common(keyed: Iterable[tuple[object, Aspect]]) -> frozenset[object]:
    """Differences in what only should match that are in so many cases that they are told once, by themselves."""
    counts: dict[object, int] = {}
    for key, aspect in keyed:
        if aspect.facet in _SUBTLE:
            counts[key] = counts.get(key, 0) + 1
    return frozenset(key for key, count in counts.items() if count >= _EVERYWHERE)


def _finding(same: Sequence[tuple[CaseVerdict, int, tuple[Aspect, ...]]], cases: Mapping[str, Case]) -> Finding:
    verdict, step, aspects = same[0]
    case = cases.get(verdict.case)
    return Finding(
        cases=tuple(dict.fromkeys(one.case for one, _, _ in same)),
        title=verdict.title,
        step=step,
        words=_step_words(case, step),
        location=_step_location(case, step) or verdict.location,
        aspects=aspects,
        weight=min((aspect.weight for aspect in _open(aspects)), key=_RANK.__getitem__),
        known=_is_known(aspects),
    )


def _illustrated(finding: Finding, record: RunRecord, cases: Mapping[str, Case]) -> Finding:
    """The finding with what was run and what was sent."""
    case = finding.cases[0]
    heaviest = min(finding.aspects, key=lambda aspect: (aspect.known, _RANK[aspect.weight]))
    is_step = step_of(cases.get(case), finding.step) is not None
    return msgspec.structs.replace(
        finding,
        snippets=tuple(_snippets(record, case, finding.step, heaviest)),
        sent=sent_in(record, case, finding.step, _members(finding.aspects)) if is_step else None,
    )


def _members(aspects: Sequence[Aspect]) -> list[str]:
    """All targets that take part, each once."""
    groups = (group for aspect in aspects for group in aspect.groups)
    return list(dict.fromkeys(target for group in groups for target in group.targets))


def _snippets(record: RunRecord, case: str, step: int, aspect: Aspect) -> Iterator[Snippet]:
    """One snippet of those that agree and one of the odd; without a majority, of the two largest groups."""
    fences = {target.label: record.header.packs.get(target.language) for target in record.header.targets}
    for target in _sides(aspect):
        program = record.program(case, target)
        rules = fences.get(target)
        text = program.snippet(step) if program else ""
        if program and not text:
            reason = next((one.unsupported for one in program.steps if one.step == step and one.unsupported), None)
            text = f"(not supported: {reason})" if reason else ""
        if text:
            yield Snippet(target=target, text=text, fence=rules.fence if rules else "")


def _sides(aspect: Aspect) -> list[str]:
    if aspect.basis == "none":
        return [group.targets[0] for group in aspect.groups[:2]]
    odd = set(aspect.odd)
    agreed = next((target for group in aspect.groups for target in group.targets if target not in odd), None)
    return [target for target in (agreed, aspect.odd[0] if aspect.odd else None) if target is not None]


def step_of(case: Case | None, step: int) -> SdkStep | None:
    """A step of the SDK by its id."""
    if case is None:
        return None
    return next((one for one in case.steps if isinstance(one, SdkStep) and one.id == step), None)


def _step_words(case: Case | None, step: int) -> str:
    found = step_of(case, step)
    if found is None:
        return f"after step {step}"
    arguments = ", ".join(f"{name}={_short(item_text(value))}" for name, value in found.arguments.items())
    client = f" as {found.client}" if found.client != MAIN_CLIENT else ""
    return f"{found.operation}({arguments}){client}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_WORD else f"{text[:_LONGEST_WORD]}… ({len(text)} characters)"


def _step_location(case: Case | None, step: int) -> Location | None:
    if case is None:
        return None
    return next((one.location for one in case.steps if one.id == step), None)

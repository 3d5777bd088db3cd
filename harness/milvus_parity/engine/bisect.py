"""Find the release in which a case changed, by halving. Pure: what a release does comes from elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from milvus_parity.judge.compare import SPOKEN
from milvus_parity.judge.words import effect_text, facet_text
from milvus_parity.model.errors import BadInputError
from milvus_parity.model.outcome import FACETS, WEIGHTS, Facet, Outcome, StepOutcome, Weight
from milvus_parity.model.scenario import Frozen
from milvus_parity.packs.versions import parsed, sort_versions

Place = tuple[int, Facet]
"""A step and a facet of it; for effects, the step after which the observer looked."""

Answer = Literal["good", "other", "skipped"]
"""What a release turned out to be. ``skipped``: it cannot be fetched, does not build or does not run."""


class Seen(Frozen, frozen=True, kw_only=True):
    """The value of a facet: as it is compared, and as people read it."""

    value: str
    text: str


class Found(Frozen, frozen=True, kw_only=True):
    """The end of a search: ``first`` has the other outcome, ``last`` is the nearest that is still as the good one.

    ``between`` lie between both and could not be tried: the change may be in one of them.
    """

    last: str
    first: str
    between: tuple[str, ...] = ()


def road(releases: Sequence[str], good: str, bad: str) -> tuple[str, ...]:
    """The releases from ``good`` to ``bad``, both included, in the order in which they are walked.

    Prereleases are left out unless an end is one. Raises BadInputError when the ends are no two versions.
    """
    ends = parsed(good), parsed(bad)
    for end, text in zip(ends, (good, bad), strict=True):
        if end is None:
            raise BadInputError(f"{text!r} is no version.", hint="Such as --good 2.2.8 --bad 2.4.2.")
    first, last = ends
    assert first is not None
    assert last is not None
    if first == last:
        raise BadInputError("The good and the bad release are the same.")
    low, high = min(first, last), max(first, last)
    pre = low.is_prerelease or high.is_prerelease
    inside = [
        text
        for text in releases
        if (version := parsed(text)) is not None and low < version < high and (pre or not version.is_prerelease)
    ]
    ordered = sort_versions(inside)
    return (good, *(ordered if first < last else reversed(ordered)), bad)


def next_release(way: Sequence[str], answers: Mapping[str, Answer]) -> str | None:
    """The release to try next: the one nearest to the middle of what is left; None when nothing is left to try.

    ``way`` is a `road`; its ends are taken for good and other without an answer.
    """
    low, high = _ends(way, answers)
    open_places = [place for place in range(low + 1, high) if way[place] not in answers]
    middle = (low + high) / 2
    nearest = min(open_places, key=lambda place: (abs(place - middle), place), default=None)
    return way[nearest] if nearest is not None else None


def found(way: Sequence[str], answers: Mapping[str, Answer]) -> Found:
    """Where the search has come to."""
    low, high = _ends(way, answers)
    return Found(last=way[low], first=way[high], between=tuple(way[low + 1 : high]))


def _ends(way: Sequence[str], answers: Mapping[str, Answer]) -> tuple[int, int]:
    high = next((place for place in range(1, len(way) - 1) if answers.get(way[place]) == "other"), len(way) - 1)
    low = max((place for place in range(1, high) if answers.get(way[place]) == "good"), default=0)
    return low, high


def seen(outcome: Outcome) -> dict[Place, Seen]:
    """All that an outcome says, by step and facet."""
    places: dict[Place, Seen] = {}
    for step in outcome.steps:
        places[step.step, "result"] = Seen(value=step.result, text=_result(step))
        for facet in SPOKEN.get(step.result, ()):
            value = getattr(step, facet)
            if not (facet in ("calls", "origin") and value in (None, "not recorded")):
                places[step.step, facet] = Seen(value=_comparable(value), text=facet_text(facet, value))
    for effect in outcome.effects:
        places[effect.after, "effect"] = Seen(value=_comparable(effect.snapshot), text=effect_text(effect.snapshot))
    return places


def places_that_differ(
    good: Mapping[Place, Seen], bad: Mapping[Place, Seen], facets: Sequence[Facet] = ()
) -> tuple[Place, ...]:
    """Where two outcomes differ: in the facets that are asked for, else in those of the heaviest weight that do.

    A message that changed on the way would else hide the release in which the result did.
    """
    order = {facet: number for number, facet in enumerate(FACETS)}
    differing = sorted(
        (place for place in {*good, *bad} if _value(good, place) != _value(bad, place)),
        key=lambda place: (place[0], order[place[1]]),
    )
    # Where the result is another, what comes with it is, too.
    results = {step for step, facet in differing if facet == "result"}
    differing = [place for place in differing if place[1] in ("result", "effect") or place[0] not in results]
    if facets:
        return tuple(place for place in differing if place[1] in facets)
    weights: tuple[Weight, ...] = ("must", "should", "told")
    for weight in weights:
        heavy = tuple(place for place in differing if WEIGHTS[place[1]] == weight)
        if heavy:
            return heavy
    return ()


def as_good(good: Mapping[Place, Seen], now: Mapping[Place, Seen], places: Sequence[Place]) -> bool:
    """Whether an outcome is that of the good release, where it matters."""
    return all(_value(good, place) == _value(now, place) for place in places)


def text_at(outcome: Mapping[Place, Seen], place: Place) -> str:
    """The value of a facet as people read it."""
    return outcome[place].text if place in outcome else "nothing"


def _value(outcome: Mapping[Place, Seen], place: Place) -> str | None:
    return outcome[place].value if place in outcome else None


def _comparable(value: object) -> str:
    return "" if value is msgspec.UNSET else msgspec.json.encode(value, order="deterministic").decode()


def _result(step: StepOutcome) -> str:
    return f"{step.result} ({step.reason})" if step.reason else step.result

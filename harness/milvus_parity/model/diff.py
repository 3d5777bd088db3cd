"""What changed from one run to another, or from one version of an SDK to the next."""

from collections.abc import Mapping
from typing import Literal

from milvus_parity.model.outcome import Facet, Weight
from milvus_parity.model.scenario import Frozen

Kind = Literal[
    "newly differs",
    "changed its effect",
    "changed its result",
    "could not run",
    "gone",
    "changed only its message",
    "told only",
    "newly agrees",
    "new",
]
"""What happened to a target in a case. ``changed only its message``: code, reason or who refused; ``told only``: what
never counts. ``newly differs`` and ``newly agrees``: with the other targets and with what the scenario says."""

KINDS: tuple[Kind, ...] = (
    "newly differs",
    "changed its effect",
    "changed its result",
    "could not run",
    "gone",
    "changed only its message",
    "newly agrees",
    "new",
    "told only",
)
"""What hurts users most comes first."""


class FacetChange(Frozen, frozen=True, kw_only=True):
    """A facet with another value; texts as people read them."""

    step: int
    facet: Facet
    before: str
    after: str


class Pair(Frozen, frozen=True, kw_only=True):
    """Two columns that are compared: labels of the same target, before and after."""

    name: str
    before: str
    after: str


class Change(Frozen, frozen=True, kw_only=True):
    """What happened to a target in a case.

    ``weight``: the heaviest of what changed. ``worse``: something that must match got worse. ``snippets``: what was
    run before and after in the first step that changed, where they are not the same.
    """

    kind: Kind
    case: str
    title: str
    pair: Pair
    weight: Weight | None = None
    worse: bool = False
    facets: tuple[FacetChange, ...] = ()
    snippets: Mapping[Literal["before", "after"], str] = {}
    detail: str | None = None


class RunDiff(Frozen, frozen=True, kw_only=True):
    """All changes, what hurts most first. ``before`` and ``after`` are ids of runs, ``same`` counts what is alike."""

    schema: int = 1
    before: str
    after: str
    pairs: tuple[Pair, ...] = ()
    changes: tuple[Change, ...] = ()
    same: int = 0
    notes: tuple[str, ...] = ()

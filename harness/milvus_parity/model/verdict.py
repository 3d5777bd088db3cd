"""Verdicts: what the judge says of a case, per target and across targets, and of a whole run."""

from collections.abc import Mapping
from typing import Literal

from milvus_parity.model.outcome import Facet, Weight
from milvus_parity.model.run import Condition, RunEnd, Unavailable
from milvus_parity.model.scenario import Frozen, Location
from milvus_parity.model.wire import RoundTrips

Status = Literal["pass", "different", "failed", "known", "could not run", "not applicable"]
"""``different``: it is among the odd ones out. ``failed``: not what the scenario expects. ``known``: one of both, and
all of it is pinned. ``could not run``: neither passed nor different. ``not applicable``: the server lacks something."""

STATUSES: tuple[Status, ...] = ("failed", "different", "could not run", "known", "pass", "not applicable")
"""Worst first: the status of a case is the worst of its targets'."""


class KnownRef(Frozen, frozen=True, kw_only=True):
    """The ledger entry that pins a finding."""

    location: Location
    reason_class: str
    """SDK bug, by design, server, docs, flaky."""
    why: str
    link: str | None = None
    review: str | None = None
    """Date, as in 2026-01-31."""
    overdue: bool = False


class Group(Frozen, frozen=True, kw_only=True):
    """Targets (labels) with the same value of a facet.

    ``text`` is the value as people read it. ``detail`` is what the first of them said, where the value alone says
    little (why something was refused).
    """

    value: object
    text: str
    targets: tuple[str, ...]
    detail: str | None = None
    expected: bool | None = None
    """Whether the scenario allows it; None when the scenario does not say."""


class Difference(Frozen, frozen=True, kw_only=True):
    """Targets that disagree in one facet.

    ``step`` is the step, or for effects the step after which the observer looked. ``odd`` are the odd ones out by
    ``basis``: ``expected`` (they are not what the scenario promises, others are), ``majority`` (more than half of the
    targets agree on something else), ``none`` (no majority: all of them). ``among`` names the result that all
    compared targets share when others had another result. ``consequence_of`` is the earlier step where the odd ones
    already left the others. ``known`` when the targets that no ledger entry pins all agree; ``pins`` by target.
    ``pinned_otherwise``: targets for which the ledger pins another value.
    """

    step: int
    facet: Facet
    weight: Weight
    groups: tuple[Group, ...]
    odd: tuple[str, ...]
    basis: Literal["expected", "majority", "none"]
    among: str | None = None
    consequence_of: int | None = None
    known: bool = False
    pins: Mapping[str, KnownRef] = {}
    pinned_otherwise: Mapping[str, KnownRef] = {}

    def value_of(self, target: str) -> Group | None:
        """The group of a target; None when it was not compared."""
        return next((group for group in self.groups if target in group.targets), None)


class Failure(Frozen, frozen=True, kw_only=True):
    """A target that is not what the scenario says. ``location`` is where the scenario says it."""

    target: str
    step: int
    facet: Facet
    weight: Weight
    expected: str
    actual: str
    value: object
    """The actual value of the facet, whole."""
    location: Location | None = None
    known: KnownRef | None = None
    pinned_otherwise: KnownRef | None = None


class TargetVerdict(Frozen, frozen=True, kw_only=True):
    """How a target did in a case. ``weight``: the worst of what counts against it and is not pinned."""

    target: str
    status: Status
    weight: Weight | None = None
    detail: str | None = None
    """Why it could not run or does not apply."""
    seconds: float = 0.0


class CaseVerdict(Frozen, frozen=True, kw_only=True):
    """What the judge says of a case."""

    case: str
    title: str
    location: Location
    status: Status
    targets: tuple[TargetVerdict, ...]
    differences: tuple[Difference, ...] = ()
    failures: tuple[Failure, ...] = ()
    compared: bool = True
    """Whether at least two targets could be compared."""

    def target(self, label: str) -> TargetVerdict | None:
        """The verdict of one target."""
        return next((one for one in self.targets if one.target == label), None)


class Stale(Frozen, frozen=True, kw_only=True):
    """A ledger entry, or a part of it (one case pattern, one target), that no longer holds."""

    location: Location
    case: str
    target: str | None
    what: str
    """A sentence."""


class RunVerdict(Frozen, frozen=True, kw_only=True):
    """What the judge says of a run. ``targets`` are labels, in the order of reports.

    ``condition``, ``end`` and ``problems`` say whether the run is whole. ``overdue``: entries past their review date
    that matched. ``notes`` are sentences for people.
    """

    run: str
    targets: tuple[str, ...]
    cases: tuple[CaseVerdict, ...] = ()
    unavailable: tuple[Unavailable, ...] = ()
    condition: Condition = "whole"
    end: RunEnd | None = "complete"
    problems: tuple[str, ...] = ()
    stale: tuple[Stale, ...] = ()
    overdue: tuple[KnownRef, ...] = ()
    notes: tuple[str, ...] = ()
    recorded: bool = False
    """Whether the wire was recorded for at least one execution."""
    round_trips: tuple[RoundTrips, ...] = ()
    """How many calls each operation took each target."""

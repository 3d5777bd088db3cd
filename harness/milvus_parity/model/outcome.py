"""Outcomes: traces normalised so that languages can be compared, one value per facet."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from milvus_parity.model.scenario import Frozen, Result
from milvus_parity.model.trace import Channel, End, Snapshot

Facet = Literal["result", "value", "effect", "origin", "code", "reason", "channel", "calls", "time"]
"""What is compared. ``effect`` belongs to an observation, all others to a step."""

FACETS: tuple[Facet, ...] = ("result", "value", "effect", "origin", "code", "reason", "channel", "calls", "time")

Weight = Literal["must", "should", "told"]
"""How much a facet counts: ``must`` and ``should`` for the exit code, ``told`` never."""

WEIGHTS: Mapping[Facet, Weight] = {
    "result": "must",
    "value": "must",
    "effect": "must",
    "origin": "should",
    "code": "should",
    "reason": "should",
    "channel": "told",
    "calls": "told",
    "time": "told",
}

Origin = Literal["client", "server", "not recorded"]
"""Who refused: the client by itself, or the server. Without a recording of the wire nobody knows."""

TimeClass = Literal["no deadline", "within deadline", "at deadline", "beyond deadline", "beyond deadline (hung)"]
"""How a call that was given a deadline kept it."""

Scalar = str | int | float | bool | None
NormalValue = Scalar | tuple["NormalValue", ...] | Mapping[str, "NormalValue"]
"""What a read returned, the same for all languages."""

COULD_NOT_RUN: frozenset[End] = frozenset({"not available", "not built", "no server", "interrupted", "harness error"})
"""Ends that say nothing about the SDK: neither passed nor different."""


class StepOutcome(Frozen, frozen=True, kw_only=True):
    """What one step of the SDK came to.

    ``value`` (a NormalValue) is UNSET when the step returns none or did not succeed. ``code`` and ``reason`` are None
    when the SDK exposes none (and when the step succeeded). ``origin`` is None when nothing was refused. ``calls``
    are the calls of the step, one text each, None when the wire was not recorded. ``channel`` is None when nothing
    came back.
    """

    step: int
    result: Result
    value: object = msgspec.UNSET
    code: int | str | None = None
    reason: str | None = None
    channel: Channel | None = None
    origin: Origin | None = None
    calls: tuple[str, ...] | None = None
    time: TimeClass = "no deadline"


class Effect(Frozen, frozen=True, kw_only=True):
    """What the server held after a step, as the observer found it; databases by their logical names."""

    after: int
    snapshot: Snapshot


class Outcome(Frozen, frozen=True, kw_only=True):
    """One execution, normalised. ``target`` is the label, as in ``java-v1@2.3.10``.

    ``could_not_run`` says in a sentence why the execution tells nothing about the SDK; None when it does.
    """

    case: str
    target: str
    end: End
    steps: tuple[StepOutcome, ...] = ()
    effects: tuple[Effect, ...] = ()
    could_not_run: str | None = None
    seconds: float = 0.0
    recorded: bool = False
    """Whether the wire was recorded."""

"""Traces: the raw facts of an execution, without judgement."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from milvus_parity.model.scenario import Frozen

Json = msgspec.Raw | str | int | float | bool | None | list["Json"] | dict[str, "Json"]


class CollectionSnapshot(Frozen, frozen=True, kw_only=True):
    """What a collection held; names sorted. ``rows`` only for the partitions whose rows were asked for.

    ``aliases`` and ``indexed`` (the fields that have an index) only where details were asked for.
    """

    partitions: tuple[str, ...]
    loaded: tuple[str, ...] = ()
    rows: Mapping[str, int] = {}
    aliases: tuple[str, ...] | None = None
    indexed: tuple[str, ...] | None = None


class Snapshot(Frozen, frozen=True, kw_only=True):
    """What the observer found: logical database -> collection -> what it held. A missing database is absent."""

    databases: Mapping[str, Mapping[str, CollectionSnapshot]] = {}


class Raised(Frozen, frozen=True, kw_only=True):
    """An exception, a rejected promise or an error value, as the frame of the program saw it.

    ``classes`` is the class chain, most derived first. ``fields`` are all that the SDK exposes on it, by the SDK's
    own names. ``cause`` is the wrapped one, where there is one.
    """

    classes: tuple[str, ...]
    message: str = ""
    fields: Mapping[str, object] = {}
    cause: "Raised | None" = None


Channel = Literal["returned", "raised", "status", "error value"]


class StepTrace(Frozen, frozen=True, kw_only=True):
    """What the SDK gave back for one step.

    ``outcome``: ``returned`` (``value`` and, where the API returns one, ``status``), ``raised`` or ``error value``
    (``error``), ``unsupported`` (``reason``, from the template). ``milliseconds`` on the worker's monotonic clock.
    """

    step: int
    outcome: Literal["returned", "raised", "error value", "unsupported"]
    value: object = None
    status: object = None
    error: Raised | None = None
    reason: str | None = None
    milliseconds: float = 0.0


End = Literal[
    "done", "crashed", "hung", "killed", "not available", "not built", "no server", "interrupted", "harness error"
]
"""How an execution ended.

``done``: the program ran to its end. ``crashed``: its worker died in it. ``hung``: it passed its time limit.
``killed``: a limit of the container took it (``detail`` says which). ``not available``: that version of
the SDK cannot be fetched. ``not built``: the program does not compile.
``no server``: Milvus was not there for it. ``interrupted``: the run was stopped. ``harness error``: the pack or the
harness broke the protocol. Only the first three (and ``killed``) say something about the SDK.
"""


class Observation(Frozen, frozen=True, kw_only=True):
    """A snapshot taken after a step (``after`` is the step's id)."""

    after: int
    snapshot: Snapshot


class Trace(Frozen, frozen=True, kw_only=True):
    """The record of one execution: one case run through one target.

    ``started`` is Unix seconds, ``seconds`` the whole from its databases' being ready to its address' being closed.
    ``wire``: recorded, or why not.
    """

    case: str
    target: str
    sdk_version: str
    end: End
    steps: tuple[StepTrace, ...] = ()
    observations: tuple[Observation, ...] = ()
    running_step: int | None = None
    """The step that was under way when the execution ended otherwise than ``done``."""
    detail: str | None = None
    """What is known of an end other than ``done``: exit status, signal, the compiler's words."""
    log: str = ""
    started: float = 0.0
    seconds: float = 0.0
    databases: Mapping[str, str] = {}
    """Logical to real database names: real ones in messages are replaced before comparing."""
    address: str = ""
    wire: str = "not recorded"
    """``recorded``, or ``not recorded`` with the reason."""

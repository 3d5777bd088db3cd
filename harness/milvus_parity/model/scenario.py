"""Scenarios and cases: behaviour described once, in no programming language."""

from collections.abc import Mapping
from typing import Literal

import msgspec

MAIN_CLIENT = "A"
"""The client that runs a step which names none."""

MAIN_DATABASE = "database"
"""The logical name of the database that every execution has."""


class Frozen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=False):
    """A value that is never changed; fields a newer version added are ignored when an older one reads it."""


class Location(Frozen, frozen=True, kw_only=True):
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class DatabaseName(Frozen, frozen=True, kw_only=True, tag="database", tag_field="ref"):
    """A database made by the harness for this execution: its real name is known only when it runs.

    ``logical`` is the scenario's word for it: ``database`` for the execution's own, else a name under ``databases:``.
    """

    logical: str


Argument = DatabaseName | str | int | float | bool | None | tuple[str | int, ...]


class GivenField(Frozen, frozen=True, kw_only=True):
    """A field of a collection. ``type``: as the server names it (``Int64``, ``VarChar``, ``FloatVector``).

    ``dimension``: of a vector. ``length``: the most bytes of a ``VarChar``.
    """

    name: str
    type: str
    primary: bool = False
    auto_id: bool = False
    dimension: int | None = None
    length: int | None = None


class GivenCollection(Frozen, frozen=True, kw_only=True):
    """A collection that the harness makes before the first step.

    ``partitions`` maps a partition to its number of rows; ids run from 1 over the partitions in the order written.
    ``loaded`` names the partitions that are loaded, or is True for the whole collection. ``fields``: none means an id
    and a vector. ``metric``: vectors have an index with this metric, even without rows. ``aliases``: further ones.
    """

    partitions: Mapping[str, int] = {}
    loaded: tuple[str, ...] | bool = ()
    alias: str | None = None
    partition_key: bool = False
    fields: tuple[GivenField, ...] = ()
    dynamic: bool = False
    metric: str | None = None
    aliases: tuple[str, ...] = ()


class GivenDatabase(Frozen, frozen=True, kw_only=True):
    """The starting state of one database."""

    collections: Mapping[str, GivenCollection] = {}


class ThenCollection(Frozen, frozen=True, kw_only=True):
    """What the observer shall find of one collection; what is None is not looked at."""

    partitions: tuple[str, ...] | None = None
    loaded: tuple[str, ...] | None = None
    rows: Mapping[str, int] | None = None
    exists: bool = True


class Then(Frozen, frozen=True, kw_only=True):
    """What the observer shall find, by logical database and collection."""

    databases: Mapping[str, Mapping[str, ThenCollection]] = {}
    location: Location | None = None


Result = Literal[
    "ok", "refused", "transport failure", "deadline", "crashed", "hung", "not supported", "not run", "unknown"
]
"""How a step ended. ``not run``: an earlier step took the program with it. ``unknown``: no rule of the pack applies."""

RESULTS: tuple[Result, ...] = (
    "ok",
    "refused",
    "transport failure",
    "deadline",
    "crashed",
    "hung",
    "not supported",
    "not run",
    "unknown",
)


class Expected(Frozen, frozen=True, kw_only=True):
    """One allowed outcome of a step; what is None (``UNSET`` for the value) is not looked at."""

    result: Result
    value: Argument | msgspec.UnsetType = msgspec.UNSET
    by: Literal["client", "server"] | None = None
    code: int | None = None
    reason: str | None = None
    """A part of the reason, compared without case."""


class Expectation(Frozen, frozen=True, kw_only=True):
    """The outcomes that are allowed; with more than one, differences among the allowed are none."""

    any_of: tuple[Expected, ...]
    location: Location | None = None


class SdkStep(Frozen, frozen=True, kw_only=True, tag="sdk", tag_field="kind"):
    """A step that the SDK under test makes: an operation with its arguments."""

    id: int
    operation: str
    arguments: Mapping[str, Argument] = {}
    client: str = MAIN_CLIENT
    expect: Expectation | None = None
    then: Then | None = None
    location: Location | None = None


FaultName = Literal["gone", "mute", "back"]


class FaultStep(Frozen, frozen=True, kw_only=True, tag="fault", tag_field="kind"):
    """A step that the harness makes: what happens to the server as the clients of this execution see it.

    ``gone``: nothing listens any more and all connections are reset. ``mute``: connections stand, nothing is
    answered. ``back``: as before.
    """

    id: int
    fault: FaultName
    then: Then | None = None
    location: Location | None = None


Step = SdkStep | FaultStep


class Requirements(Frozen, frozen=True, kw_only=True):
    """What a server must be or have for a case to make sense on it."""

    milvus: str | None = None
    """A version range such as ``>=2.2.9``."""
    features: tuple[str, ...] = ()


class Case(Frozen, frozen=True, kw_only=True):
    """A scenario with its parameters bound.

    ``id`` is ``topic/name`` or ``topic/name[parameter=label]``. ``databases`` always has the execution's own.
    ``parity_only``: the scenario promises nothing, the targets are only compared with each other.
    """

    id: str
    title: str
    scenario: str
    location: Location
    databases: Mapping[str, GivenDatabase] = {}
    steps: tuple[Step, ...] = ()
    then: Then | None = None
    requires: Requirements = Requirements()
    parity_only: bool = False
    ordered: bool = False
    """Whether the order of names in a value matters."""
    docs: tuple[str, ...] = ()
    exclusive: bool = False
    """It touches what all executions share (the database ``default``): nothing else that does runs meanwhile."""
    timeout: float | None = None
    """Seconds that one execution may take, instead of the run's limit."""
    public: Mapping[str, bool] = {}
    """Databases that it names itself, as all executions see them -> whether they are there before."""
    details: bool = False
    """The observer also looks for aliases and indexes."""

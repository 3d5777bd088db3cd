"""Runs: a folder that can be judged, reported, compared and merged without running anything again.

This module has the values that are stored and what a reader of a run sees; ``milvus_parity.store`` has the files.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

from milvus_parity.model.outcome import Origin
from milvus_parity.model.scenario import Case, Frozen
from milvus_parity.model.target import Missing, PackSpec, Rule, Target
from milvus_parity.model.trace import Trace
from milvus_parity.model.wire import Recording

RUN_SCHEMA = 1
"""Version of the run folder's format; a newer one is refused."""


class ServerInfo(Frozen, frozen=True, kw_only=True):
    """The server that was asked; never its credentials.

    ``kind``: embedded, lite, container, external. ``version`` as the server says it.
    """

    kind: str
    version: str
    address: str = ""
    features: tuple[str, ...] = ()


class PackRules(Frozen, frozen=True, kw_only=True):
    """What of a pack is needed to judge and to show a stored run when the pack is not at hand."""

    language: str
    title: str
    outcome: tuple[Rule, ...] = ()
    values: Mapping[str, Mapping[str, str]] = {}
    fence: str = ""
    """Info string of a fenced block in this language."""

    @classmethod
    def of(cls, spec: PackSpec) -> "PackRules":
        """What of a pack's description is kept."""
        return cls(
            language=spec.language,
            title=spec.title,
            outcome=spec.outcome,
            values=spec.values,
            fence=spec.fences[0] if spec.fences else spec.language,
        )


class Unavailable(Frozen, frozen=True, kw_only=True):
    """A target that could not be used in this run, and what to install."""

    name: str
    """As it was asked for: ``csharp``, ``javascript@2.3.5``."""
    language: str = ""
    missing: Missing


class Shard(Frozen, frozen=True, kw_only=True):
    """Which part of a run this is. ``cases``: ids of the whole run, in order, those of other shards too."""

    index: int
    count: int
    cases: tuple[str, ...] = ()


class RunHeader(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """All that is known of a run before its first execution.

    ``started`` is Unix seconds. ``cases`` are those of this run, in the order of reports. ``not_applicable`` maps a
    case to the sentence why this server cannot serve it; such cases have no traces. ``known_targets`` are the names of
    all targets that the packs know and ``known_cases`` the ids of all cases, asked for or not (empty: nobody said):
    only a run that had them all can say that a ledger entry matches nothing. ``packs`` by language.
    """

    schema: int = RUN_SCHEMA
    id: str
    started: float
    harness_version: str
    server: ServerInfo | None = None
    targets: tuple[Target, ...] = ()
    unavailable: tuple[Unavailable, ...] = ()
    known_targets: tuple[str, ...] = ()
    known_cases: tuple[str, ...] = ()
    options: Mapping[str, object] = {}
    runtime: str = ""
    packs: Mapping[str, PackRules] = {}
    cases: tuple[Case, ...] = ()
    not_applicable: Mapping[str, str] = {}
    shard: Shard | None = None
    notes: tuple[str, ...] = ()


class StepSnippet(Frozen, frozen=True, kw_only=True):
    """A step as a reader of the docs would write it, or why the API cannot say it."""

    step: int
    text: str = ""
    unsupported: str | None = None


class Program(Frozen, frozen=True, kw_only=True):
    """What was compiled and run for a case. ``target`` is the label."""

    case: str
    target: str
    imports: tuple[str, ...] = ()
    steps: tuple[StepSnippet, ...] = ()

    def snippet(self, step: int) -> str:
        """The text of a step; empty when there is none."""
        return next((one.text for one in self.steps if one.step == step), "")


class StepWire(Frozen, frozen=True, kw_only=True):
    """What the recorded calls of one step come to.

    ``origin``: who refused, if the step was refused. ``calls``: a text each, as they are compared, with the real names
    of databases. ``count`` and ``methods``: the calls one by one, without those of the SDK's own.
    """

    origin: Origin = "client"
    calls: tuple[str, ...] = ()
    count: int = 0
    methods: tuple[str, ...] = ()


RunEnd = Literal["complete", "interrupted", "failed fast", "server died", "disk full", "error"]
"""``failed fast``: it stopped at the first difference, as asked. ``error``: the footer's detail says which."""

RUN_ENDS: tuple[RunEnd, ...] = ("complete", "interrupted", "failed fast", "server died", "disk full", "error")


class StoredFile(Frozen, frozen=True, kw_only=True):
    """A file of a finished run. ``lines`` is 0 for files that are no lines."""

    bytes: int
    lines: int = 0
    sha256: str


class Footer(Frozen, frozen=True, kw_only=True):
    """The last thing written: without it the run is truncated. ``ended`` is Unix seconds."""

    end: RunEnd
    detail: str | None = None
    ended: float
    files: Mapping[str, StoredFile] = {}


Condition = Literal["whole", "truncated", "edited"]
"""``truncated``: no footer, or a file is shorter than it says. ``edited``: a file is not what its checksum says."""


class RunRecord(Protocol):
    """What a reader of a run sees. ``problems`` are sentences about what is not whole."""

    @property
    def header(self) -> RunHeader: ...
    @property
    def footer(self) -> Footer | None: ...
    @property
    def condition(self) -> Condition: ...
    @property
    def problems(self) -> tuple[str, ...]: ...

    def traces(self, case: str) -> tuple[Trace, ...]:
        """The traces of a case, one a target, in the order of the header's targets."""

    def program(self, case: str, target: str) -> Program | None:
        """The program of a case for a target (its label); None when none was written."""

    def recording(self, case: str, target: str) -> Recording | None:
        """What went over the wire; None when it was not recorded."""

    def wire(self, case: str, target: str) -> Mapping[int, StepWire] | None:
        """What the calls of each step come to; None when the wire was not recorded, or not whole."""


def label_of(trace: Trace) -> str:
    """The column of a trace, as in ``java-v1@2.3.10``, whether it names its target with the version or without."""
    return trace.target if "@" in trace.target else f"{trace.target}@{trace.sdk_version}"

"""Packs and targets: what the harness knows of a language and of the SDKs under test. Read from ``pack.toml``."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from milvus_parity.model.scenario import Frozen, Result


class PackPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of a pack's description; a key that is not known is an error, since people write these."""


class Need(PackPart, frozen=True, kw_only=True):
    """A command that must be on PATH to use the pack without containers.

    ``version`` prints a version, ``pattern`` finds it there (first group), ``minimum`` is the least that will do.
    ``install`` tells people how to get it.
    """

    command: str
    version: tuple[str, ...]
    pattern: str = r"(\d+(?:\.\d+)+|\d+)"
    minimum: str | None = None
    install: str


class TargetSpec(PackPart, frozen=True, kw_only=True):
    """One API of one SDK.

    ``templates`` are folders below the pack, searched in this order. ``versions`` maps a server line (``2.3``) to the
    SDK version that suits it, oldest line first. ``known`` are further releases that there are, for registries whose
    list is not whole or cannot be had. ``note`` is shown beside the version, e.g. for builds by hand.
    """

    title: str
    package: str
    templates: tuple[str, ...]
    versions: Mapping[str, str]
    known: tuple[str, ...] = ()
    concurrency: int | None = None
    note: str | None = None


class FileSpec(PackPart, frozen=True, kw_only=True):
    """A file of the build, rendered from a template once for each program or once for the build.

    ``path`` may have ``{program}``.
    """

    template: str
    path: str
    per: Literal["program", "build"] = "program"


class Commands(PackPart, frozen=True, kw_only=True):
    """Commands run one after the other; words may have the placeholders that runners/README.md names."""

    commands: tuple[tuple[str, ...], ...]
    environment: Mapping[str, str] = {}
    timeout: float = 900.0
    """Seconds."""


class ResolveSpec(Commands, frozen=True, kw_only=True):
    """How one version of an SDK is fetched. ``shared``: targets of one package and version share what is fetched."""

    shared: bool = False


class VersionsSpec(Commands, frozen=True, kw_only=True):
    """How the registry is asked which releases of a package there are.

    ``pattern`` finds each of them in what the commands print (first group).
    """

    pattern: str
    timeout: float = 120.0


class BuildSpec(Commands, frozen=True, kw_only=True):
    """How all programs of a target are compiled in one go.

    ``errors`` finds the compiler's complaints: groups ``file``, ``line``, ``message`` and, where known, ``column``.
    ``cached_on`` are commands whose output (versions of a toolchain) belongs to the key of the build's cache.
    """

    errors: str | None = None
    cached_on: tuple[tuple[str, ...], ...] = ()


class WorkerSpec(PackPart, frozen=True, kw_only=True):
    """How a worker is started, and how many cases it may run at once."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = {}
    concurrency: int = 1
    start_timeout: float = 60.0
    """Seconds until it must have said that it is ready."""


class Rule(PackPart, frozen=True, kw_only=True):
    """How one shape of what the SDK gave back is to be read. The first rule that fits decides.

    ``on``: channels it is for (all when empty). ``classes``: patterns, one of which must match a class of the chain
    (by full name or by its last part). ``where``: path -> regular expression that the value's text must match whole;
    a missing value's text is empty. ``code`` and ``reason``: paths; ``code_pattern`` and ``reason_pattern``: the
    first group is taken out of the text. A code that is empty or absent is "not exposed".
    """

    on: tuple[Literal["raised", "error value", "status"], ...] = ()
    classes: tuple[str, ...] = ()
    where: Mapping[str, str] = {}
    result: Result
    code: str | None = None
    code_pattern: str | None = None
    reason: str | None = None
    reason_pattern: str | None = None


class PackSpec(PackPart, frozen=True, kw_only=True):
    """``pack.toml``: all that the harness knows of one language."""

    schema: int
    language: str
    title: str
    variables: Literal["snake", "camel"] = "snake"
    fences: tuple[str, ...] = ()
    extension: str
    toolchain: tuple[Need, ...] = ()
    targets: Mapping[str, TargetSpec]
    files: tuple[FileSpec, ...]
    support: tuple[str, ...] = ()
    """Folders below the pack whose files are copied into the build as they are."""
    versions: VersionsSpec | None = None
    builds: tuple[str, ...] = ()
    """Globs over the names of builds of one's own that ``resolve`` can take; ``*/`` is a folder."""
    resolve: ResolveSpec
    build: BuildSpec
    worker: WorkerSpec
    outcome: tuple[Rule, ...] = ()
    values: Mapping[str, Mapping[str, str]] = {}
    """operation -> the SDK's word -> the harness's word."""


class Target(Frozen, frozen=True, kw_only=True):
    """An SDK under test, with its version."""

    name: str
    """As in ``java-v1``."""
    language: str
    title: str
    package: str
    version: str
    note: str | None = None
    source: str | None = None
    """The path of a build of one's own; None for a release."""

    @property
    def label(self) -> str:
        """As in ``java-v1@2.3.10``."""
        return f"{self.name}@{self.version}"


class Missing(Frozen, frozen=True, kw_only=True):
    """Why a target is not available here, and what to install."""

    what: str
    install: str | None = None

"""What the engine needs of a runtime. The process and the container runtime, and the fakes of tests, all are this."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from milvus_parity.model.errors import NotAvailableError, ParityError
from milvus_parity.model.scenario import Frozen
from milvus_parity.model.target import Missing, Target
from milvus_parity.packs.pack import Pack

Progress = Callable[[str], None]
"""Is told, a short line at a time, what is going on: for people to read while they wait."""


class Sdk(Frozen, frozen=True, kw_only=True):
    """One version of an SDK, fetched and ready. ``folder`` is the runtime's own business (a path, an image)."""

    pack: Pack
    target: Target
    folder: str


class Build(Frozen, frozen=True, kw_only=True):
    """All programs of a target, compiled. ``key`` is the hash of everything that went in."""

    sdk: Sdk
    folder: str
    key: str
    cached: bool


class CompileError(Frozen, frozen=True, kw_only=True):
    """One complaint of a compiler; ``file`` as the pack's sources name it, line and column from 1."""

    file: str
    line: int
    column: int | None
    message: str


class ResolveError(NotAvailableError):
    """An SDK version could not be fetched. The hint has the registry's words."""


class BuildError(ParityError):
    """The programs of a target do not compile. ``output`` is what the compiler said, whole."""

    def __init__(self, what: str, errors: tuple[CompileError, ...], output: str, *, hint: str | None = None) -> None:
        super().__init__(what, hint=hint)
        self.errors = errors
        self.output = output


class Exit(Frozen, frozen=True, kw_only=True):
    """How a worker ended. ``by_limit`` says which limit of a container took it (``memory limit of 1 GiB``).

    ``lost`` is a sentence when nobody can tell how it ended: the container engine is gone.
    """

    status: int | None = None
    signal: int | None = None
    by_limit: str | None = None
    lost: str | None = None

    def __str__(self) -> str:
        if self.lost:
            return self.lost
        if self.by_limit:
            return f"killed by its {self.by_limit}"
        if self.signal is not None:
            return f"killed by signal {self.signal}"
        return f"exit status {self.status}"


class Channel(Protocol):
    """Bytes to and from a relay: the program beside a worker through which it reaches the gateways."""

    def attach(self, came: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        """From now on ``came`` is told all that it wrote, from its start on, and ``ended`` its end; in any thread."""

    def send(self, data: bytes) -> None:
        """Send bytes, without waiting; nothing happens when it is gone. From any thread."""


class Connection(Protocol):
    """A running worker."""

    @property
    def relay(self) -> Channel | None:
        """The way to the gateways of a worker that cannot reach this machine; None for one that can."""

    async def send(self, line: bytes) -> None:
        """Send one line (without its newline). Raises ConnectionError when the worker is gone."""

    async def receive(self) -> bytes | None:
        """The next line of its standard output, without the newline; None when there will be no more.

        A line longer than 16 MiB is cut there, and the rest of it dropped.
        """

    @property
    def logged(self) -> int:
        """How many bytes it has written to standard error so far."""

    def log(self, since: int = 0) -> str:
        """What it wrote to standard error after its first ``since`` bytes, as far as kept (the last 64 KiB)."""

    async def kill(self) -> None:
        """End it and all that it started, at once. Harmless when it is gone."""

    async def wait(self) -> Exit:
        """How it ended; waits for that."""

    async def limit_hit(self) -> str | None:
        """The limit, in words, that took a process of a worker that lives on, once for each; None when none did."""


class Runtime(Protocol):
    """Where programs are built and run."""

    name: str
    gateway_host: str
    """The address of this machine that workers can reach and others cannot: gateways listen on it."""

    async def missing(self, pack: Pack) -> Missing | None:
        """Why the pack cannot be used here; None when it can."""

    async def resolve(self, pack: Pack, target: Target, progress: Progress) -> Sdk:
        """Fetch one version of an SDK, or find it fetched. Raises ResolveError."""

    async def build(self, sdk: Sdk, sources: Mapping[str, str], progress: Progress) -> Build:
        """Compile programs in one go, or find them compiled. ``sources``: path -> text. Raises BuildError."""

    async def launch(self, build: Build) -> Connection:
        """Start a worker. Raises ParityError when it cannot be started at all."""

    async def close(self) -> None:
        """Leave nothing behind: no process, container, network, temporary folder."""


def cache_key_folder(root: Path, target: Target, key: str) -> Path:
    """Where a build with this key is kept."""
    return root / "builds" / target.label.replace("/", "_") / key

"""What a Milvus server is to the rest of the harness, and which one an option means.

Each kind has a module of its own (`embedded`, `lite`, `container`, `external`), imported only when it is asked for.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from milvus_parity.model.errors import NotAvailableError
from milvus_parity.servers.addresses import parse_address

Kind = Literal["embedded", "lite", "container", "external"]

ALL_FEATURES = frozenset({"databases", "authorization", "load_partitions", "aliases", "partition_key"})
"""What a server may have; a scenario names what it needs by these words."""

Progress = Callable[[str], None]
"""Takes one line a person may read while waiting."""


class ServerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Where a running server is and what it can do.

    ``version`` is what the server reports, without a leading ``v``. ``token`` is a whole credential (``user:password``
    or an API key) and stands instead of user and password where the user gave one. ``tls_ca`` is the path of a PEM
    file, empty for the system's authorities. Secrets never appear in the representation.
    """

    kind: Kind
    host: str
    port: int
    version: str = ""
    tls: bool = False
    tls_ca: str = ""
    user: str = ""
    password: str = ""
    token: str = ""
    features: frozenset[str] = frozenset()

    @property
    def address(self) -> str:
        """``host:port``, with brackets around an IPv6 address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def credential(self) -> str:
        """What the ``authorization`` metadata carries (before base64); empty when there is nothing to say."""
        if self.token:
            return self.token
        return f"{self.user}:{self.password}" if self.user else ""

    def __repr__(self) -> str:
        hidden = {"password", "token"}
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name not in hidden)
        return f"ServerInfo({', '.join(shown)})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """The same for rich, which would else show every field."""
        return [(name, getattr(self, name)) for name in self.__struct_fields__ if name not in {"password", "token"}]


class ServerError(NotAvailableError):
    """A server did not start, is not what it should be, or cannot be reached. Exit code 3."""


class Server(Protocol):
    """A server for the time of one run."""

    @property
    def info(self) -> ServerInfo:
        """Where it is; valid once `start` has returned."""

    async def start(self) -> ServerInfo:
        """Start it, or find it; returns when it answers. Raises `ServerError`.

        A server that is a child process dies with the thread that called this: call it from one that lives as long
        as the run.
        """

    async def stop(self) -> None:
        """Stop it and remove what it left. May be called at any time, and again; never raises for a dead server."""

    def alive(self) -> bool:
        """Whether it still runs, as far as can be told without a call to it."""

    def last_log_lines(self, count: int) -> list[str]:
        """The newest lines of its log, oldest first; empty where its log cannot be read."""


def server_for(option: str, *, cache_dir: Path, environ: Mapping[str, str], on_progress: Progress) -> Server:
    """The server that ``--milvus OPTION`` means: ``embedded``, ``lite``, ``container[:tag]`` or an address.

    ``container:`` also takes a whole image name (``container:registry/image:tag``). Nothing is started here. Raises
    `BadInputError` for an option that is none of these.
    """
    word = option.strip()
    if word == "embedded":
        from milvus_parity.servers.embedded import EmbeddedServer

        return EmbeddedServer(cache_dir=cache_dir, environ=environ, on_progress=on_progress)
    if word == "lite":
        from milvus_parity.servers.lite import LiteServer

        return LiteServer(cache_dir=cache_dir, environ=environ, on_progress=on_progress)
    if word == "container" or word.startswith("container:"):
        from milvus_parity.servers.container import ContainerServer

        return ContainerServer(container_image(word), environ=environ, on_progress=on_progress)
    from milvus_parity.servers.external import ExternalServer

    return ExternalServer(parse_address(word), environ=environ)


DEFAULT_IMAGE = "milvusdb/milvus"
DEFAULT_TAG = "v2.3.5"


def container_image(option: str) -> str:
    """The image that ``container``, ``container:TAG`` or ``container:IMAGE`` means.

    A tag has neither a slash nor a colon in it; anything else is a whole image name.
    """
    _, _, rest = option.partition(":")
    if not rest:
        return f"{DEFAULT_IMAGE}:{DEFAULT_TAG}"
    if "/" in rest or ":" in rest or "@" in rest:
        return rest
    return f"{DEFAULT_IMAGE}:{rest}"


def version_in_advance(option: str) -> str | None:
    """The server's version, where an option says it before anything is started; None where only the server knows."""
    if option.strip() == "embedded":
        from milvus_parity.servers.wheel import VERSION

        return VERSION
    return None

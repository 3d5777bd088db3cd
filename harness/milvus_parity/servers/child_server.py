"""What servers have in common that are started as a child of the harness, with a folder of their own."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from milvus_parity.servers.base import Progress, ServerError, ServerInfo
from milvus_parity.servers.children import Child
from milvus_parity.servers.folders import OwnedFolder

LOG_LINES_SHOWN = 8
LOG_LINES_KEPT = 200
"""Of one that is gone."""


class ChildServer:
    """A server whose process and folder end with it; what starts it sets them."""

    title: ClassVar[str]
    """What it is called in sentences."""

    def __init__(self, *, cache_dir: Path, environ: Mapping[str, str], on_progress: Progress) -> None:
        self._servers_dir = cache_dir / "servers"
        self._environ = environ
        self._on_progress = on_progress
        self._folder: OwnedFolder | None = None
        self._child: Child | None = None
        self._info: ServerInfo | None = None
        self._last_words: list[str] = []

    @property
    def info(self) -> ServerInfo:
        """Where it is; valid once it has started."""
        if self._info is None:
            raise ServerError(f"{self.title} was asked where it is before it was started.")
        return self._info

    def alive(self) -> bool:
        """Whether its process runs."""
        return self._child is not None and self._child.alive()

    def last_log_lines(self, count: int) -> list[str]:
        """The newest lines of its output."""
        return self._child.last_lines(count) if self._child is not None else self._last_words[-count:]

    async def _discard(self, grace_seconds: float) -> None:
        """End its process, and remove its folder; some of its last lines stay for those who ask later."""
        child, folder = self._child, self._folder
        if child is not None:
            await child.stop(grace_seconds)
            self._last_words = child.last_lines(LOG_LINES_KEPT)
            self._child = None
            self._ended(child.pid)
        if folder is not None:
            self._folder = None
            await asyncio.to_thread(folder.remove)

    def _ended(self, pid: int) -> None:
        """Its process is gone, its folder still there."""

    def _not_started(self, what: str) -> ServerError:
        said = "\n  ".join(self.last_log_lines(LOG_LINES_SHOWN)) or "(nothing)"
        return ServerError(f"{self.title} {what}.", hint=f"The last lines of its log:\n  {said}")

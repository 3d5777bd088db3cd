"""The relay of a worker: a container in whose network namespace the worker lives, with no way out but to the harness.

It is for engines whose networks are not on this machine. `relay.pl` runs in it and speaks to the harness over the
stream that the engine attaches; what it says is understood by `milvus_parity.wire.relay`.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from milvus_parity.model.errors import NotAvailableError
from milvus_parity.runtime.containers.engine import Engine, EngineError
from milvus_parity.runtime.containers.settings import MIB, Limits
from milvus_parity.runtime.containers.streams import STDERR, Attached
from milvus_parity.runtime.pipes import LogTail

PROGRAM = Path(__file__).with_name("relay.pl")
LIMITS = Limits(memory=256 * MIB, cpus=1.0, processes=16, scratch=1 * MIB)
START_SECONDS = 30.0
"""How long it may take to say that it is there; some milliseconds are usual."""


def command() -> tuple[str, ...]:
    """What runs in its container. The program is an argument, since nothing can be written there."""
    return ("perl", "-e", PROGRAM.read_text(encoding="utf-8"))


class Relay:
    """A relay that runs; a `milvus_parity.runtime.base.Channel`. ``stream`` is what the SDK's attach gave."""

    def __init__(self, engine: Engine, container: str, image: str, stream: Any) -> None:
        self.container = container
        self._engine = engine
        self._image = image
        self._loop = asyncio.get_running_loop()
        self._here = asyncio.Event()
        self._gone = asyncio.Event()
        self._log = LogTail()
        self._lock = threading.Lock()
        self._held: list[bytes] = []
        self._told: tuple[Callable[[bytes], None], Callable[[], None]] | None = None
        self._over = False
        self._removed = False
        self._attached = Attached(stream, container[:12], self._came, self._ended)
        self._attached.start()

    async def ready(self) -> None:
        """Wait until it is there. Raises NotAvailableError, having removed it."""
        waits = [asyncio.create_task(event.wait()) for event in (self._here, self._gone)]
        try:
            await asyncio.wait(waits, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if self._here.is_set():
                return
        finally:
            for wait in waits:
                wait.cancel()
        said = self._log.text().strip()
        await self.remove()
        raise NotAvailableError(
            f"The relay that connects a worker with the harness does not start: {said or 'it says nothing'}",
            hint=f"It is a program in Perl, run in the image of the worker ({self._image}). Images made from Debian or "
            "Ubuntu have Perl; name one that has it with MILVUS_PARITY_RELAY_IMAGE.",
        )

    def _came(self, stream: int, piece: bytes) -> None:
        if stream == STDERR:
            self._log.write(piece)
            return
        with self._lock:
            if self._told is None:
                self._held.append(piece)
            else:
                self._told[0](piece)
        self._say(self._here)

    def _ended(self) -> None:
        with self._lock:
            self._over = True
            if self._told is not None:
                self._told[1]()
        self._say(self._gone)

    def _say(self, event: asyncio.Event) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, and with it whoever would wait
            self._loop.call_soon_threadsafe(event.set)

    def attach(self, came: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        """From now on these are told what it writes, from its start on, and that it ended."""
        with self._lock:
            self._told = (came, ended)
            for piece in self._held:
                came(piece)
            self._held.clear()
            if self._over:
                ended()

    def send(self, data: bytes) -> None:
        """Send bytes, without waiting."""
        self._attached.send(data)

    async def ended(self) -> None:
        """Wait until it is gone."""
        await self._gone.wait()

    @property
    def lost(self) -> str | None:
        """What happened, when it ended and nobody had removed it."""
        if self._removed or not self._gone.is_set():
            return None
        said = self._log.text().strip()
        return "The relay of its container ended" + (f": {said.splitlines()[-1]}" if said else ".")

    async def remove(self) -> None:
        """End it and remove its container. Harmless when it is gone."""
        import docker.errors

        self._removed = True

        def work() -> None:
            with contextlib.suppress(docker.errors.APIError):
                self._engine.client.api.remove_container(self.container, force=True, v=True)

        with contextlib.suppress(EngineError):
            await self._engine.ask("removing a relay", work)
        self._attached.close()

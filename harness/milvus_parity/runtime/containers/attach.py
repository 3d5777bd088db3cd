"""A worker in a container, spoken to over the stream that the engine attaches to it."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from milvus_parity.runtime.base import Exit
from milvus_parity.runtime.containers.engine import Engine, EngineError, EngineGoneError
from milvus_parity.runtime.containers.settings import size_words
from milvus_parity.runtime.containers.streams import STDERR, Attached
from milvus_parity.runtime.pipes import LineSplitter, LogTail

if TYPE_CHECKING:
    from milvus_parity.runtime.containers.relay import Relay

PENDING_BYTES = 8 << 20
"""Unread lines beyond which reading stops, so that a worker that floods its output waits instead of filling memory."""

LAST_WORDS_SECONDS = 1.0
"""How long what an ended worker had written may still take to arrive."""

SIGKILL = 137
SIGTERM = 143


class Lines:
    """Lines on their way from the reading thread to the event loop, bounded by their size."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._ended = False
        self._room = threading.Condition()
        self._waiting: asyncio.Future[None] | None = None

    def put(self, lines: list[bytes]) -> None:
        """Add lines; waits while too much is unread. In the reading thread. After the end they are dropped."""
        with self._room:
            self._room.wait_for(lambda: self._bytes < PENDING_BYTES or self._ended)
            if self._ended:
                return
            self._lines.extend(lines)
            self._bytes += sum(map(len, lines))
        self._wake()

    def end(self) -> None:
        """There will be no more. From any thread, and again."""
        with self._room:
            self._ended = True
            self._room.notify_all()
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, and with it whoever would read
            self._loop.call_soon_threadsafe(self._notice)

    def _notice(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def get(self) -> bytes | None:
        """The next line; None at the end."""
        while True:
            with self._room:
                if self._lines:
                    line = self._lines.popleft()
                    self._bytes -= len(line)
                    self._room.notify_all()
                    return line
                if self._ended:
                    return None
                self._waiting = self._loop.create_future()
            await self._waiting


class ContainerConnection:
    """A running worker. ``stream`` is what the SDK's attach gave; its sending side is standard input.

    ``relay`` goes with it; a relay that ends before it takes it along.
    """

    def __init__(
        self,
        engine: Engine,
        container: str,
        stream: Any,
        *,
        memory: int,
        took_one: Callable[[str], bool],
        forget: Callable[[str], None],
        relay: "Relay | None" = None,
    ) -> None:
        self._engine = engine
        self._took_one = took_one
        self.container = container
        self.relay = relay
        self._memory = memory
        self._forget = forget
        self._tail = LogTail()
        self._splitter = LineSplitter()
        self._lines = Lines(asyncio.get_running_loop())
        self._killed = False
        self._removal: asyncio.Task[None] | None = None
        self._exit: asyncio.Task[Exit] | None = None
        self._attached = Attached(stream, container[:12], self._came, self._over)
        self._attached.start()
        self._guard = asyncio.create_task(self._goes_with(relay)) if relay is not None else None

    def _came(self, stream: int, piece: bytes) -> None:
        if stream == STDERR:
            self._tail.write(piece)
        elif lines := self._splitter.feed(piece):
            self._lines.put(lines)

    def _over(self) -> None:
        if rest := self._splitter.end():
            self._lines.put(rest)
        self._lines.end()

    async def _goes_with(self, relay: "Relay") -> None:
        await relay.ended()
        with contextlib.suppress(EngineError):
            await self._engine.ask("ending a worker whose relay ended", self._kill)

    @property
    def logged(self) -> int:
        """How many bytes it has written to standard error so far."""
        return self._tail.written

    def log(self, since: int = 0) -> str:
        """What it wrote to standard error after its first ``since`` bytes, as far as kept."""
        return self._tail.text(since)

    async def send(self, line: bytes) -> None:
        """Send one line."""
        if not self._attached.send(line + b"\n"):
            raise ConnectionResetError("the worker is gone")

    async def receive(self) -> bytes | None:
        """The next line of its standard output; None at the end."""
        return await self._lines.get()

    async def kill(self) -> None:
        """End its container, with all that runs in it."""
        with contextlib.suppress(EngineError):
            if self._exit is None or not self._exit.done():
                await self._engine.ask("ending a worker", self._kill)
            await self.wait()
        if self._removal is not None:
            await asyncio.shield(self._removal)

    def _kill(self) -> None:
        import docker.errors

        self._lines.end()  # an engine does not call a container ended before all that it wrote has been read
        with contextlib.suppress(docker.errors.APIError):  # it ended by itself, or is gone
            self._engine.client.api.kill(self.container)
            self._killed = True

    async def limit_hit(self) -> str | None:
        """The memory limit, when it took one of its processes."""
        with contextlib.suppress(EngineError):
            if await self._engine.ask("asking who was killed", lambda: self._took_one(self.container)):
                return _memory_limit(self._memory)
        return None

    async def wait(self) -> Exit:
        """How it ended. Its container is removed."""
        if self._exit is None:
            self._exit = asyncio.create_task(self._end())
        return await asyncio.shield(self._exit)

    async def _end(self) -> Exit:
        try:
            state = await self._engine.ask("waiting for a worker", self._wait_and_remove)
        except EngineError as error:
            return Exit(lost=str(error))
        finally:
            self._lines.end()
            self._attached.close()
            self._forget(self.container)
            lost = self._let_relay_go()
        return Exit(lost=lost) if lost and self._killed else exit_from(state, killed=self._killed, memory=self._memory)

    def _let_relay_go(self) -> str | None:
        """Have the relay removed; what happened to it, if it had ended before."""
        if self.relay is None or self._guard is None:
            return None
        lost = self.relay.lost
        self._guard.cancel()
        # Later than whoever waits learns of the end: else its executions would seem to have lost their way first.
        self._removal = asyncio.create_task(self.relay.remove())
        return lost

    def _wait_and_remove(self) -> dict[str, Any]:
        import docker.errors

        api = self._engine.client.api
        try:
            api.wait(self.container, timeout=None)
            state = dict(api.inspect_container(self.container)["State"])
        except docker.errors.NotFound:  # somebody else removed it
            return {"ExitCode": SIGKILL}
        # An engine that is going down ends its containers by SIGTERM; nothing else here does.
        if state.get("ExitCode") == SIGTERM and not self._killed and not self._engine.answers():
            raise EngineGoneError("The container engine went down and took a worker with it.")
        with contextlib.suppress(docker.errors.APIError):
            api.remove_container(self.container, force=True, v=True)
        self._attached.join(LAST_WORDS_SECONDS)
        return state


def _memory_limit(size: int) -> str:
    return f"memory limit of {size_words(size)}"


def exit_from(state: dict[str, Any], *, killed: bool, memory: int) -> Exit:
    """How a container ended, from its state. ``killed``: the harness did it, so no limit is to blame."""
    status = int(state.get("ExitCode") or 0)
    if state.get("OOMKilled") and not killed:
        return Exit(status=status, by_limit=_memory_limit(memory))
    return Exit(signal=status - 128) if 128 < status < 128 + 65 else Exit(status=status)

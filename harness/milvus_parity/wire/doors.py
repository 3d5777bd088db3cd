"""The door of one execution: the port at which its clients knock, on this machine or at the far end of a relay."""

import asyncio
import contextlib
import select
import socket
from collections.abc import Callable, Collection
from typing import Protocol

from milvus_parity.wire.sockets import bound, listening
from milvus_parity.wire.tee import Tee

SETTLE_SECONDS = 0.1
"""How long to go on reading what has already been sent before a step changes."""

RETRY_SECONDS = 0.1
"""How long a connection waits when there are no file descriptors left."""


class Door(Protocol):
    """A port that is taken. Its methods belong to the gateway's thread."""

    host: str
    port: int

    def open(self, welcome: Callable[[], Tee], entered: Callable[[Tee], None]) -> None:
        """Accept from now on: each connection gets a tee of its own, which is ``entered`` once its client is there."""

    def quiet(self, tees: Collection[Tee]) -> bool:
        """Whether it is certain that no client has come or sent something that has not been read. In any thread."""

    async def settle(self, tees: Collection[Tee]) -> None:
        """Go on until everything that clients have sent has been read."""

    async def refuse(self) -> None:
        """Refuse whoever comes, and keep the port."""

    async def admit(self) -> None:
        """Accept again."""

    async def felt(self) -> None:
        """Wait until clients can feel what was done to their connections."""

    def shut(self) -> None:
        """Give the port up."""


class LocalDoor:
    """A listening socket of this machine."""

    def __init__(self, loop: asyncio.AbstractEventLoop, listener: socket.socket) -> None:
        self.host, self.port = listener.getsockname()[:2]
        self._loop = loop
        self._listener: socket.socket | None = listener
        self._reserved: socket.socket | None = None
        self._arriving: set[asyncio.Task[None]] = set()
        self._welcome: Callable[[], Tee] | None = None
        self._entered: Callable[[Tee], None] | None = None

    def open(self, welcome: Callable[[], Tee], entered: Callable[[Tee], None]) -> None:
        """Accept from now on."""
        self._welcome, self._entered = welcome, entered
        self._listen()

    def _listen(self) -> None:
        if self._listener is not None:
            self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        assert self._welcome is not None
        while self._listener is not None:
            try:
                client, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                # Out of file descriptors: the connection waits in the backlog until some are free.
                self._loop.remove_reader(self._listener.fileno())
                self._loop.call_later(RETRY_SECONDS, self._listen)
                return
            client.setblocking(False)
            task = self._loop.create_task(self._enter(self._welcome(), client))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    async def _enter(self, tee: Tee, client: socket.socket) -> None:
        assert self._entered is not None
        await self._loop.connect_accepted_socket(lambda: tee.client, client)
        self._entered(tee)

    def quiet(self, tees: Collection[Tee]) -> bool:
        """Whether nothing waits in a socket."""
        return not self._arriving and not self._readable(tees)

    async def settle(self, tees: Collection[Tee]) -> None:
        """Go on until nothing that was sent waits in a socket."""
        end = self._loop.time() + SETTLE_SECONDS
        while self._loop.time() < end:
            if self.quiet(tees):
                return
            await asyncio.sleep(0)

    def _readable(self, tees: Collection[Tee]) -> bool:
        poll = select.poll()
        listener = self._listener
        sockets = [listener] if listener is not None else []
        for tee in tuple(tees):
            half = tee.client
            if half.transport is None:
                return True
            if not half.eof and not half.paused and not half.transport.is_closing():
                sockets.append(half.transport.get_extra_info("socket"))
        for one in sockets:
            descriptor = one.fileno()
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))

    async def refuse(self) -> None:
        """Refuse whoever comes, and keep the port."""
        self._unlisten()
        if self._reserved is None:
            # A bound socket that doesn't listen refuses connections and keeps others from taking the port.
            with contextlib.suppress(OSError):
                self._reserved = bound(self.host, self.port)

    async def admit(self) -> None:
        """Accept again."""
        self._unreserve()
        if self._listener is None:
            self._listener = listening(bound(self.host, self.port))
            self._listen()

    async def felt(self) -> None:
        """On one machine a reset is there when it is sent."""

    def shut(self) -> None:
        """Give the port up."""
        self._unlisten()
        self._unreserve()

    def _unlisten(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()
            self._listener = None

    def _unreserve(self) -> None:
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

"""The harness's end of a relay: where workers cannot reach the gateways, a program beside them takes their connections.

What it accepts, sends and receives goes over one pair of byte streams, in the frames that the program's own file
(runtime/containers/relay.pl) lists. Here each of its connections is a transport like that of a socket: half closed,
held back, reset and refused as if the client stood on this machine.
"""

import asyncio
import contextlib
import itertools
import struct
from collections.abc import Callable, Collection
from typing import Any

from milvus_parity.runtime.base import Channel
from milvus_parity.wire.tee import Tee

HEADER = struct.Struct(">cII")
NUMBER = struct.Struct(">I")

WINDOW = 1 << 18
"""Bytes of a connection that may be under way, in each direction; the program has the same number."""

PIECE = 1 << 16
"""Bytes of one frame at most, so that connections take turns."""

ANSWER_SECONDS = 30.0
"""How long the program may take for an answer; it takes the way there and back."""

LOOPBACK = "127.0.0.1"


class RelayError(Exception):
    """The relay is gone or says no, in its words."""


class Frames:
    """Takes a stream apart: bytes in, (kind, number, content) out."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[tuple[bytes, int, bytes]]:
        """The frames that are whole now."""
        self._rest += data
        frames, at = [], 0
        while len(self._rest) - at >= HEADER.size:
            kind, number, length = HEADER.unpack_from(self._rest, at)
            end = at + HEADER.size + length
            if end > len(self._rest):
                break
            frames.append((kind, number, bytes(self._rest[at + HEADER.size : end])))
            at = end
        del self._rest[:at]
        return frames


def frame(kind: bytes, number: int, content: bytes = b"") -> bytes:
    """One frame."""
    return HEADER.pack(kind, number, len(content)) + content


class RelayLink:
    """One relay, in the thread of ``loop``; only `start` may be called from elsewhere."""

    def __init__(self, channel: Channel, loop: asyncio.AbstractEventLoop) -> None:
        self._channel = channel
        self._loop = loop
        self._frames = Frames()
        self._numbers = itertools.count(1)
        self._asked: dict[tuple[bytes, int], asyncio.Future[bytes]] = {}
        self._doors: dict[int, RelayDoor] = {}
        self._connections: dict[int, RelayTransport] = {}
        self.gone = False

    def start(self) -> None:
        """Listen to it."""
        self._channel.attach(self._from_elsewhere, lambda: self._from_elsewhere(b""))

    def _from_elsewhere(self, data: bytes) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, and with it all connections
            self._loop.call_soon_threadsafe(self._came, data)

    def _came(self, data: bytes) -> None:
        if not data:
            self._end()
        for kind, number, content in self._frames.feed(data):
            if kind == b"o":
                self._accepted(number, NUMBER.unpack(content)[0])
            elif (connection := self._connections.get(number)) is not None and kind in b"dcex":
                connection.heard(kind, content)
            elif (asked := self._asked.pop((kind, number), None)) is not None and not asked.done():
                asked.set_result(content)

    def _accepted(self, number: int, door: int) -> None:
        if door not in self._doors:
            return self.send(b"x", number)
        self._connections[number] = RelayTransport(self, number, self._loop)
        self._doors[door].enter(self._connections[number])
        return None

    def _end(self) -> None:
        self.gone = True
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(RelayError("the relay of a worker ended"))
        for connection in list(self._connections.values()):
            connection.heard(b"x", b"")

    def send(self, kind: bytes, number: int, content: bytes = b"") -> None:
        """Send a frame; nothing happens once the relay is gone."""
        if not self.gone:
            self._channel.send(frame(kind, number, content))

    async def ask(self, kind: bytes, number: int) -> bytes:
        """Ask and wait for the answer. Raises RelayError."""
        if self.gone:
            raise RelayError("the relay of a worker is gone")
        answer: asyncio.Future[bytes] = self._loop.create_future()
        self._asked[kind, number] = answer
        self.send(kind, number)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await answer
        except TimeoutError:
            raise RelayError(f"the relay of a worker did not answer within {ANSWER_SECONDS:g} s") from None
        finally:
            self._asked.pop((kind, number), None)

    async def settle(self) -> None:
        """Wait until all that clients have sent so far has come, and all that was done here has been felt there."""
        with contextlib.suppress(RelayError):  # of one that is gone nothing will come
            await self.ask(b"y", next(self._numbers))

    async def door(self) -> "RelayDoor":
        """Take a port. Raises RelayError."""
        number = next(self._numbers)
        said = (await self.ask(b"l", number)).decode("utf-8", "replace")
        if not said.isdigit():
            raise RelayError(said)
        return RelayDoor(self, number, int(said))

    def opened(self, number: int, door: "RelayDoor") -> None:
        """From now on somebody sees to the connections of a door."""
        self._doors[number] = door

    def closed(self, number: int) -> None:
        """Nobody does any more."""
        self._doors.pop(number, None)
        self.send(b"s", number)

    def forget(self, number: int) -> None:
        """A connection is over."""
        self._connections.pop(number, None)


class RelayDoor:
    """A `Door` at the far end of a relay."""

    host = LOOPBACK

    def __init__(self, link: RelayLink, number: int, port: int) -> None:
        self.port = port
        self._link = link
        self._number = number
        self._welcome: Callable[[], Tee] | None = None
        self._entered: Callable[[Tee], None] | None = None

    def open(self, welcome: Callable[[], Tee], entered: Callable[[Tee], None]) -> None:
        """Accept from now on."""
        self._welcome, self._entered = welcome, entered
        self._link.opened(self._number, self)

    def enter(self, transport: "RelayTransport") -> None:
        """A client has come."""
        assert self._welcome is not None
        assert self._entered is not None
        tee = self._welcome()
        transport.join(tee.client)
        self._entered(tee)

    def quiet(self, tees: Collection[Tee]) -> bool:  # noqa: ARG002 - nobody can tell without asking the relay
        """Nothing is certain from here."""
        return False

    async def settle(self, tees: Collection[Tee]) -> None:  # noqa: ARG002 - the relay knows its connections
        """Wait until all that clients have sent has come."""
        await self._link.settle()

    async def refuse(self) -> None:
        """Refuse whoever comes, and keep the port."""
        with contextlib.suppress(RelayError):
            await self._link.ask(b"r", self._number)

    async def admit(self) -> None:
        """Accept again."""
        with contextlib.suppress(RelayError):
            await self._link.ask(b"a", self._number)

    async def felt(self) -> None:
        """Wait until all that was sent there is there."""
        await self._link.settle()

    def shut(self) -> None:
        """Give the port up."""
        self._link.closed(self._number)


class RelayTransport(asyncio.Transport):
    """One connection of a relay, for a protocol that reads into a buffer of its own."""

    def __init__(self, link: RelayLink, number: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._link = link
        self._number = number
        self._loop = loop
        self._protocol: Any = None
        self._out = bytearray()
        self._credit = WINDOW
        self._high, self._low = WINDOW, WINDOW // 4
        self._held_back = False
        self._held: list[bytes] = []
        self._taken = 0
        self._reading = True
        self._ended = False
        self._eof = False
        self._closing = False
        self._over = False

    def join(self, protocol: asyncio.BufferedProtocol) -> None:
        """Give it to its protocol."""
        self._protocol = protocol
        protocol.connection_made(self)

    def heard(self, kind: bytes, content: bytes) -> None:
        """The relay said something of it."""
        if kind == b"x":
            self._lose(ConnectionResetError("connection reset by peer"))
        elif kind == b"c":
            self._credit += NUMBER.unpack(content)[0]
            self._flush()
        else:
            self._held.append(content if kind == b"d" else b"")
            self._deliver()

    def _deliver(self) -> None:
        """Hand on what came; an empty piece is the end."""
        while self._held and self._reading and not self._closing:
            data = self._held.pop(0)
            if not data:
                self._ended = True
                if not self._protocol.eof_received():
                    self.close()
                return
            view = memoryview(data)
            while view:
                buffer = self._protocol.get_buffer(len(view))
                size = min(len(buffer), len(view))
                buffer[:size] = view[:size]
                view = view[size:]
                self._protocol.buffer_updated(size)
            self._taken += len(data)
            if self._taken > WINDOW // 4 and not self._closing:
                self._link.send(b"c", self._number, NUMBER.pack(self._taken))
                self._taken = 0

    def pause_reading(self) -> None:
        """Hand on nothing more; what the window allows still comes."""
        self._reading = False

    def resume_reading(self) -> None:
        """Go on."""
        self._reading = True
        self._loop.call_soon(self._deliver)

    def is_reading(self) -> bool:
        """Whether it hands on what comes."""
        return self._reading and not self._closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """When the protocol is told to pause and to go on, in bytes that wait."""
        self._high = WINDOW if high is None else high
        self._low = self._high // 4 if low is None else low

    def get_write_buffer_size(self) -> int:
        """Bytes that wait."""
        return len(self._out)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, as soon as there is room."""
        if self._closing or self._eof:
            return
        self._out += data
        self._flush()
        if len(self._out) > self._high and not self._held_back:
            self._held_back = True
            self._protocol.pause_writing()

    def _flush(self) -> None:
        while self._out and self._credit:
            piece = bytes(self._out[: min(PIECE, self._credit)])
            del self._out[: len(piece)]
            self._credit -= len(piece)
            self._link.send(b"d", self._number, piece)
        if self._held_back and len(self._out) <= self._low:
            self._held_back = False
            self._protocol.resume_writing()
        if not self._out and self._closing and not self._over:
            self._link.send(b"q", self._number)
            self._lose(None)
        elif not self._out and self._eof:
            self._link.send(b"e", self._number)
            self._eof = False

    def can_write_eof(self) -> bool:
        """It can be half closed."""
        return True

    def write_eof(self) -> None:
        """Say that no more will come, after what waits."""
        if not self._closing:
            self._eof = True
            self._flush()

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self._closing

    def close(self) -> None:
        """Close it after what waits to be sent."""
        if not self._closing:
            self._closing = True
            self._flush()

    def abort(self) -> None:
        """Reset it at once."""
        if not self._over:
            self._link.send(b"x", self._number)
            self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        if self._over:
            return
        self._closing = self._over = True
        self._out.clear()
        self._held.clear()
        self._link.forget(self._number)
        self._loop.call_soon(self._protocol.connection_lost, error)

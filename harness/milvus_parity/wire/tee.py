"""One connection through the gateway: a tee of two byte streams.

Nothing is parsed here and no byte is held back for the record's sake: what arrives is appended to a list and sent on.
That is why every method, stream, compression, deadline and cancellation of every gRPC library goes through unchanged.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Protocol

from milvus_parity.wire.decode import Side

HIGH_WATER = 256 * 1024
"""Bytes that may wait for one side before the other side isn't read any more."""

BUFFER_BYTES = 128 * 1024
"""Bytes that are read at once."""

_NO_LINGER = struct.pack("ii", 1, 0)


class Tape(Protocol):
    """Where the bytes of one connection are noted."""

    def note(self, side: Side, data: bytes) -> None:
        """Note that ``data`` passed now. Must not raise."""

    def lost(self, why: str) -> None:
        """Note that the connection ended and who ended it. Must not raise."""


class Tee:
    """Two transports joined; ``ended`` is called once, when both are gone.

    ``buffer`` may be shared by all tees of a loop: what was read into it is copied before the loop goes on.
    """

    def __init__(self, tape: Tape | None, ended: Callable[["Tee"], None], buffer: bytearray) -> None:
        self.client = _Half(self, Side.CLIENT, buffer)
        self.server = _Half(self, Side.SERVER, buffer)
        self.muted = False
        self.connecting: asyncio.Task[None] | None = None
        self._tape = tape
        self._ended = ended
        self._early: list[bytes] = []  # what the client sent before the upstream was connected
        self._early_bytes = 0
        self._over = False

    def passed(self, half: "_Half", data: bytes) -> None:
        """Send on what one side sent."""
        if self.muted and half.side is Side.SERVER:
            return
        if self._tape is not None:
            self._tape.note(half.side, data)
        if self.muted:
            return
        other = self._other(half)
        if other.transport is not None:
            other.transport.write(data)
        else:
            self._early.append(data)
            self._early_bytes += len(data)
            if self._early_bytes > HIGH_WATER:
                half.pause()

    def connected(self, half: "_Half") -> None:
        """A side is there. What waited for the upstream goes to it first."""
        assert half.transport is not None
        if half.side is Side.CLIENT:
            if self._over:
                reset(half.transport)
        else:
            if self.muted:
                return
            self.client.resume()  # before the writes, which may pause it again
            for data in self._early:
                half.transport.write(data)
            self._early.clear()
            if self._over:
                half.transport.close()
            elif self.client.eof:
                half.finish()

    def half_closed(self, half: "_Half") -> None:
        """One side sends no more; the other may still answer."""
        if self.muted:
            return
        other = self._other(half)
        if not other.eof:
            other.finish()
        else:
            # Both have said all; what waits to be written is written first.
            for done in (half, other):
                if done.transport is not None:
                    done.transport.close()

    def lost(self, half: "_Half", error: Exception | None) -> None:
        """One side is gone: so goes the other, the same way."""
        if self._over:
            return
        self._over = True
        if self._tape is not None:
            self._tape.lost(f"connection {'reset' if error else 'closed'} by the {half.side.value}")
        other = self._other(half)
        if self.connecting is not None and (error is not None or not self._early):
            self.connecting.cancel()
        if other.transport is not None:
            if error is None and not self.muted:
                other.transport.close()
            else:
                reset(other.transport)
        self._ended(self)

    def mute(self) -> None:
        """Swallow everything from now on."""
        self.muted = True
        self._early.clear()
        self.client.resume()

    def cut(self, why: str) -> None:
        """Reset both sides."""
        if self._over:
            return
        self._over = True
        if self.connecting is not None:
            self.connecting.cancel()
        if self._tape is not None:
            self._tape.lost(why)
        for half in (self.client, self.server):
            if half.transport is not None:
                reset(half.transport)
        self._ended(self)

    def _other(self, half: "_Half") -> "_Half":
        return self.server if half is self.client else self.client


class _Half(asyncio.BufferedProtocol):
    """One side's connection.

    It reads into a buffer because the other kind of protocol allocates 256 KiB for each read; where the allocator takes
    that from the kernel each time, it costs 20 to 40 µs: more than all the rest of passing a small call on.
    """

    def __init__(self, tee: Tee, side: Side, buffer: bytearray) -> None:
        self.side = side
        self.transport: asyncio.Transport | None = None
        self.eof = False
        self.paused = False
        self._tee = tee
        self._view = memoryview(buffer)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self._tee.connected(self)

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        self._tee.passed(self, bytes(self._view[:nbytes]))

    def eof_received(self) -> bool:
        self.eof = True
        self._tee.half_closed(self)
        tls = self.transport is not None and self.transport.get_extra_info("ssl_object") is not None
        return not tls

    def connection_lost(self, exc: Exception | None) -> None:
        self._tee.lost(self, exc)

    def pause_writing(self) -> None:
        self._tee._other(self).pause()

    def resume_writing(self) -> None:
        self._tee._other(self).resume()

    def pause(self) -> None:
        """Read no more until the other side has taken what waits for it."""
        self.paused = True
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self) -> None:
        self.paused = False
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def finish(self) -> None:
        """Send no more to this side; close it where the transport (TLS) can't be half closed."""
        if self.transport is None or self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()


def reset(transport: asyncio.Transport) -> None:
    """Close at once with a TCP reset."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()

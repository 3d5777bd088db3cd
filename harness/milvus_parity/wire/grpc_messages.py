"""Takes gRPC messages out of the bytes of a stream, keeping of a large one its head, size and hash.

Pure: no I/O. A message on the wire is a flag byte (1: compressed), four bytes of length, and the body.
"""

import hashlib
from dataclasses import dataclass

KEEP_BYTES = 16 * 1024
"""Bytes that are kept of one message. Recording large inserts whole would cost hundreds of megabytes."""

KEEP_MESSAGES = 16
"""Messages that are kept of one direction of one stream; a longer stream is counted on."""

_PREFIX = 5


@dataclass(frozen=True, slots=True)
class WireMessage:
    """One message as it was on the wire.

    ``head`` holds at most ``KEEP_BYTES`` of it; ``sha256`` (hex) is set when that isn't all. ``size`` is the length
    that the prefix announced, in bytes; ``received`` how many of them came.
    """

    head: bytes
    size: int
    received: int
    compressed: bool = False
    sha256: str | None = None

    @property
    def whole(self) -> bool:
        """Whether ``head`` is the complete message."""
        return len(self.head) == self.size


class MessageReader:
    """Reads the messages of one direction of one stream, from pieces of any length."""

    __slots__ = ("_body", "_compressed", "_hash", "_keep", "_prefix", "_received", "_size", "count", "kept", "size")

    def __init__(self, keep: int = KEEP_BYTES) -> None:
        self.kept: list[WireMessage] = []
        self.count = 0
        self.size = 0
        self._keep = keep
        self._prefix = bytearray()
        self._body = bytearray()
        self._size = -1  # of the message being read; -1 between messages
        self._received = 0
        self._compressed = False
        self._hash: hashlib._Hash | None = None

    def feed(self, data: bytes | memoryview) -> None:
        """Take the next bytes; never raises."""
        view = memoryview(data)
        while view.nbytes:
            if self._size < 0:
                missing = _PREFIX - len(self._prefix)
                self._prefix += view[:missing]
                view = view[missing:]
                if len(self._prefix) < _PREFIX:
                    return
                self._begin()
            else:
                missing = self._size - self._received
                self._take(view[:missing])
                view = view[missing:]
            if self._received == self._size:
                self._end()

    def close(self) -> None:
        """Keep a message that was cut off as far as it came."""
        if self._size >= 0:
            self._end()

    def _begin(self) -> None:
        self._compressed = bool(self._prefix[0] & 1)
        self._size = int.from_bytes(self._prefix[1:], "big")
        self._prefix.clear()
        self._received = 0
        self._hash = hashlib.sha256() if self._size > self._keep else None
        self.count += 1
        self.size += self._size

    def _take(self, view: memoryview) -> None:
        self._received += view.nbytes
        if self._hash is not None:
            self._hash.update(view)
        room = self._keep - len(self._body)
        if room > 0 and len(self.kept) < KEEP_MESSAGES:
            self._body += view[:room]

    def _end(self) -> None:
        if len(self.kept) < KEEP_MESSAGES:
            self.kept.append(
                WireMessage(
                    head=bytes(self._body),
                    size=self._size,
                    received=self._received,
                    compressed=self._compressed,
                    sha256=None if self._hash is None else self._hash.hexdigest(),
                )
            )
        self._size = -1
        self._received = 0
        self._hash = None
        self._body.clear()

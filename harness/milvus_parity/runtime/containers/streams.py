"""The stream that the engine attaches to a container: what it writes, and what is sent to its standard input.

The engine sends standard output and standard error over one connection, in frames with an 8-byte header. A thread reads
them and another sends: the SDK's sockets are of several kinds (Unix, TLS, ssh), which have only blocking calls in
common.
"""

import contextlib
import struct
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

HEADER = struct.Struct(">BxxxL")
STDOUT, STDERR = 1, 2
READ_BYTES = 1 << 16


class Frames:
    """Takes the engine's frames apart: bytes in, (stream, bytes) out; a frame need not be whole to be passed on."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._stream = 0
        self._left = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The pieces in the next bytes."""
        pieces = []
        at = 0
        while at < len(data):
            if self._left:
                piece = data[at : at + self._left]
                pieces.append((self._stream, piece))
                self._left -= len(piece)
                at += len(piece)
                continue
            wanted = HEADER.size - len(self._header)
            self._header += data[at : at + wanted]
            at += wanted
            if len(self._header) == HEADER.size:
                self._stream, self._left = HEADER.unpack(self._header)
                self._header.clear()
        return pieces


class Attached:
    """``stream`` is what the SDK's attach gave. ``came`` is told each piece with the stream it is from, ``ended`` the
    end, both in the reading thread; a ``came`` that waits holds the container back."""

    def __init__(self, stream: Any, name: str, came: Callable[[int, bytes], None], ended: Callable[[], None]) -> None:
        self._stream = stream
        self._socket = getattr(stream, "_sock", stream)
        self._came = came
        self._ended = ended
        self._out: deque[bytes] = deque()
        self._to_send = threading.Condition()
        self._closed = False
        self._reader = threading.Thread(target=self._read, name=f"read-{name}", daemon=True)
        self._writer = threading.Thread(target=self._write, name=f"write-{name}", daemon=True)

    def start(self) -> None:
        """Begin; not before who is told is ready for it."""
        self._reader.start()
        self._writer.start()

    def _read(self) -> None:
        frames = Frames()
        receive = getattr(self._socket, "recv", None) or self._stream.read
        with contextlib.suppress(OSError, ValueError):  # closed under the read
            while data := receive(READ_BYTES):
                for stream, piece in frames.feed(data):
                    self._came(stream, piece)
        self.stop_sending()
        self._ended()

    def _write(self) -> None:
        send = getattr(self._socket, "sendall", None) or self._stream.write
        with contextlib.suppress(OSError, ValueError):
            while True:
                with self._to_send:
                    self._to_send.wait_for(lambda: self._out or self._closed)
                    if self._closed:
                        break
                    data = b"".join(self._out)
                    self._out.clear()
                send(data)
        self.stop_sending()

    def send(self, data: bytes) -> bool:
        """Send bytes, without waiting; whether there was anybody to send them to."""
        with self._to_send:
            if self._closed:
                return False
            self._out.append(data)
            self._to_send.notify_all()
            return True

    def stop_sending(self) -> None:
        """Nothing is sent any more. From any thread, and again."""
        with self._to_send:
            self._closed = True
            self._to_send.notify_all()

    def join(self, seconds: float) -> None:
        """Wait until all has come, ``seconds`` at most."""
        self._reader.join(seconds)

    def close(self) -> None:
        """Let go of it."""
        self.stop_sending()
        with contextlib.suppress(OSError, ValueError):
            self._stream.close()

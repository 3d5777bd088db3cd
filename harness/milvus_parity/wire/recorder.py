"""Turns the noted bytes of one execution into recorded calls, away from the loop that moves the bytes.

Each connection's pieces go onto a tape. A tape that grows is decoded in the background, so memory stays bounded however
much an execution sends; what is left is decoded at the end. A fault in here is a problem of the recording, told in
words; the bytes have long gone on.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future

from milvus_parity.model.wire import RecordedCall, Recording
from milvus_parity.wire.decode import ConnectionDecoder, Side, WireCall

FLUSH_BYTES = 256 * 1024
"""Noted bytes of an execution after which decoding starts before its end."""

MAX_PENDING = 160 * 1024 * 1024
"""Noted bytes that may wait; beyond, the recording of that execution is given up (two messages of 64 MiB fit)."""

PIECE_BYTES = 250
"""What a piece costs beside its content: small calls are many pieces of some bytes."""

MAX_CALLS = 5_000
"""Calls that are kept of one execution; a program that goes round in circles must not fill the memory."""

YIELD_SECONDS = 50e-6
"""Pause of the decoding thread after some calls. Without it, the thread that moves the bytes waits up to 5 ms for the
interpreter's lock at each piece: calls at 8 at once took 12 ms instead of 4 while something was decoded."""

CALLS_BETWEEN_PAUSES = 4
"""A call takes 0.2 ms to decode, so bytes wait for less than a millisecond."""

Convert = Callable[[WireCall, int], RecordedCall]
"""Makes the record of a call of the connection with that index."""

Piece = tuple["_Tape", Side | str, bytes, float, int | None]


class Recorder:
    """Records one execution. Its tapes are written, and ``step`` is set, in the gateway's thread."""

    def __init__(self, executor: Executor, convert: Convert, *, max_pending: int = MAX_PENDING) -> None:
        self.step: int | None = None
        self._opened = time.monotonic()
        self._executor = executor
        self._convert = convert
        self._max_pending = max_pending
        self._pieces: list[Piece] = []
        self._bytes = 0
        self._handed_over = 0
        self._lock = threading.Lock()  # guards _handed_over, which both threads change
        self._decoding: Future[None] | None = None
        self._tapes: list[_Tape] = []
        self._calls: list[RecordedCall] = []
        self._dropped = 0
        self._problem: str | None = None

    def tape(self) -> "_Tape":
        """Begin a connection."""
        tape = _Tape(self, len(self._tapes))
        self._tapes.append(tape)
        return tape

    def finish(self) -> Recording:
        """Decode what is left and return the calls. Call it in the executor's stead, not in the gateway's thread."""
        if self._decoding is not None:
            self._decoding.result()
        self._decode(self._pieces)
        self._pieces = []
        for tape in self._tapes:
            self._keep(tape, tape.decoder.close("address closed", at=None))
            if tape.decoder.problem is not None and self._problem is None:
                self._problem = f"connection {tape.index}: {tape.decoder.problem}"
        if self._dropped and self._problem is None:
            total = len(self._calls) + self._dropped
            self._problem = f"only the first {len(self._calls)} of {total} calls were kept"
        calls = sorted(self._calls, key=lambda call: (call.started, call.connection, call.stream))
        return Recording(calls=tuple(calls), problem=self._problem, connections=len(self._tapes))

    def add(self, tape: "_Tape", what: Side | str, data: bytes) -> None:
        """Note one piece: bytes of a side, or why the connection ended."""
        if self._problem is not None:
            return
        self._pieces.append((tape, what, data, time.monotonic() - self._opened, self.step))
        self._bytes += len(data) + PIECE_BYTES
        if self._bytes < FLUSH_BYTES:
            return
        if self._decoding is None or self._decoding.done():
            pieces, self._pieces = self._pieces, []
            with self._lock:
                self._handed_over = self._bytes
            self._bytes = 0
            self._decoding = self._executor.submit(self._decode, pieces)
        elif self._bytes + self._handed_over > self._max_pending:
            self._problem = f"more than {self._max_pending} bytes waited to be decoded"
            self._pieces.clear()

    def _decode(self, pieces: list[Piece]) -> None:
        for tape, what, data, at, step in pieces:
            if isinstance(what, Side):
                tape.decoder.feed(what, data, at=at, step=step)
                ended = tape.decoder.take_ended()
            else:
                ended = tape.decoder.close(what, at=at)
            if ended:
                self._keep(tape, ended)
            with self._lock:
                self._handed_over -= len(data) + PIECE_BYTES

    def _keep(self, tape: "_Tape", ended: list[WireCall]) -> None:
        for call in ended:
            if len(self._calls) >= MAX_CALLS:
                self._dropped += 1
                continue
            try:
                self._calls.append(self._convert(call, tape.index))
            except Exception as error:  # a fault of the recorder must never become one of the run
                self._problem = self._problem or f"the recorder failed on a call: {type(error).__name__}: {error}"
            if len(self._calls) % CALLS_BETWEEN_PAUSES == 0:
                time.sleep(YIELD_SECONDS)


class _Tape:
    """The pieces of one connection."""

    __slots__ = ("_recorder", "decoder", "index")

    def __init__(self, recorder: Recorder, index: int) -> None:
        self.index = index
        self.decoder = ConnectionDecoder()
        self._recorder = recorder

    def note(self, side: Side, data: bytes) -> None:
        self._recorder.add(self, side, data)

    def lost(self, why: str) -> None:
        self._recorder.add(self, why, b"")

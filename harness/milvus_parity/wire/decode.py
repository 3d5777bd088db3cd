"""Reads calls out of the two byte streams of one HTTP/2 connection.

Pure: bytes in, calls out. It never raises on what it is fed. When it can't go on it says why in ``problem`` and ignores
the rest: a header block that was missed makes every later one of that direction unreadable, so there is no half-reading
on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

import hpack
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
)

from milvus_parity.wire.grpc_messages import MessageReader

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""First bytes of every HTTP/2 client (RFC 9113, 3.4)."""

MAX_CONTROL_FRAME = 1 << 20
"""A frame other than DATA that claims to be longer (bytes) means that the reading is out of step, or is no HTTP/2."""

MAX_HEADER_LIST = 1 << 20
"""Bytes of one decoded header list."""

_FRAME_HEADER = 9
_DATA = 0
_PADDED = 0x08

_ERRORS = (
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
)

Headers = tuple[tuple[bytes, bytes], ...]


class Side(Enum):
    """Who sent the bytes."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(slots=True)
class WireCall:
    """One stream: what the client asked and what came back. ``at`` values are seconds on the caller's clock."""

    stream: int
    headers: Headers
    step: int | None
    started: float
    ended: float | None = None
    request: MessageReader = field(default_factory=MessageReader)
    response: MessageReader = field(default_factory=MessageReader)
    response_headers: Headers = ()
    trailers: Headers = ()
    reset: str | None = None


class _OutOfStepError(Exception):
    """The bytes can't be read on; the text says why."""


class _Direction:
    """Splits one direction into frames; a DATA frame is handed on piece by piece, however long it is."""

    __slots__ = ("_buffer", "_data_flags", "_data_left", "_data_stream", "_pad", "block", "hpack")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._data_left = 0  # bytes of content of the DATA frame being read
        self._data_stream = 0
        self._data_flags: set[str] = set()
        self._pad = 0
        self.hpack = hpack.Decoder(max_header_list_size=MAX_HEADER_LIST)
        self.block: tuple[Frame, bytearray] | None = None

    def feed(self, data: bytes) -> Iterator[tuple[Frame, bytes]]:
        """Yield frames with their content; a long DATA frame comes as several, only the last one with END_STREAM."""
        buffer = self._buffer
        buffer += data
        position = 0
        try:
            while True:
                if self._data_left or self._pad:
                    position, piece = self._data_piece(position)
                    if piece is None:
                        return
                    yield piece
                    continue
                if len(buffer) - position < _FRAME_HEADER:
                    return
                header = bytes(buffer[position : position + _FRAME_HEADER])
                frame, length = Frame.parse_frame_header(memoryview(header), strict=False)
                start = position + _FRAME_HEADER
                if header[3] == _DATA:
                    padded = header[4] & _PADDED
                    if padded and len(buffer) <= start:
                        return
                    self._pad = buffer[start] if padded else 0
                    self._data_left = length - (1 + self._pad if padded else 0)
                    if self._data_left < 0:
                        raise _OutOfStepError("a DATA frame has more padding than content")
                    self._data_stream = frame.stream_id
                    self._data_flags = set(frame.flags)
                    position = start + (1 if padded else 0)
                    if not self._data_left and not self._pad:
                        yield frame, b""
                    continue
                if length > MAX_CONTROL_FRAME:
                    raise _OutOfStepError(f"a frame of type {header[3]} claims {length} bytes")
                if len(buffer) - start < length:
                    return
                body = bytes(buffer[start : start + length])
                frame.parse_body(memoryview(body))
                position = start + length
                yield frame, body
        finally:
            del buffer[:position]

    def _data_piece(self, position: int) -> tuple[int, tuple[Frame, bytes] | None]:
        available = len(self._buffer) - position
        if not available:
            return position, None
        taken = min(available, self._data_left)
        content = bytes(self._buffer[position : position + taken])
        self._data_left -= taken
        position += taken
        if self._data_left:
            return position, (DataFrame(self._data_stream), content)
        skipped = min(available - taken, self._pad)
        self._pad -= skipped
        position += skipped
        frame = DataFrame(self._data_stream)
        if not self._pad and "END_STREAM" in self._data_flags:
            frame.flags.add("END_STREAM")
        return position, (frame, content)


class ConnectionDecoder:
    """Reads one connection. Feed it both directions in the order in which they passed; take calls as they end."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self._preface = bytearray()
        self._open: dict[int, WireCall] = {}
        self._ended: list[WireCall] = []
        self._last_stream: int | None = None
        self._directions = {Side.CLIENT: _Direction(), Side.SERVER: _Direction()}

    def feed(self, side: Side, data: bytes, *, at: float, step: int | None = None) -> None:
        """Take bytes that ``side`` sent, which passed ``at`` that time while ``step`` was the current one."""
        if self.problem is not None:
            return
        try:
            if side is Side.CLIENT and len(self._preface) < len(PREFACE):
                data = self._after_preface(data)
            for frame, content in self._directions[side].feed(data):
                self._frame(side, frame, content, at, step)
        except _OutOfStepError as error:
            self.problem = f"what the {side.value} sent can't be read as HTTP/2: {error}"
        except (HyperframeError, hpack.HPACKError) as error:
            self.problem = f"what the {side.value} sent can't be read as HTTP/2: {type(error).__name__}: {error}"
        except Exception as error:  # a fault of the reader must never become one of the run
            self.problem = f"the recorder failed on what the {side.value} sent: {type(error).__name__}: {error}"

    def take_ended(self) -> list[WireCall]:
        """Return calls that ended since the last time, in the order in which they ended."""
        ended, self._ended = self._ended, []
        return ended

    def close(self, why: str | None = "connection lost", *, at: float | None = None) -> list[WireCall]:
        """Return what is left, calls without an end included; ``why`` becomes their ``reset``."""
        for call in list(self._open.values()):
            goaway = self._last_stream is not None and call.stream > self._last_stream
            call.reset = call.reset or ("server GOAWAY" if goaway else why)
            self._end(call, at)
        return self.take_ended()

    def _after_preface(self, data: bytes) -> bytes:
        missing = len(PREFACE) - len(self._preface)
        self._preface += data[:missing]
        if not PREFACE.startswith(self._preface):
            shown = bytes(self._preface[:12])
            raise _OutOfStepError(f"it begins with {shown!r}")
        return data[missing:]

    def _frame(self, side: Side, frame: Frame, content: bytes, at: float, step: int | None) -> None:
        direction = self._directions[side]
        if direction.block is not None and not isinstance(frame, ContinuationFrame):
            raise _OutOfStepError("a header block is interrupted by another frame")
        if isinstance(frame, DataFrame):
            self._data(side, frame, content, at)
        elif isinstance(frame, HeadersFrame | PushPromiseFrame):
            self._block(side, frame, bytearray(frame.data), "END_HEADERS" in frame.flags, at, step)
        elif isinstance(frame, ContinuationFrame):
            if direction.block is None:
                raise _OutOfStepError("a header block is continued that was never begun")
            begun, block = direction.block
            block += frame.data
            if len(block) > MAX_CONTROL_FRAME:
                raise _OutOfStepError(f"a header block is longer than {MAX_CONTROL_FRAME} bytes")
            self._block(side, begun, block, "END_HEADERS" in frame.flags, at, step)
        elif isinstance(frame, RstStreamFrame):
            call = self._open.get(frame.stream_id)
            if call is not None:
                # A server may reset with NO_ERROR after a complete answer (RFC 9113, 8.1).
                call.reset = f"{side.value} {error_name(frame.error_code)}"
                self._end(call, at)
        elif isinstance(frame, SettingsFrame):
            size = frame.settings.get(SettingsFrame.HEADER_TABLE_SIZE)
            if size is not None:
                other = self._directions[Side.SERVER if side is Side.CLIENT else Side.CLIENT].hpack
                other.max_allowed_table_size = max(other.max_allowed_table_size, size)
        elif isinstance(frame, GoAwayFrame) and side is Side.SERVER:
            self._last_stream = frame.last_stream_id

    def _block(self, side: Side, frame: Frame, block: bytearray, complete: bool, at: float, step: int | None) -> None:
        direction = self._directions[side]
        if not complete:
            direction.block = (frame, block)
            return
        direction.block = None
        headers: Headers = tuple(direction.hpack.decode(bytes(block), raw=True))
        if isinstance(frame, PushPromiseFrame):
            return
        call = self._open.get(frame.stream_id)
        ends = "END_STREAM" in frame.flags
        if side is Side.CLIENT:
            if call is None:
                self._open[frame.stream_id] = WireCall(frame.stream_id, headers, step, at)
            return
        if call is None:
            return
        if ends:
            call.trailers = headers
            self._end(call, at)
        elif not any(name == b":status" and value.startswith(b"1") for name, value in headers):
            call.response_headers = headers

    def _data(self, side: Side, frame: DataFrame, content: bytes, at: float) -> None:
        call = self._open.get(frame.stream_id)
        if call is None:
            return
        (call.request if side is Side.CLIENT else call.response).feed(content)
        if side is Side.SERVER and "END_STREAM" in frame.flags:
            self._end(call, at)

    def _end(self, call: WireCall, at: float | None) -> None:
        call.ended = at
        call.request.close()
        call.response.close()
        self._open.pop(call.stream, None)
        self._ended.append(call)


def error_name(code: int) -> str:
    """Name of an HTTP/2 error code (RFC 9113, 7)."""
    return _ERRORS[code] if 0 <= code < len(_ERRORS) else f"error {code}"

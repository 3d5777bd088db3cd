"""Peers for the gateway and scripts of HTTP/2 connections, some of which misbehave on purpose."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from milvus_parity.wire.decode import PREFACE, ConnectionDecoder, Side, WireCall
from milvus_parity.wire.gateway import RecordingGateways, Upstream

T = TypeVar("T")

DROP = "/milvus.proto.milvus.MilvusService/DropPartition"


def run(work: Coroutine[Any, Any, T], seconds: float = 60) -> T:
    """Run a test's coroutine; one that hangs fails."""

    async def limited() -> T:
        async with asyncio.timeout(seconds):
            return await work

    return asyncio.run(limited())


def message(body: bytes, *, compressed: bool = False) -> bytes:
    """A gRPC message as it is on the wire."""
    return struct.pack(">BI", compressed, len(body)) + body


class Script:
    """Both directions of one connection, written frame by frame: a list of (side, bytes)."""

    def __init__(self) -> None:
        self.pieces: list[tuple[Side, bytes]] = [(Side.CLIENT, PREFACE)]
        self.encoders = {Side.CLIENT: Encoder(), Side.SERVER: Encoder()}
        self.frame(Side.CLIENT, SettingsFrame(0))
        self.frame(Side.SERVER, SettingsFrame(0))

    def frame(self, side: Side, *frames: Frame) -> None:
        self.pieces.append((side, b"".join(frame.serialize() for frame in frames)))

    def headers(
        self,
        side: Side,
        stream: int,
        headers: Iterable[tuple[str, str]],
        *,
        end: bool = False,
        split: int = 0,
        pad: int = 0,
    ) -> None:
        block = self.encoders[side].encode(list(headers))
        first, rest = (block[:split], block[split:]) if split else (block, b"")
        frame = HeadersFrame(stream, data=first, pad_length=pad)
        if pad:
            frame.flags.add("PADDED")
        if end:
            frame.flags.add("END_STREAM")
        frames: list[Frame] = [frame]
        if split:
            half = len(rest) // 2
            frames += [ContinuationFrame(stream, data=rest[:half]), ContinuationFrame(stream, data=rest[half:])]
        frames[-1].flags.add("END_HEADERS")
        self.frame(side, *frames)

    def data(self, side: Side, stream: int, body: bytes, *, end: bool = False, pad: int = 0) -> None:
        frame = DataFrame(stream, data=body, pad_length=pad)
        if pad:
            frame.flags.add("PADDED")
        if end:
            frame.flags.add("END_STREAM")
        self.frame(side, frame)

    def request(
        self, stream: int, path: str = DROP, body: bytes = b"", extra: Iterable[tuple[str, str]] = (), **how: Any
    ) -> None:
        headers = [(":method", "POST"), (":path", path), ("content-type", "application/grpc"), *extra]
        self.headers(Side.CLIENT, stream, headers, **how)
        self.data(Side.CLIENT, stream, message(body), end=True)

    def answer(self, stream: int, body: bytes = b"", status: str = "0", text: str = "") -> None:
        self.headers(Side.SERVER, stream, [(":status", "200"), ("content-type", "application/grpc")])
        self.data(Side.SERVER, stream, message(body))
        self.headers(Side.SERVER, stream, [("grpc-status", status), ("grpc-message", text)], end=True)

    def ping(self) -> None:
        self.frame(Side.CLIENT, PingFrame(0, opaque_data=b"12345678"), WindowUpdateFrame(0, window_increment=7))

    def rst(self, side: Side, stream: int, code: int) -> None:
        self.frame(side, RstStreamFrame(stream, error_code=code))

    def goaway(self, last_stream: int) -> None:
        self.frame(Side.SERVER, GoAwayFrame(0, last_stream_id=last_stream))

    def push(self, stream: int, promised: int) -> None:
        block = self.encoders[Side.SERVER].encode([(":path", "/pushed"), ("x-once", "pushed")])
        frame = PushPromiseFrame(stream, promised_stream_id=promised, data=block)
        frame.flags.add("END_HEADERS")
        self.frame(Side.SERVER, frame)

    def cut_into(self, sizes: Callable[[], int]) -> list[tuple[Side, bytes]]:
        """The same bytes in pieces of other sizes; what one side sent isn't moved past what the other sent."""
        cut = []
        for side, data in self.pieces:
            while data:
                size = max(1, sizes())
                cut.append((side, data[:size]))
                data = data[size:]
        return cut

    def decode(self, pieces: list[tuple[Side, bytes]] | None = None) -> tuple[list[WireCall], ConnectionDecoder]:
        decoder = ConnectionDecoder()
        for at, (side, data) in enumerate(self.pieces if pieces is None else pieces):
            decoder.feed(side, data, at=float(at), step=at)
        return decoder.take_ended() + decoder.close(at=-1.0), decoder


def shown(call: WireCall) -> tuple[Any, ...]:
    """All of a call that doesn't depend on how its bytes were cut."""
    readers = tuple((r.count, r.size, tuple(r.kept)) for r in (call.request, call.response))
    return call.stream, call.headers, call.response_headers, call.trailers, call.reset, readers


@dataclass
class Seen:
    """What a call looked like to the server."""

    method: str
    metadata: list[tuple[str, Any]]
    requests: list[bytes] = field(default_factory=list)
    seconds_left: float | None = None
    cancelled: bool = False


class GrpcServer:
    """Takes every method. What it does is told by the method's name (see ``_serve``); it notes what it saw."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.port = 0
        self._server: Any = None

    async def start(self, credentials: grpc.ServerCredentials | None = None) -> None:
        unlimited = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ]
        pings = [("grpc.http2.min_ping_interval_without_data_ms", 10), ("grpc.http2.max_ping_strikes", 0)]
        self._server = grpc.aio.server(options=unlimited + pings)
        self._server.add_generic_rpc_handlers((_Every(self),))
        if credentials is None:
            self.port = self._server.add_insecure_port("127.0.0.1:0")
        else:
            self.port = self._server.add_secure_port("127.0.0.1:0", credentials)
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop(0)


class _Every(grpc.GenericRpcHandler):
    def __init__(self, server: GrpcServer) -> None:
        self._server = server

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        async def handle(requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
            seen = Seen(details.method, list(context.invocation_metadata()), seconds_left=context.time_remaining())
            self._server.seen.append(seen)
            try:
                async for answer in _serve(seen, requests, context):
                    yield answer
            except asyncio.CancelledError:
                seen.cancelled = True
                raise

        return grpc.stream_stream_rpc_method_handler(handle)


async def _serve(seen: Seen, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
    name = seen.method.rpartition("/")[2]
    await context.send_initial_metadata((("x-initial", "i"), ("x-bin-bin", b"\x00\xff")))
    context.set_trailing_metadata((("x-trailing", "t"),))
    if name == "Compressed":
        context.set_compression(grpc.Compression.Gzip)
    async for request in requests:
        seen.requests.append(request)
        if name == "Hang":
            await asyncio.sleep(60)
        if name == "Refuse":
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "no: ñ, %, \n")
        yield request


class Peer(asyncio.Protocol):
    """One raw connection of a `RawServer`."""

    def __init__(self, server: "RawServer") -> None:
        self.server = server
        self.received = bytearray()
        self.lost = asyncio.Event()
        self.eof = False
        self.error: Exception | None = None
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.server.peers.append(self)
        if self.server.greeting:
            self.transport.write(self.server.greeting)

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.server.on_data(self, data)

    def eof_received(self) -> bool:
        self.eof = True
        return self.server.keeps_half_open

    def connection_lost(self, exc: Exception | None) -> None:
        self.error = exc
        self.lost.set()


class RawServer:
    """Any TCP server at all."""

    def __init__(
        self,
        on_data: Callable[[Peer, bytes], None] = lambda *_: None,
        greeting: bytes = b"",
        *,
        half_open: bool = False,
    ) -> None:
        self.peers: list[Peer] = []
        self.on_data = on_data
        self.greeting = greeting
        self.keeps_half_open = half_open
        self.port = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["RawServer"]:
        server = await asyncio.get_running_loop().create_server(lambda: Peer(self), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            for peer in self.peers:
                peer.transport.abort()
            server.close()
            await server.wait_closed()


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.005)


OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_retries", 0),
]


@contextlib.asynccontextmanager
async def raw_upstream(server: RawServer, *, record: bool = True) -> AsyncIterator[RecordingGateways]:
    """A raw server and gateways in front of it."""
    async with server.running():
        upstream = Upstream(host="127.0.0.1", port=server.port)
        async with RecordingGateways(upstream, record=record) as gateways:
            yield gateways


@contextlib.asynccontextmanager
async def grpc_upstream() -> AsyncIterator[tuple[GrpcServer, RecordingGateways]]:
    server = GrpcServer()
    await server.start()
    try:
        async with RecordingGateways(Upstream(host="127.0.0.1", port=server.port)) as gateways:
            yield server, gateways
    finally:
        await server.stop()


def channel(address: str, *options: tuple[str, Any], **how: Any) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(address, options=[*OPTIONS, *options], **how)


async def unary(address: str, path: str = DROP, body: bytes = b"", **how: Any) -> bytes:
    async with channel(address) as open_channel:
        return await open_channel.unary_unary(path)(body, **how)

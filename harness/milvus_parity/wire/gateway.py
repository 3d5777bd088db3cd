"""An address of its own for each execution, in front of one Milvus.

A call belongs to an execution because of the port it came through, and to a step because the harness lets a worker take
one step at a time and says which (``set_step``) before it does. Nothing is inferred from time.

The bytes move in a thread with a loop of its own, so that nothing the engine's loop is busy with delays them.
"""

import asyncio
import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self, TypeVar

import msgspec

from milvus_parity.model.errors import ParityError
from milvus_parity.model.wire import Recording
from milvus_parity.wire.recorder import Recorder
from milvus_parity.wire.tee import BUFFER_BYTES, Tee

SETTLE_SECONDS = 0.1
"""How long to go on reading what has already been sent before a step changes."""

NOTICE_SECONDS = 0.05
"""Time for clients to see that their connections were reset: else a call made at once would still go to a dead one."""

_Result = TypeVar("_Result")


class GatewayError(ParityError):
    """No address could be opened."""


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """The Milvus behind the gateways. With ``tls`` the way to it is encrypted, the way to the workers isn't."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str | None = None

    @classmethod
    def to(cls, host: str, port: int, *, tls: bool = False, ca: str = "", server_name: str | None = None) -> Self:
        """Describe an upstream. ``ca``: path of a PEM file with authorities, empty for the system's.

        Raises OSError when the file can't be read.
        """
        if not tls:
            return cls(host=host, port=port)
        context = ssl.create_default_context(cafile=ca or None)
        context.set_alpn_protocols(["h2"])
        return cls(host=host, port=port, tls=context, server_name=server_name)


class Endpoint(Protocol):
    """The address of one execution."""

    @property
    def address(self) -> str:
        """``host:port`` that workers connect to."""

    async def set_step(self, step: int | None) -> None:
        """Requests that pass from now on belong to ``step``; those already sent still belong to the one before."""

    async def cut(self) -> None:
        """The server is gone: every connection is reset and new ones are refused. The port stays taken."""

    async def mute(self) -> None:
        """The server hangs: connections are accepted, requests swallowed, nothing is ever answered."""

    async def restore(self) -> None:
        """The server is back. Connections that were muted are reset: what they missed can't be made good."""

    async def close(self) -> Recording:
        """Give the address up and return what went through it. A second time returns the same."""


class Gateway(Protocol):
    """Gives out addresses."""

    async def open(self) -> Endpoint:
        """Open an address. Raises GatewayError."""

    async def close(self) -> None:
        """Close all addresses."""


class RecordingGateways:
    """Gateways to one upstream, recorded unless ``record`` is false. An async context manager."""

    def __init__(self, upstream: Upstream, *, host: str = "127.0.0.1", record: bool = True) -> None:
        self.upstream = upstream
        self.buffer = bytearray(BUFFER_BYTES)
        self._host = host
        self._record = record
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._decoders = ThreadPoolExecutor(1, thread_name_prefix="wire-decode")
        self._endpoints: set[_RecordedEndpoint] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> "_RecordedEndpoint":
        """Open an address. Raises GatewayError."""
        loop = self._start()
        try:
            listener = _listener(self._host, 0)
        except OSError as error:
            raise GatewayError(
                f"no address for workers can be opened on {self._host}: {error.strerror or error}",
                hint="Is it an address of this machine, and are there file descriptors left (ulimit -n)?",
            ) from error
        recorder = None
        if self._record:
            from milvus_parity.wire.records import to_record

            recorder = Recorder(self._decoders, to_record)
        endpoint = _RecordedEndpoint(self, loop, listener, recorder)
        self._endpoints.add(endpoint)
        loop.call_soon_threadsafe(endpoint.listen)
        return endpoint

    async def close(self) -> None:
        """Close all addresses and the thread."""
        for endpoint in list(self._endpoints):
            await endpoint.close()
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            await asyncio.to_thread(self._thread.join)
            self._loop = self._thread = None
        self._decoders.shutdown(wait=False)

    def _start(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_run, args=(loop,), name="wire-gateway", daemon=True)
            self._thread.start()
            if self._record:
                from milvus_parity.wire.messages import method_types

                self._decoders.submit(method_types)  # loads the descriptors while nobody waits for them
        return self._loop

    def forget(self, endpoint: "_RecordedEndpoint") -> None:
        """An endpoint was closed."""
        self._endpoints.discard(endpoint)

    async def decode(self, recorder: Recorder) -> Recording:
        """Finish a recording where it delays nobody."""
        return await asyncio.get_running_loop().run_in_executor(self._decoders, recorder.finish)


class _RecordedEndpoint:
    """An ``Endpoint``. Methods with an underscore run in the gateway's thread."""

    def __init__(
        self,
        gateways: RecordingGateways,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        recorder: Recorder | None,
    ) -> None:
        self._gateways = gateways
        self._loop = loop
        self._listener: socket.socket | None = listener
        self._reserved: socket.socket | None = None
        self._recorder = recorder
        self._tees: set[Tee] = set()
        self._arriving: set[asyncio.Task[None]] = set()
        self._muted = False
        self._closing: asyncio.Task[Recording] | None = None
        self.host, self.port = listener.getsockname()[:2]

    @property
    def address(self) -> str:
        """``host:port`` that workers connect to."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    async def set_step(self, step: int | None) -> None:
        """Requests that pass from now on belong to ``step``; those already sent still belong to the one before."""
        await self._there(self._set_step(step))

    async def cut(self) -> None:
        """The server is gone: every connection is reset and new ones are refused. The port stays taken."""
        await self._there(self._call(self._cut))

    async def mute(self) -> None:
        """The server hangs: connections are accepted, requests swallowed, nothing is ever answered."""
        await self._there(self._call(self._mute))

    async def restore(self) -> None:
        """The server is back. Connections that were muted are reset: what they missed can't be made good."""
        await self._there(self._restore())

    async def close(self) -> Recording:
        """Give the address up and return what went through it. A second time returns the same."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close_once())
        return await asyncio.shield(self._closing)

    def listen(self) -> None:
        """Accept connections. In the gateway's thread."""
        if self._listener is not None:
            self._loop.add_reader(self._listener.fileno(), self._accept)

    async def _close_once(self) -> Recording:
        await self._there(self._shut())
        self._gateways.forget(self)
        if self._recorder is None:
            return Recording(problem="recording was switched off")
        return await self._gateways.decode(self._recorder)

    async def _there(self, work: Coroutine[None, None, _Result]) -> _Result:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def _call(self, work: Callable[[], None]) -> None:
        work()

    async def _set_step(self, step: int | None) -> None:
        if self._recorder is not None:
            await self._settle()
            self._recorder.step = step

    async def _settle(self) -> None:
        """Go on until everything that clients have sent has been read."""
        end = self._loop.time() + SETTLE_SECONDS
        while self._loop.time() < end:
            poll = select.poll()
            if self._listener is not None:
                poll.register(self._listener, select.POLLIN)
            waiting = bool(self._arriving)
            for tee in self._tees:
                half = tee.client
                if half.transport is None:
                    waiting = True
                elif not half.eof and not half.paused and not half.transport.is_closing():
                    poll.register(half.transport.get_extra_info("socket").fileno(), select.POLLIN)
            if not waiting and not poll.poll(0):
                return
            await asyncio.sleep(0)

    def _accept(self) -> None:
        while self._listener is not None:
            try:
                client, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                # Out of file descriptors: the connection waits in the backlog until some are free.
                self._loop.remove_reader(self._listener.fileno())
                self._loop.call_later(0.1, self.listen)
                return
            client.setblocking(False)
            tee = Tee(self._recorder.tape() if self._recorder else None, self._tees.discard, self._gateways.buffer)
            tee.muted = self._muted
            self._tees.add(tee)
            task = self._loop.create_task(self._join(tee, client))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    async def _join(self, tee: Tee, client: socket.socket) -> None:
        await self._loop.connect_accepted_socket(lambda: tee.client, client)
        if tee.muted:
            return
        task = self._loop.create_task(self._connect(tee))
        tee.connecting = task

    async def _connect(self, tee: Tee) -> None:
        upstream = self._gateways.upstream
        try:
            await self._loop.create_connection(
                lambda: tee.server,
                upstream.host,
                upstream.port,
                ssl=upstream.tls,
                server_hostname=(upstream.server_name or upstream.host) if upstream.tls else None,
            )
        except OSError as error:
            tee.cut(f"no connection to {upstream.host}:{upstream.port}: {error.strerror or error}")

    def _cut(self) -> None:
        for tee in list(self._tees):
            tee.cut("connection cut by the fault 'gone'")
        self._unlisten()
        if self._reserved is None:
            # A bound socket that doesn't listen refuses connections and keeps others from taking the port.
            with contextlib.suppress(OSError):
                self._reserved = _bound(self.host, self.port)

    def _mute(self) -> None:
        self._muted = True
        for tee in self._tees:
            tee.mute()

    async def _restore(self) -> None:
        muted = [tee for tee in self._tees if tee.muted]
        self._muted = False
        for tee in muted:
            tee.cut("connection cut at the end of the fault 'mute'")
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None
        if self._listener is None:
            self._listener = _listener(self.host, self.port)
            self.listen()
        if muted:
            await asyncio.sleep(NOTICE_SECONDS)

    async def _shut(self) -> None:
        await self._settle()
        self._unlisten()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None
        for task in list(self._arriving):
            task.cancel()
        for tee in list(self._tees):
            tee.cut("address closed")

    def _unlisten(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()
            self._listener = None


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def _listener(host: str, port: int) -> socket.socket:
    sock = _bound(host, port)
    try:
        sock.setblocking(False)
        sock.listen(128)
    except OSError:
        sock.close()
        raise
    return sock


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        if pending:
            loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.close()

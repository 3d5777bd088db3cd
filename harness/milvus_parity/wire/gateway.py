"""An address of its own for each execution, in front of one Milvus.

A call belongs to an execution because of the port it came through, and to a step because the harness lets a worker take
one step at a time and says which (``set_step``) before it does. Nothing is inferred from time.

The bytes move in a thread with a loop of its own, so that nothing the engine's loop is busy with delays them.
"""

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from milvus_parity.model.errors import ParityError
from milvus_parity.model.wire import Recording
from milvus_parity.runtime.base import Channel
from milvus_parity.wire.doors import LocalDoor
from milvus_parity.wire.endpoint import RecordedEndpoint
from milvus_parity.wire.recorder import Recorder
from milvus_parity.wire.sockets import FreshPorts, WatchedSelector
from milvus_parity.wire.tee import BUFFER_BYTES
from milvus_parity.wire.upstream import Upstream

if TYPE_CHECKING:
    from milvus_parity.wire.relay import RelayDoor, RelayLink

__all__ = ["Endpoint", "Gateway", "GatewayError", "RecordingGateways", "Upstream"]


class GatewayError(ParityError):
    """No address could be opened."""


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

    async def open(self, relay: Channel | None = None) -> Endpoint:
        """Open an address, at the far end of a relay if one is given. Raises GatewayError."""

    async def close(self) -> None:
        """Close all addresses."""


class RecordingGateways:
    """Gateways to one upstream, recorded unless ``record`` is false. An async context manager."""

    def __init__(self, upstream: Upstream, *, host: str = "127.0.0.1", record: bool = True) -> None:
        self.upstream = upstream
        self.buffer = bytearray(BUFFER_BYTES)
        self._selector = WatchedSelector()
        self.loop: asyncio.AbstractEventLoop = asyncio.SelectorEventLoop(self._selector)
        self._host = host
        self._ports = FreshPorts(host)
        self._record = record
        self._thread: threading.Thread | None = None
        self._closed = False
        self._decoders = ThreadPoolExecutor(1, thread_name_prefix="wire-decode")
        self._endpoints: set[RecordedEndpoint] = set()
        self._links: dict[Channel, RelayLink] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self, relay: Channel | None = None) -> RecordedEndpoint:
        """Open an address, at the far end of a relay if one is given. Raises GatewayError."""
        self._start()
        door = self._local_door() if relay is None else await self._relay_door(relay)
        recorder = None
        if self._record:
            from milvus_parity.wire.records import to_record

            recorder = Recorder(self._decoders, to_record)
        endpoint = RecordedEndpoint(self, door, recorder)
        self._endpoints.add(endpoint)
        self.loop.call_soon_threadsafe(endpoint.listen)
        return endpoint

    def _local_door(self) -> LocalDoor:
        try:
            return LocalDoor(self.loop, self._ports.listener())
        except OSError as error:
            raise GatewayError(
                f"no address for workers can be opened on {self._host}: {error.strerror or error}",
                hint="Is it an address of this machine, and are there file descriptors left (ulimit -n)?",
            ) from error

    async def _relay_door(self, relay: Channel) -> "RelayDoor":
        from milvus_parity.wire.relay import RelayError, RelayLink

        if (link := self._links.get(relay)) is None:
            link = self._links[relay] = RelayLink(relay, self.loop)
            link.start()
        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(link.door(), self.loop))
        except RelayError as error:
            raise GatewayError(f"no address for workers can be opened: {error}") from error

    async def close(self) -> None:
        """Close all addresses and the thread; none can be opened any more."""
        self._closed = True
        for endpoint in list(self._endpoints):
            await endpoint.close()
        if self._thread is not None:
            self.loop.call_soon_threadsafe(self.loop.stop)
            await asyncio.to_thread(self._thread.join)
            self._thread = None
        else:
            self.loop.close()
        self._decoders.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> None:
        if self._closed:
            raise GatewayError("an address for a worker was asked for after the gateways were closed")
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=_run, args=(self.loop,), name="wire-gateway", daemon=True)
        self._thread.start()
        if self._record:
            from milvus_parity.wire.messages import method_types

            self._decoders.submit(method_types)  # loads the descriptors while nobody waits for them

    def forget(self, endpoint: RecordedEndpoint) -> None:
        """An endpoint was closed."""
        self._endpoints.discard(endpoint)

    def sleeping(self) -> bool:
        """Whether the thread that moves the bytes has nothing to do. In any thread."""
        return self._selector.sleeping

    def decode(self, recorder: Recorder, done: Future[Recording]) -> None:
        """Finish a recording where it delays nobody."""
        self._decoders.submit(_finish, recorder, done)


def _finish(recorder: Recorder, done: Future[Recording]) -> None:
    try:
        done.set_result(recorder.finish())
    except Exception as error:  # whoever waits is told
        done.set_exception(error)


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

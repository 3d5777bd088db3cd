"""The address of one execution: what comes in there is joined to the server and noted.

Public methods belong to the loop of the caller; those with an underscore run in the gateway's thread.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Protocol

from milvus_parity.model.wire import Recording
from milvus_parity.wire.doors import Door
from milvus_parity.wire.recorder import Recorder
from milvus_parity.wire.tee import Tee
from milvus_parity.wire.upstream import Upstream

NOTICE_SECONDS = 0.05
"""Time for clients to see that their connections were reset: else a call made at once would still go to a dead one."""


class Owner(Protocol):
    """What an endpoint needs of the gateways it belongs to."""

    upstream: Upstream
    buffer: bytearray
    loop: asyncio.AbstractEventLoop

    def sleeping(self) -> bool:
        """Whether the gateway's thread has nothing to do. In any thread."""

    def forget(self, endpoint: "RecordedEndpoint") -> None:
        """The endpoint was closed."""

    def decode(self, recorder: Recorder, done: Future[Recording]) -> None:
        """Finish a recording where it delays nobody."""


class RecordedEndpoint:
    """An ``Endpoint`` of ``milvus_parity.wire.gateway``, which documents it."""

    def __init__(self, owner: Owner, door: Door, recorder: Recorder | None) -> None:
        self._owner = owner
        self._loop = owner.loop
        self._door = door
        self._recorder = recorder
        self._tees: set[Tee] = set()
        self._muted = False
        self._closing: asyncio.Task[Recording] | None = None
        self.host, self.port = door.host, door.port

    @property
    def address(self) -> str:
        """``host:port`` that workers connect to."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    async def set_step(self, step: int | None) -> None:
        """Requests that pass from now on belong to ``step``; those already sent still belong to the one before."""
        if self._recorder is None:
            return
        if self._closing is None and self._all_is_noted():
            self._recorder.step = step
            return
        await self._there(lambda: self._set_step(step))

    def _all_is_noted(self) -> bool:
        """Whether the gateway's thread waits for bytes and there are none: then it needs not be asked.

        First nothing is there to be read, then the thread sleeps: what it had read before, it has noted.
        """
        return self._door.quiet(self._tees) and self._owner.sleeping()

    async def cut(self) -> None:
        """The server is gone: every connection is reset and new ones are refused. The port stays taken."""
        await self._there(self._cut)

    async def mute(self) -> None:
        """The server hangs: connections are accepted, requests swallowed, nothing is ever answered."""
        await self._there(self._mute)

    async def restore(self) -> None:
        """The server is back. Connections that were muted are reset: what they missed can't be made good."""
        await self._there(self._restore)

    async def close(self) -> Recording:
        """Give the address up and return what went through it. A second time returns the same."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close_once())
        return await asyncio.shield(self._closing)

    def listen(self) -> None:
        """Accept connections. In the gateway's thread."""
        self._door.open(self._welcome, self._entered)

    async def _close_once(self) -> Recording:
        done: Future[Recording] = Future()
        self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._shut(done)))
        recording = await asyncio.wrap_future(done)
        self._owner.forget(self)
        return recording

    async def _there(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do something in the gateway's thread; nothing, once the address is given up."""
        if self._closing is None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self._loop))

    async def _set_step(self, step: int | None) -> None:
        if self._recorder is not None:
            await self._door.settle(self._tees)
            self._recorder.step = step

    def _welcome(self) -> Tee:
        tee = Tee(self._recorder.tape() if self._recorder else None, self._tees.discard, self._owner.buffer)
        tee.muted = self._muted
        self._tees.add(tee)
        return tee

    def _entered(self, tee: Tee) -> None:
        if not tee.muted:
            tee.connecting = self._loop.create_task(self._connect(tee))

    async def _connect(self, tee: Tee) -> None:
        upstream = self._owner.upstream
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

    async def _cut(self) -> None:
        await self._door.refuse()
        for tee in list(self._tees):
            tee.cut("connection cut by the fault 'gone'")
        await self._door.felt()

    async def _mute(self) -> None:
        self._muted = True
        for tee in self._tees:
            tee.mute()

    async def _restore(self) -> None:
        muted = [tee for tee in self._tees if tee.muted]
        self._muted = False
        for tee in muted:
            tee.cut("connection cut at the end of the fault 'mute'")
        await self._door.admit()
        if muted:
            await self._door.felt()
            await asyncio.sleep(NOTICE_SECONDS)

    async def _shut(self, done: Future[Recording]) -> None:
        await self._door.settle(self._tees)
        self._door.shut()
        for tee in list(self._tees):
            tee.cut("address closed")
        if self._recorder is None:
            done.set_result(Recording(problem="recording was switched off"))
        else:
            self._owner.decode(self._recorder, done)

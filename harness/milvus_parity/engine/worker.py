"""The worker protocol, seen from the harness: one session with one worker, several executions in it at once."""

import asyncio
import contextlib
import secrets
from collections.abc import Mapping

import msgspec

from milvus_parity.model.errors import ParityError
from milvus_parity.model.trace import Raised
from milvus_parity.runtime.base import Connection, Exit

PROTOCOL = 1


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a worker; which fields there are says what it is (runners/README.md has the table)."""

    ready: int | None = None
    sdk: str = ""
    runtime: str = ""
    kill: bool = False
    execution: str | None = None
    waiting: int | None = None
    step: int | None = None
    outcome: str | None = None
    value: object = None
    status: object = None
    error: Raised | None = None
    milliseconds: float = 0.0
    done: bool = False
    crashed: str | None = None


class WorkerGoneError(Exception):
    """The worker ended while an execution was in it. ``alone``: no other was, so it was this one's doing."""

    def __init__(self, how: str, *, alone: bool, by_limit: bool = False) -> None:
        super().__init__(how)
        self.how = how
        self.alone = alone
        self.by_limit = by_limit


class CrashedError(Exception):
    """One execution crashed, and the worker stays up. ``by_limit``: it was a limit of the container that took it."""

    def __init__(self, how: str, *, by_limit: bool = False) -> None:
        super().__init__(how)
        self.by_limit = by_limit


class ProtocolError(ParityError):
    """A worker said something that is not protocol: a fault of the pack or the harness, not of an SDK."""


class Session:
    """A running worker and the executions in it."""

    def __init__(self, connection: Connection, label: str) -> None:
        self.connection = connection
        self.label = label
        self.ready = Answer()
        self.in_flight: dict[str, asyncio.Queue[Answer | None]] = {}
        self.stray: list[str] = []
        self._nonce = secrets.token_hex(8)
        self._reader: asyncio.Task[None] | None = None
        self._exit: Exit | None = None
        self._condemned: str | None = None
        self._alone_at_end = False
        self._violation: str | None = None

    async def start(self, timeout: float) -> None:
        """Say hello and wait for the answer. Raises ParityError when none comes within ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._send({"hello": PROTOCOL, "nonce": self._nonce})
                while (line := await self.connection.receive()) is not None:
                    answer = self._decode(line)
                    if answer is not None and answer.ready is not None:
                        self._check(answer)
                        self.ready = answer
                        self._reader = asyncio.create_task(self._read())
                        return
        except (TimeoutError, ConnectionError):
            pass
        await self.connection.kill()
        ended = await self.connection.wait()
        log = "\n  ".join(self.connection.log().strip().splitlines()[-12:])
        raise ProtocolError(f"The worker of {self.label} did not say that it is ready ({ended}).", hint=log or None)

    def _check(self, answer: Answer) -> None:
        if answer.ready != PROTOCOL:
            raise ProtocolError(
                f"The worker of {self.label} speaks protocol {answer.ready}, this milvus-parity speaks {PROTOCOL}."
            )

    @property
    def alive(self) -> bool:
        """Whether it can be given another execution."""
        return self._reader is not None and not self._reader.done() and self._condemned is None

    def _decode(self, line: bytes) -> Answer | None:
        prefix, _, rest = line.partition(b" ")
        if prefix.decode("ascii", "replace") != self._nonce:
            if len(self.stray) < 20:
                self.stray.append(line[:500].decode("utf-8", "replace"))
            return None
        try:
            return msgspec.json.decode(rest, type=Answer)
        except msgspec.MsgspecError as error:
            text = rest[:200].decode("utf-8", "replace")
            raise ProtocolError(
                f"The worker of {self.label} said something that is not protocol ({error}): {text}"
            ) from error

    async def _read(self) -> None:
        try:
            while (line := await self.connection.receive()) is not None:
                answer = self._decode(line)
                if answer is not None and answer.execution in self.in_flight:
                    self.in_flight[answer.execution].put_nowait(answer)
        except ProtocolError as error:
            self._violation = str(error)
            await self.connection.kill()
        finally:
            self._exit = await self.connection.wait()
            self._alone_at_end = len(self.in_flight) == 1
            for queue in self.in_flight.values():
                queue.put_nowait(None)

    async def _send(self, message: Mapping[str, object]) -> None:
        await self.connection.send(msgspec.json.encode(message))

    async def run(self, execution: str, program: str, variables: Mapping[str, str]) -> None:
        """Hand an execution to the worker."""
        self.in_flight[execution] = asyncio.Queue()
        with contextlib.suppress(ConnectionError):
            await self._send({"run": execution, "program": program, "variables": variables})

    async def say(self, word: str, execution: str, step: int) -> None:
        """Let a step go, or have it skipped."""
        with contextlib.suppress(ConnectionError):
            await self._send({word: execution, "step": step})

    async def waiting(self, execution: str) -> None:
        """Wait until the execution stands before its first step. Raises as ``next`` does."""
        answer = await self._take(execution)
        if answer.waiting is None:
            raise ProtocolError(f"The worker of {self.label} should wait before the first step of {execution}.")

    async def next(self, execution: str) -> Answer:
        """What an execution tells next; that it waits again is no news. Raises as the worker's end demands:
        WorkerGoneError, CrashedError or ProtocolError."""
        while (answer := await self._take(execution)).waiting is not None:
            pass
        return answer

    async def _take(self, execution: str) -> Answer:
        if self._exit is not None and self.in_flight[execution].empty():
            raise self._gone(self._exit)
        answer = await self.in_flight[execution].get()
        if answer is None:
            assert self._exit is not None
            raise self._gone(self._exit)
        if answer.crashed is not None:
            limit = await self.connection.limit_hit() if answer.crashed == "signal 9" else None
            if limit is not None:
                raise CrashedError(f"It was killed by the {limit}.", by_limit=True)
            raise CrashedError(answer.crashed)
        return answer

    def _gone(self, ended: Exit) -> Exception:
        if self._violation:
            return ProtocolError(self._violation)
        if ended.lost:
            return ProtocolError(ended.lost)
        if self._condemned:
            return WorkerGoneError(self._condemned, alone=False)
        return WorkerGoneError(str(ended), alone=self._alone_at_end, by_limit=ended.by_limit is not None)

    def forget(self, execution: str) -> None:
        """The execution is over, one way or the other."""
        self.in_flight.pop(execution, None)

    async def end_execution(self, execution: str) -> None:
        """End an execution that passed its limit: alone if the worker can, else with the worker."""
        if self.ready.kill:
            with contextlib.suppress(ConnectionError, TimeoutError, CrashedError, WorkerGoneError, ProtocolError):
                await self._send({"kill": execution})
                await asyncio.wait_for(self._until_crashed(execution), 5)
            return
        await self.condemn(f"another case in the same worker ({execution}) passed its time limit")

    async def _until_crashed(self, execution: str) -> None:
        while not (await self.next(execution)).done:
            pass

    async def condemn(self, why: str) -> None:
        """Kill the worker; the executions still in it are innocent."""
        if self._condemned is None:
            self._condemned = why
            await self.connection.kill()

    async def close(self) -> None:
        """Let it exit by itself for a moment, then make it."""
        if self._reader is not None:
            self._condemned = self._condemned or "the run is over"
        await self.connection.kill()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)

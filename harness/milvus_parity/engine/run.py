"""A whole run: the server, the lanes, the run folder."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from milvus_parity.engine.databases import DatabasePool, StateKeeper
from milvus_parity.engine.execution import Credentials, Executor
from milvus_parity.engine.lane import Lane, Prepared
from milvus_parity.model.errors import ParityError
from milvus_parity.model.events import LaneChanged, RunFinished, Subscriber
from milvus_parity.model.program import Program
from milvus_parity.model.run import Program as StoredProgram
from milvus_parity.model.run import RunEnd, StepSnippet
from milvus_parity.model.scenario import Case, Frozen
from milvus_parity.model.target import Target
from milvus_parity.model.trace import End, Trace
from milvus_parity.model.wire import Recording
from milvus_parity.packs.pack import Pack
from milvus_parity.runtime.base import ResolveError, Runtime
from milvus_parity.store.files import StoreError
from milvus_parity.store.writer import RunWriter
from milvus_parity.wire.gateway import Gateway

DATABASES = 56
"""Of the 64 databases that a server allows, so many are used at once: others may have some, too."""


class Settings(Frozen, frozen=True, kw_only=True):
    """``jobs``: executions at once in all lanes; ``timeout``: seconds for one."""

    jobs: int
    timeout: float
    authorization: bool = True


class Stop(Frozen, frozen=True, kw_only=True):
    """How a run ended and, where that wants words, why."""

    end: RunEnd
    detail: str | None = None


class Server(Frozen, frozen=True, kw_only=True):
    """What the engine needs of a started server."""

    keeper: StateKeeper
    gateway: Gateway
    credentials: Credentials | None
    alive: Callable[[], bool]


class Engine:
    """Runs cases through targets and writes the run folder. One object, one run.

    ``prepare`` may be called before the server is there; ``run`` goes on with what is prepared then, lane by lane.
    """

    def __init__(
        self,
        *,
        runtime: Runtime,
        settings: Settings,
        tell: Subscriber,
        stop_after: Callable[[Trace], bool] = lambda _trace: False,
    ) -> None:
        self.runtime = runtime
        self.settings = settings
        self.tell = tell
        self.stop_after = stop_after
        self._stop: asyncio.Future[Stop] = asyncio.get_running_loop().create_future()
        self._lanes: list[tuple[Lane, asyncio.Task[Prepared]]] = []
        self._traced: set[tuple[str, str]] = set()
        self._early: list[tuple[Target, Sequence[Program]]] = []
        self._writer: RunWriter | None = None
        self._server: Server | None = None

    def stop(self, end: RunEnd, detail: str | None = None) -> None:
        """End the run as soon as may be: what is under way is given up, what is finished stays."""
        if not self._stop.done():
            self._stop.set_result(Stop(end=end, detail=detail))

    def prepare(self, targets: Sequence[tuple[Pack, Target]], cases: Sequence[Case]) -> None:
        """Start to fetch and compile, all targets at the same time."""
        for pack, target in targets:
            lane = Lane(pack, target, self.runtime, self.tell, self.finished, self.written)
            task = asyncio.create_task(lane.prepare(cases, authorization=self.settings.authorization))
            self._lanes.append((lane, task))

    async def run(self, cases: Sequence[Case], *, writer: RunWriter, server: Server) -> Stop:
        """Run all, and write the footer. Returns how it ended."""
        self._writer = writer
        self._server = server
        for target, programs in self._early:
            self.written(target, programs)
        pool = DatabasePool(server.keeper, size=DATABASES)
        executor = Executor(
            pool=pool, gateway=server.gateway, credentials=server.credentials, timeout=self.settings.timeout
        )
        slots = asyncio.Semaphore(self.settings.jobs)
        tasks = [
            asyncio.create_task(self._lane(lane, prepared, cases, executor, slots)) for lane, prepared in self._lanes
        ]
        everything = asyncio.gather(*tasks)
        ended = Stop(end="complete")
        try:
            await _first(everything, self._stop)
            if self._stop.done():
                ended = self._stop.result()
            else:
                everything.result()
        except asyncio.CancelledError:
            ended = Stop(end="interrupted")
        except Exception as error:
            ended = Stop(end="error", detail=f"{type(error).__name__}: {error}")
            raise
        finally:
            everything.cancel()
            await asyncio.gather(*tasks, everything, return_exceptions=True)
            with contextlib.suppress(ParityError, OSError, TimeoutError):
                await asyncio.wait_for(pool.close(), 30)
            footer = writer.finish(ended.end, ended.detail)
            ended = Stop(end=footer.end, detail=footer.detail)
            self.tell(RunFinished(end=ended.end, detail=ended.detail))
        return ended

    async def close(self) -> None:
        """Give up what is still being prepared."""
        for _, task in self._lanes:
            task.cancel()
        await asyncio.gather(*(task for _, task in self._lanes), return_exceptions=True)

    async def _lane(
        self,
        lane: Lane,
        preparing: "asyncio.Task[Prepared]",
        cases: Sequence[Case],
        executor: Executor,
        slots: asyncio.Semaphore,
    ) -> None:
        end: End = "not built"
        try:
            prepared = await preparing
            end = "harness error"
            await lane.run(prepared, cases, executor, slots)
        except ResolveError as error:
            self._failed(lane, cases, error, "not available")
        except ExceptionGroup as group:
            first = group.exceptions[0]
            if not isinstance(first, ParityError | OSError):
                raise
            self._failed(lane, cases, first, end)
        except (ParityError, OSError) as error:
            self._failed(lane, cases, error, end)

    def _failed(self, lane: Lane, cases: Sequence[Case], error: Exception, end: End) -> None:
        self.tell(LaneChanged(target=lane.target.label, state="failed", detail=str(error)))
        for case in cases:
            if (case.id, lane.target.label) not in self._traced:
                trace = Trace(
                    case=case.id,
                    target=lane.target.label,
                    sdk_version=lane.target.version,
                    end=end,
                    detail=str(error),
                    started=time.time(),
                )
                self.finished(trace, None)

    def finished(self, trace: Trace, recording: Recording | None) -> None:
        """Take a trace: it is written at once."""
        assert self._writer is not None
        assert self._server is not None
        self._traced.add((trace.case, trace.target))
        try:
            if recording is not None:
                self._writer.calls(trace.case, trace.target, recording)
            self._writer.trace(trace)
        except StoreError as error:
            self.stop("error", str(error))
            return
        if trace.end == "no server" and not self._server.alive():
            self.stop("server died", trace.detail)
        elif self.stop_after(trace):
            self.stop("failed fast", f"The first difference is in {trace.case}.")

    def written(self, target: Target, programs: Sequence[Program]) -> None:
        """Take a target's programs."""
        if self._writer is None:
            self._early.append((target, programs))
            return
        try:
            self._writer.programs(stored(program, target) for program in programs)
        except StoreError as error:
            self.stop("error", str(error))


async def _first(*futures: asyncio.Future[Any]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


def stored(program: Program, target: Target) -> StoredProgram:
    """What of a program is kept in the run folder."""
    return StoredProgram(
        case=program.case,
        target=target.label,
        imports=tuple(sorted({name for snippet in program.snippets for name in snippet.imports})),
        steps=tuple(
            StepSnippet(step=snippet.step, text=snippet.text, unsupported=snippet.unsupported)
            for snippet in program.snippets
        ),
    )

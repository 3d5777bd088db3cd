"""A lane: the life of one target in a run, from fetching its SDK to its last execution."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence

from milvus_parity.engine.build import Built, build_all
from milvus_parity.engine.execution import Executor, Innocent
from milvus_parity.engine.worker import Session
from milvus_parity.model.errors import ParityError
from milvus_parity.model.events import ExecutionFinished, ExecutionStarted, LaneChanged, LaneProgress, Subscriber
from milvus_parity.model.program import Program
from milvus_parity.model.scenario import Case, Frozen
from milvus_parity.model.target import Target
from milvus_parity.model.trace import Trace
from milvus_parity.model.wire import Recording
from milvus_parity.packs.pack import Pack
from milvus_parity.packs.render import Renderer
from milvus_parity.runtime.base import Build, Runtime

MOST_WORKERS_LOST = 3
"""A worker that does not even start is tried so often."""


class Prepared(Frozen, frozen=True, kw_only=True):
    """A target that is ready to run: ``built`` and the seconds it took."""

    built: Built
    seconds: float


class Lane:
    """One target. ``finished`` is told each trace; it is called in the engine's one loop."""

    def __init__(
        self,
        pack: Pack,
        target: Target,
        runtime: Runtime,
        tell: Subscriber,
        finished: Callable[[Trace, Recording | None], None],
        written: Callable[[Target, Sequence[Program]], None],
    ) -> None:
        self.pack = pack
        self.target = target
        self.runtime = runtime
        self.tell = tell
        self.finished = finished
        self.written = written
        self.style = pack.spec.variables
        spec = pack.spec.targets[target.name]
        self.concurrency = spec.concurrency or pack.spec.worker.concurrency
        self._session: Session | None = None
        self._starting = asyncio.Lock()

    def _progress(self, line: str) -> None:
        self.tell(LaneProgress(target=self.target.label, line=line))

    async def prepare(self, cases: Sequence[Case], *, authorization: bool) -> Prepared:
        """Fetch the SDK, render and compile. Raises ParityError when the target cannot be used at all."""
        clock = time.perf_counter()
        self.tell(LaneChanged(target=self.target.label, state="resolving", executions=len(cases)))
        sdk, (renderer, programs) = await asyncio.gather(
            self.runtime.resolve(self.pack, self.target, self._progress),
            asyncio.to_thread(self._render, cases, authorization),
        )
        self.tell(LaneChanged(target=self.target.label, state="building", executions=len(cases)))
        by_id = {case.id: case for case in cases}
        built = await build_all(self.runtime, sdk, renderer, programs, by_id, self._progress)
        self.written(self.target, programs)
        return Prepared(built=built, seconds=time.perf_counter() - clock)

    def _render(self, cases: Sequence[Case], authorization: bool) -> tuple[Renderer, list[Program]]:
        renderer = Renderer(self.pack, self.target, authorization=authorization)
        return renderer, [renderer.program(case, number) for number, case in enumerate(cases, 1)]

    async def run(
        self, prepared: Prepared, cases: Sequence[Case], executor: Executor, slots: asyncio.Semaphore
    ) -> None:
        """Run all cases; several at once, as far as the worker and ``slots`` allow. Every case ends in a trace."""
        label = self.target.label
        for case in cases:
            if case.id in prepared.built.refused:
                self._refuse(case, prepared.built.refused[case.id])
        programs = {program.case: program for program in prepared.built.programs}
        waiting = deque(case for case in cases if case.id in programs)
        build = prepared.built.build
        if build is None or not waiting:
            return
        self.tell(LaneChanged(target=label, state="starting", executions=len(waiting)))
        await self._ready(build)
        self.tell(LaneChanged(target=label, state="running", executions=len(waiting)))
        suspects: deque[Case] = deque()

        async def work() -> None:
            while waiting:
                case = waiting.popleft()
                async with slots:
                    if not await self._one(build, case, programs[case.id], executor):
                        suspects.append(case)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.concurrency, len(waiting))):
                    group.create_task(work())
            while suspects:
                case = suspects.popleft()
                async with slots:
                    while not await self._one(build, case, programs[case.id], executor):
                        pass
            self.tell(LaneChanged(target=label, state="done"))
        finally:
            await self._end()

    async def _one(self, build: Build, case: Case, program: Program, executor: Executor) -> bool:
        """Run one case. False when its worker was lost to another case, so that it has to run again."""
        session = await self._ready(build)
        self.tell(ExecutionStarted(target=self.target.label, case=case.id))
        try:
            trace, recording = await executor.execute(session, self.target, self.style, case, program)
        except Innocent:
            return False
        self.finished(trace, recording)
        self.tell(ExecutionFinished(target=self.target.label, trace=trace))
        return True

    def _refuse(self, case: Case, why: str) -> None:
        trace = Trace(
            case=case.id,
            target=self.target.label,
            sdk_version=self.target.version,
            end="not built",
            detail=why,
            started=time.time(),
        )
        self.finished(trace, None)
        self.tell(ExecutionFinished(target=self.target.label, trace=trace))

    async def _ready(self, build: Build) -> Session:
        async with self._starting:
            if self._session is not None and self._session.alive:
                return self._session
            if self._session is not None:
                await self._session.close()
            for attempt in range(1, MOST_WORKERS_LOST + 1):
                session = Session(await self.runtime.launch(build), self.target.label)
                try:
                    await session.start(self.pack.spec.worker.start_timeout)
                except ParityError:
                    if attempt == MOST_WORKERS_LOST:
                        raise
                    continue
                self._session = session
                break
            assert self._session is not None
            return self._session

    async def _end(self) -> None:
        if self._session is not None:
            await self._session.close()

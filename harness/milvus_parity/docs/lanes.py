"""One target's fences: fetch the SDK, compile all in one build, run those that can be."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from milvus_parity.docs.building import Compiled, Complaint, compile_fences
from milvus_parity.docs.complaints import findings_of
from milvus_parity.docs.dialect import Dialect
from milvus_parity.docs.finding import Finding
from milvus_parity.docs.fixtures import Fixture, Unknown
from milvus_parity.docs.frames import Job, fence_pack, lent_names, make_job
from milvus_parity.docs.judging import Ran, judge_run
from milvus_parity.docs.page import Output
from milvus_parity.docs.plan import Member, Planned
from milvus_parity.docs.signatures import ask as ask_signatures
from milvus_parity.docs.tables import NONE, Signatures
from milvus_parity.engine.build import Built
from milvus_parity.engine.execution import Executor
from milvus_parity.engine.lane import Lane, Prepared
from milvus_parity.model.errors import ParityError
from milvus_parity.model.events import Event
from milvus_parity.model.scenario import Frozen
from milvus_parity.model.trace import Trace
from milvus_parity.model.wire import Recording
from milvus_parity.packs.pack import Pack
from milvus_parity.packs.render import Renderer
from milvus_parity.runtime.base import Runtime

if TYPE_CHECKING:
    from milvus_parity.docs.check import Settings

Place = tuple[str, int]
MOST_ALONE = 3
"""So many workers run fences that must not share theirs; each has at least two."""
_RUN = "#run"
"""Ends the key of a job that is only there to be run: its connections are not the page's."""


class LaneResult(Frozen, frozen=True, kw_only=True):
    """What became of a target's fences, by page and index."""

    findings: tuple[Finding, ...] = ()
    levels: Mapping[Place, Mapping[str, str]] = {}
    runs: Mapping[Place, Ran] = {}
    label: str = ""
    signatures: Signatures = NONE


async def check_lane(
    label: str,
    members: Sequence[Member],
    packs: Mapping[str, Pack],
    dialects: Mapping[str, Dialect],
    runtime: Runtime,
    executing: Awaitable[Executor] | None,
    slots: asyncio.Semaphore,
    settings: "Settings",
    planned: Planned,
    tell: Callable[[str], None],
) -> LaneResult:
    """Check them. A target that is not available checks nothing, and says why."""
    target = members[0].target
    why = planned.unavailable.get(label)
    if why is not None:
        return _not_checked(members, f"{label} is not available here: {why}")
    dialect = dialects[target.language]
    pack = fence_pack(packs[target.language], target.name)
    try:
        tell(f"{label}: fetching the SDK")
        sdk = await runtime.resolve(pack, target, tell)
        renderer = Renderer(pack, target, authorization=settings.authorization)
        jobs = await asyncio.to_thread(_jobs, members, renderer, dialect)
        known = asyncio.create_task(ask_signatures(runtime, sdk, packs[target.language], settings.authorization, tell))
        tell(f"{label}: compiling {len(members)} fences")
        compiled = await compile_fences(
            runtime, sdk, renderer, dialect, jobs, lambda line: tell(f"{label}: {line}"), settings.refusals
        )
    except ParityError as error:
        tell(f"{label}: {error}")
        return _not_checked(members, error.what)
    work = _Work(members, dialect, compiled, planned, own_server=settings.own_server)
    work.compiled_levels()
    if executing is not None and compiled.build is not None:
        tell(f"{label}: running {len(work.runnable())} fences")
        try:
            executor = await executing
            await work.run(pack, runtime, executor, slots)
        except (ParityError, OSError, ExceptionGroup) as error:
            work.could_not_run(str(error))
    return msgspec.structs.replace(work.result(), label=label, signatures=await known)


def _not_checked(members: Sequence[Member], why: str) -> LaneResult:
    words = dict.fromkeys(("compiles", "runs"), f"not checked: {why}")
    return LaneResult(levels={member.place: words for member in members})


def _key(member: Member) -> str:
    return f"{member.page.page.path}:{member.ready.code.fence.line}"


def _jobs(members: Sequence[Member], renderer: Renderer, dialect: Dialect) -> list[Job]:
    jobs: list[Job] = []
    for member in members:
        ready, page = member.ready, member.page
        fixture = ready.state if isinstance(ready.state, Fixture) else None
        apart = ready.code.connects or bool(lent_names(ready.chain, dialect))
        job = make_job(
            renderer,
            dialect,
            key=_key(member),
            number=len(jobs) + 1,
            path=page.page.path,
            chain=ready.chain,
            fixture=None if apart else fixture,
            names=(page.collection or "book", page.partition or "novel"),
            connections=not apart,
        )
        jobs.append(job)
        if apart and fixture is not None:
            jobs.append(
                make_job(
                    renderer,
                    dialect,
                    key=_key(member) + _RUN,
                    number=len(jobs) + 1,
                    path=page.page.path,
                    chain=ready.chain,
                    fixture=fixture,
                    names=(page.collection or "book", page.partition or "novel"),
                )
            )
    return jobs


class _Work:
    def __init__(
        self, members: Sequence[Member], dialect: Dialect, compiled: Compiled, planned: Planned, *, own_server: bool
    ) -> None:
        self.own_server = own_server
        self.members = {_key(member): member for member in members}
        self.dialect = dialect
        self.compiled = compiled
        self.planned = planned
        self.findings: list[Finding] = []
        self.levels: dict[Place, dict[str, str]] = {member.place: {} for member in members}
        self.runs: dict[Place, Ran] = {}

    def compiled_levels(self) -> None:
        """What the compiler says of each fence."""
        passed = {job.key for job in self.compiled.jobs}
        for key, member in self.members.items():
            levels = self.levels[member.place]
            state = member.ready.state
            levels["runs"] = f"not checked: {state.why}" if isinstance(state, Unknown) else "not checked: no server"
            if key in passed:
                levels["compiles"] = "passed"
                if isinstance(state, Fixture) and state.databases and not self.own_server:
                    levels["runs"] = "not checked: it makes or drops databases, and the server was there before"
            elif key in self.compiled.given_up:
                levels["compiles"] = f"not checked: {self.compiled.given_up[key]}"
            complaints: tuple[Complaint, ...] = self.compiled.complaints.get(key, ())
            if key in self.compiled.complaints:
                found, words = findings_of(member, complaints, self.dialect)
                self.findings += found
                levels.update(words)
                levels["runs"] = "not checked: it does not compile"
            elif key + _RUN in self.compiled.complaints:
                said = self.compiled.complaints[key + _RUN]
                why = said[0].message if said else "something is unused then"
                levels["runs"] = (
                    f"not checked: with its connection made to the server under test it does not compile: {why}"
                )

    def runnable(self) -> list[Job]:
        """Those that compiled and whose state is known."""
        return [job for job in self.compiled.jobs if job.runs and (self.own_server or not job.case.public)]

    async def run(self, pack: Pack, runtime: Runtime, executor: Executor, slots: asyncio.Semaphore) -> None:
        """Run them, several at once; each in a database of its own."""
        jobs = {job.key: job for job in self.runnable()}
        if not jobs or self.compiled.build is None:
            return

        def finished(trace: Trace, recording: Recording | None) -> None:
            self.finished(jobs[trace.case], trace, recording)

        target = next(iter(self.members.values())).target
        built = Built(build=self.compiled.build, programs=tuple(job.program for job in jobs.values()), refused={})
        prepared = Prepared(built=built, seconds=0.0)
        alone = [job.case for key, job in jobs.items() if self._outputs(key)]
        together = [job.case for key, job in jobs.items() if not self._outputs(key)]
        # The executions of a worker share its log: what one prints is only known when no other runs there.
        workers = min(MOST_ALONE, (len(alone) + 1) // 2)
        async with asyncio.TaskGroup() as group:
            for cases, single in [(together, False), *((alone[at::workers], True) for at in range(workers))]:
                lane = Lane(pack, target, runtime, _deaf, finished, lambda _target, _programs: None)
                lane.concurrency = 1 if single else lane.concurrency
                group.create_task(lane.run(prepared, cases, executor, slots))

    def _outputs(self, key: str) -> list[Output]:
        """What the page says a job's fence prints."""
        member = self.members[key.removesuffix(_RUN)]
        return [one for one in member.page.page.outputs if one.fence == member.ready.code.fence.index]

    def finished(self, job: Job, trace: Trace, recording: Recording | None) -> None:
        """Judge one run."""
        member = self.members[job.key.removesuffix(_RUN)]
        state = member.ready.state
        assert isinstance(state, Fixture)
        ran = judge_run(
            msgspec.structs.replace(job, key=job.key.removesuffix(_RUN)),
            trace,
            recording,
            fixture=state,
            language=self.dialect.language,
            doubt=self.planned.doubts.get(member.page.page.path),
            outputs=self._outputs(job.key),
            elsewhere=_elsewhere(member),
        )
        self.runs[member.place] = ran
        self.levels[member.place].update(ran.levels)
        self.findings += ran.findings

    def could_not_run(self, why: str) -> None:
        """The worker is of no use: what did not run says so."""
        for job in self.runnable():
            place = self.members[job.key.removesuffix(_RUN)].place
            if place not in self.runs:
                self.levels[place]["runs"] = f"not checked: {why}"

    def result(self) -> LaneResult:
        """All of it."""
        return LaneResult(findings=tuple(self.findings), levels=self.levels, runs=self.runs)


def _elsewhere(member: Member) -> frozenset[str]:
    """The names of collections and partitions that other fences of the page have, and this one has not."""
    ready = member.ready
    uses = [use for one in member.page.ready.values() for use in one.code.uses]
    names = {name for use in uses for name in (use.collection, *use.partitions) if name}
    known = "\n".join(code.plain for code in ready.chain) + str(ready.state)
    return frozenset(name for name in names if name not in known)


def _deaf(_event: Event) -> None:
    pass

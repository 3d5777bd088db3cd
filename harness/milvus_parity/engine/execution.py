"""One execution: a case run through a target, step by step, looked at from outside meanwhile."""

import asyncio
import time
from collections.abc import Mapping, Sequence

import msgspec

from milvus_parity.engine.databases import SERVER_DEFAULT, DatabasePool
from milvus_parity.engine.worker import Answer, CrashedError, ProtocolError, Session, WorkerGoneError
from milvus_parity.model.errors import ParityError
from milvus_parity.model.program import Program
from milvus_parity.model.scenario import Case, FaultStep, SdkStep, Step, Then
from milvus_parity.model.target import Target
from milvus_parity.model.trace import CollectionSnapshot, End, Observation, Snapshot, StepTrace, Trace
from milvus_parity.model.wire import Recording
from milvus_parity.packs.render import database_variable
from milvus_parity.servers.errors import ServerGone
from milvus_parity.wire.gateway import Endpoint, Gateway, GatewayError

GRACE = 5.0
"""Seconds that the observer may take beyond the execution's own limit before the harness gives up on it."""


LAST_WORDS = 0.05
"""Seconds that a worker's last words may take to arrive."""


class Innocent(Exception):  # noqa: N818 - not an error: the execution is to be run again
    """The worker ended because of another execution; this one is run again."""


class Credentials(msgspec.Struct, frozen=True):
    """What SDKs log in with. Never shown."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Credentials(...)"


class Executor:
    """Runs executions against one server. ``timeout`` is the limit of one, in seconds."""

    def __init__(
        self, *, pool: DatabasePool, gateway: Gateway, credentials: Credentials | None, timeout: float
    ) -> None:
        self.pool = pool
        self.gateway = gateway
        self.credentials = credentials
        self.timeout = timeout
        self._count = 0

    async def execute(
        self, session: Session, target: Target, style: str, case: Case, program: Program
    ) -> tuple[Trace, Recording]:
        """Run one case. Raises Innocent when another execution took the worker with it; never leaves a database."""
        self._count += 1
        work = _Execution(self, session, target, style, case, program, f"e{self._count}")
        return await work.run()


class _Execution:
    def __init__(
        self, executor: Executor, session: Session, target: Target, style: str, case: Case, program: Program, name: str
    ) -> None:
        self.executor = executor
        self.session = session
        self.target = target
        self.style = style
        self.case = case
        self.program = program
        self.name = name
        self.steps: list[StepTrace] = []
        self.observations: list[Observation] = []
        self.running: int | None = None
        self.unusable: set[str] = set()
        self.names: Mapping[str, str] = {}
        self.logged = session.connection.logged
        self.strayed = len(session.stray)

    async def run(self) -> tuple[Trace, Recording]:
        started, clock = time.time(), time.perf_counter()
        end: End = "done"
        detail: str | None = None
        recording = Recording(problem="the execution did not get as far as the server")
        address = ""
        try:
            async with _Place(self.executor, self.session, self.case) as (names, endpoint):
                self.names, address = names, endpoint.address
                clock = time.perf_counter()
                try:
                    end, detail = await self._drive(endpoint)
                    await self._observe(self.case.steps[-1], self.case.then, final=True)
                finally:
                    self.session.forget(self.name)
                    recording = await endpoint.close()
        except ProtocolError as error:
            end, detail = "harness error", str(error)
        except GatewayError as error:
            if not self.session.alive:  # and with the worker went its relay, before this execution had its address
                raise Innocent from error
            end, detail = "harness error", str(error)
        except ParityError as error:
            if end == "done":
                end = "no server" if isinstance(error, ServerGone) else "harness error"
            detail = detail or str(error)
        seconds = time.perf_counter() - clock
        trace = Trace(
            case=self.case.id,
            target=self.target.label,
            sdk_version=self.session.ready.sdk or self.target.version,
            end=end,
            steps=tuple(self.steps),
            observations=tuple(self.observations),
            running_step=self.running if end != "done" else None,
            detail=detail,
            log=await self._log(end),
            started=started,
            seconds=seconds,
            databases=self.names,
            address=address,
            wire="recorded" if recording.problem is None else f"not recorded: {recording.problem}",
        )
        return trace, recording

    async def _log(self, end: End) -> str:
        """What was printed meanwhile; what came on the protocol's stream and is none stands at the end."""
        await asyncio.sleep(0 if end == "done" else LAST_WORDS)
        stray = [f"not protocol, on standard output: {line}" for line in self.session.stray[self.strayed :]]
        return "\n".join([self.session.connection.log(self.logged), *stray]).strip("\n")

    async def _drive(self, endpoint: Endpoint) -> tuple[End, str | None]:
        limit = self.case.timeout or self.executor.timeout
        try:
            async with asyncio.timeout(limit):
                await self.session.run(self.name, self.program.name, self._variables(endpoint))
                if any(snippet.unsupported is None for snippet in self.program.snippets):
                    await self.session.waiting(self.name)
                for step in self.case.steps:
                    await self._take(step, endpoint)
                while not (await self.session.next(self.name)).done:
                    pass
            return "done", None
        except TimeoutError:
            await self.session.end_execution(self.name)
            return "hung", f"It did not end within {limit:g} s."
        except CrashedError as crash:
            return ("killed" if crash.by_limit else "crashed"), str(crash)
        except WorkerGoneError as gone:
            if not gone.alone:
                raise Innocent from gone
            return ("killed" if gone.by_limit else "crashed"), f"Its worker was lost: {gone.how}."

    async def _take(self, step: Step, endpoint: Endpoint) -> None:
        if isinstance(step, FaultStep):
            fault = {"gone": endpoint.cut, "mute": endpoint.mute, "back": endpoint.restore}[step.fault]
            await fault()
        else:
            await self._take_sdk_step(step, endpoint)
        if step.then is not None:
            await self._observe(step, step.then, final=False)

    async def _take_sdk_step(self, step: SdkStep, endpoint: Endpoint) -> None:
        snippet = next(snippet for snippet in self.program.snippets if snippet.step == step.id)
        if step.client in self.unusable:
            if snippet.unsupported is None:
                await self.session.say("skip", self.name, step.id)
            return
        if snippet.unsupported is not None:
            self.steps.append(StepTrace(step=step.id, outcome="unsupported", reason=snippet.unsupported))
            if step.operation == "connect":
                self.unusable.add(step.client)
            return
        await endpoint.set_step(step.id)
        self.running = step.id
        await self.session.say("go", self.name, step.id)
        answer = await self.session.next(self.name)
        self.steps.append(self._step_trace(step, answer))
        self.running = None
        if step.operation == "connect" and answer.outcome != "returned":
            self.unusable.add(step.client)

    def _step_trace(self, step: SdkStep, answer: Answer) -> StepTrace:
        outcome = answer.outcome
        if answer.step != step.id or outcome not in ("returned", "raised", "error value"):
            raise ProtocolError(
                f"The worker of {self.session.label} should tell of step {step.id}, but said: {_shown(answer)}"
            )
        return StepTrace(
            step=step.id,
            outcome="returned" if outcome == "returned" else "raised" if outcome == "raised" else "error value",
            value=answer.value,
            status=answer.status,
            error=answer.error,
            milliseconds=answer.milliseconds,
        )

    def _variables(self, endpoint: Endpoint) -> dict[str, str]:
        variables = {"address": endpoint.address, "uri": f"http://{endpoint.address}"}
        if self.executor.credentials is not None:
            variables |= {"user": self.executor.credentials.user, "password": self.executor.credentials.password}
        for logical, name in self.names.items():
            if logical in self.case.databases:
                variables[database_variable(logical, self.style)] = name
        return variables

    async def _observe(self, step: Step, then: Then | None, *, final: bool) -> None:
        if not final or not self.observations or self.observations[-1].after != step.id:
            asked = then.databases if then is not None else {}
            rows: dict[str, dict[str, Sequence[str]]] = {
                self.names[logical]: {
                    name: tuple(found.rows) for name, found in collections.items() if found.rows is not None
                }
                for logical, collections in asked.items()
                if logical in self.names
            }
            limit = (self.case.timeout or self.executor.timeout) + GRACE
            try:
                async with asyncio.timeout(limit):
                    found = await self.executor.pool.keeper.snapshot(
                        list(self.names.values()), rows, details=self.case.details
                    )
            except TimeoutError as error:
                raise ServerGone("snapshot", "", f"no answer within {limit:g} s", address="") from error
            self.observations.append(Observation(after=step.id, snapshot=self._logical(found)))

    def _logical(self, snapshot: Snapshot) -> Snapshot:
        databases: dict[str, Mapping[str, CollectionSnapshot]] = {}
        for logical, name in self.names.items():
            if name in snapshot.databases:
                collections = snapshot.databases[name]
                if logical == SERVER_DEFAULT:
                    own = self.case.databases[logical].collections
                    collections = {collection: held for collection, held in collections.items() if collection in own}
                databases[logical] = collections
        return Snapshot(databases=databases)


class _Place:
    """The databases and the address of an execution, for as long as it lasts."""

    def __init__(self, executor: Executor, session: Session, case: Case) -> None:
        self._databases = executor.pool.databases(case)
        self._gateway = executor.gateway
        self._relay = session.connection.relay

    async def __aenter__(self) -> tuple[dict[str, str], Endpoint]:
        names = await self._databases.__aenter__()
        try:
            return names, await self._gateway.open(self._relay)
        except BaseException as error:
            await self._databases.__aexit__(type(error), error, error.__traceback__)
            raise

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        await self._databases.__aexit__(kind, error, error.__traceback__ if error else None)


def _shown(answer: Answer) -> str:
    return msgspec.json.encode(answer)[:300].decode("utf-8", "replace")

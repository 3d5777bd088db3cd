"""Put a run together: server, runtime, gateways, engine, run folder; and take all of it down again."""

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from milvus_parity import __version__
from milvus_parity.cli.runtimes import notes_of, open_runtime
from milvus_parity.cli.stopping import CleaningStack, stopped_by_signals
from milvus_parity.cli.targets import choose
from milvus_parity.engine.databases import sweep
from milvus_parity.engine.execution import Credentials
from milvus_parity.engine.plan import plan
from milvus_parity.engine.run import Engine, Server, Settings, Stop
from milvus_parity.model.errors import BadInputError, NotAvailableError
from milvus_parity.model.events import RunStarted, ServerProgress, Subscriber
from milvus_parity.model.run import PackRules, RunHeader, Shard, Unavailable
from milvus_parity.model.run import ServerInfo as StoredServer
from milvus_parity.model.scenario import Case, Frozen
from milvus_parity.model.target import Target
from milvus_parity.model.trace import Trace
from milvus_parity.packs.discover import all_target_names
from milvus_parity.packs.pack import Pack
from milvus_parity.runtime.base import Runtime
from milvus_parity.servers.base import Server as MilvusServer
from milvus_parity.servers.base import ServerInfo, server_for, version_in_advance
from milvus_parity.store.writer import RunWriter

if TYPE_CHECKING:
    from milvus_parity.servers.observer import Observer
    from milvus_parity.wire.gateway import Gateway


class Wishes(Frozen, frozen=True, kw_only=True):
    """What a run is asked for; times in seconds."""

    targets: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    milvus: str = "embedded"
    runtime: str = "auto"
    jobs: int = 16
    timeout: float = 60.0
    record: bool = True
    out: Path | None = None
    cache: Path
    options: Mapping[str, object] = {}
    shard: Shard | None = None
    known_cases: tuple[str, ...] = ()
    """The ids of all cases there are, selected or not."""


class Session(Frozen, frozen=True, kw_only=True):
    """What came of a run: the folder it was written to and how it ended."""

    folder: Path
    ended: Stop


def new_run_folder(out: Path | None) -> Path:
    """The folder of a new run. Raises BadInputError when it cannot be written."""
    folder = out or Path("parity-runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BadInputError(
            f"The run's folder cannot be written: {error.strerror}.",
            where=str(folder),
            hint="Choose another: --out DIR",
        ) from error
    if (folder / "run.json").exists():
        raise BadInputError("This folder already holds a run.", where=str(folder), hint="Choose another: --out DIR")
    return folder


async def available(
    runtime: Runtime, packs: Mapping[str, Pack], targets: Sequence[Target]
) -> tuple[list[tuple[Pack, Target]], list[Unavailable]]:
    """Part the targets into those whose toolchain is here and those that lack something."""
    languages = list(dict.fromkeys(target.language for target in targets))
    answers = await asyncio.gather(*(runtime.missing(packs[language]) for language in languages))
    lacking = dict(zip(languages, answers, strict=True))
    usable: list[tuple[Pack, Target]] = []
    unusable: list[Unavailable] = []
    for target in targets:
        missing = lacking[target.language]
        if missing is None:
            usable.append((packs[target.language], target))
        else:
            unusable.append(Unavailable(name=target.label, language=target.language, missing=missing))
    return usable, unusable


def check_required(required: Sequence[str], unusable: Sequence[Unavailable]) -> None:
    """Raise NotAvailableError for a target that must be there and is not."""
    for wanted in required:
        for target in unusable:
            if wanted in (target.name, target.name.partition("@")[0], target.language):
                raise NotAvailableError(
                    f"{target.name} is required, but not available here: {target.missing.what}.",
                    hint=f"Install it: {target.missing.install}" if target.missing.install else None,
                )


def credentials_of(info: ServerInfo) -> Credentials | None:
    """What SDKs log in with; None for a server without authorisation. Raises BadInputError for an API key."""
    if not info.credential:
        return None
    user, separator, password = info.credential.partition(":")
    if not separator:
        raise BadInputError(
            "The token is an API key; not all SDKs under test can log in with one.",
            hint="Give a user and a password: MILVUS_PARITY_USER, MILVUS_PARITY_PASSWORD.",
        )
    return Credentials(user, password)


async def run_session(
    wishes: Wishes,
    packs: Mapping[str, Pack],
    cases: Sequence[Case],
    tell: Subscriber,
    *,
    stop_after: Callable[[Trace], bool] = lambda _trace: False,
) -> Session:
    """Run cases and write the run folder. Leaves no process, container, database or temporary folder behind."""
    folder = new_run_folder(wishes.out)
    server = server_for(
        wishes.milvus,
        cache_dir=wishes.cache,
        environ=os.environ,
        on_progress=lambda line: tell(ServerProgress(line=line)),
    )
    known = version_in_advance(wishes.milvus)
    async with CleaningStack() as stack:
        stack.push_async_callback(server.stop)
        starting = asyncio.create_task(server.start())
        stack.push_async_callback(_give_up, starting)
        runtime = await open_runtime(
            wishes.runtime,
            folder.name,
            wishes.cache,
            lambda line: tell(ServerProgress(line=line)),
            packs=_meant(packs, wishes.targets),
        )
        stack.push_async_callback(runtime.close)
        info = None if known else await starting
        version = known or (info.version if info else "")
        targets, told = await choose(
            packs, wishes.targets, version, wishes.cache, lambda line: tell(ServerProgress(line=line))
        )
        usable, unusable = await available(runtime, packs, targets)
        check_required(wishes.require, unusable)
        if not usable:
            lines = "\n  ".join(f"{one.name}: {one.missing.what}. {one.missing.install or ''}" for one in unusable)
            raise NotAvailableError("None of the targets is available here.", hint=lines)
        authorization = known is not None or bool(info and info.credential)
        engine = Engine(
            runtime=runtime,
            settings=Settings(jobs=wishes.jobs, timeout=wishes.timeout, authorization=authorization),
            tell=tell,
            stop_after=stop_after,
        )
        stack.push_async_callback(engine.close)
        planned = plan(cases, server_version=version, features=info.features) if info else None
        engine.prepare(usable, planned.cases if planned else cases)
        info = await starting
        planned = planned or plan(cases, server_version=info.version, features=info.features)
        header = RunHeader(
            id=folder.name,
            started=time.time(),
            harness_version=__version__,
            server=StoredServer(
                kind=info.kind, version=info.version, address=info.address, features=tuple(sorted(info.features))
            ),
            targets=tuple(target for _, target in usable),
            unavailable=tuple(unusable),
            known_targets=tuple(all_target_names(packs)),
            known_cases=wishes.known_cases,
            options=wishes.options,
            runtime=runtime.name,
            packs={pack.language: PackRules.of(pack.spec) for pack, _ in usable},
            cases=tuple(cases),
            not_applicable=planned.not_applicable,
            shard=wishes.shard,
            notes=(*notes_of(runtime), *told),
        )
        writer = RunWriter(folder, header)
        tell(RunStarted(header=header, folder=str(folder), executions=len(planned.cases) * len(usable)))
        ended = await _run(engine, server, info, runtime, writer, planned.cases, wishes.record, stack)
    return Session(folder=folder, ended=ended)


async def _run(
    engine: Engine,
    server: MilvusServer,
    info: ServerInfo,
    runtime: Runtime,
    writer: RunWriter,
    cases: Sequence[Case],
    record: bool,
    stack: contextlib.AsyncExitStack,
) -> Stop:
    observer = await observer_of(info)
    stack.push_async_callback(observer.close)
    gateway = gateway_for(info, runtime, record=record)
    stack.push_async_callback(gateway.close)
    with stopped_by_signals(lambda: engine.stop("interrupted")):
        return await engine.run(
            cases,
            writer=writer,
            server=Server(keeper=observer, gateway=gateway, credentials=credentials_of(info), alive=server.alive),
        )


async def observer_of(info: ServerInfo) -> "Observer":
    """The harness's own connection, opened. What killed runs have left on a server that stays is removed."""
    from milvus_parity.servers.observer import Observer

    observer = Observer(info)
    await observer.connect()
    if info.kind == "external" and "databases" in info.features:
        try:
            await sweep(observer)
        except BaseException:
            await observer.close()
            raise
    return observer


def gateway_for(info: ServerInfo, runtime: Runtime, *, record: bool) -> "Gateway":
    """The gateways through which workers reach the server."""
    from milvus_parity.wire.gateway import RecordingGateways
    from milvus_parity.wire.upstream import Upstream

    upstream = Upstream.to(info.host, info.port, tls=info.tls, ca=info.tls_ca, server_name=info.host)
    return RecordingGateways(upstream, host=runtime.gateway_host, record=record)


def _meant(packs: Mapping[str, Pack], wanted: Sequence[str]) -> list[Pack]:
    names = {text.partition("@")[0] for text in wanted}
    meant = [pack for pack in packs.values() if not names or names & {pack.language, *pack.spec.targets}]
    return meant[::-1]


async def _give_up(task: "asyncio.Task[ServerInfo]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task

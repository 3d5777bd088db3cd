"""Run one case with releases of one SDK, as far as it is not known yet what comes of it."""

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from milvus_parity import __version__
from milvus_parity.cli.runtimes import open_runtime
from milvus_parity.cli.session import available, credentials_of, gateway_for, observer_of
from milvus_parity.cli.stopping import cleaning, run, stopped_by_signals
from milvus_parity.engine.plan import plan
from milvus_parity.engine.run import Engine, Server, Settings, stored
from milvus_parity.model.errors import NotAvailableError
from milvus_parity.model.events import Event, LaneChanged
from milvus_parity.model.run import PackRules, RunHeader
from milvus_parity.model.scenario import Case
from milvus_parity.model.target import Target
from milvus_parity.packs.discover import target_of
from milvus_parity.packs.pack import Pack
from milvus_parity.packs.render import Renderer
from milvus_parity.runtime import temporary
from milvus_parity.runtime.base import Runtime
from milvus_parity.runtime.process import digest
from milvus_parity.servers.base import Server as MilvusServer
from milvus_parity.servers.base import ServerInfo, server_for, version_in_advance
from milvus_parity.store.outcomes import KeptOutcome, OutcomeCache
from milvus_parity.store.reader import read_run
from milvus_parity.store.writer import RunWriter

LAYOUT = 1
"""Raised when outcomes that an older harness kept mean something else now."""


class Prober:
    """Answers what a case comes to with a release. Nothing is started before something has to be run; close it."""

    def __init__(
        self,
        pack: Pack,
        name: str,
        case: Case,
        *,
        milvus: str,
        runtime: str,
        timeout: float,
        cache: Path,
        tell: Callable[[str], None],
    ) -> None:
        self.pack = pack
        self.name = name
        self.case = case
        self.milvus = milvus
        self.timeout = timeout
        self.cache = cache
        self.tell = tell
        self.ran: list[str] = []
        """The releases that had to be run."""
        self._runtime_choice = runtime
        self._kept = OutcomeCache(cache / "outcomes")
        self._stack = contextlib.AsyncExitStack()
        self._server: MilvusServer | None = None
        self._info: ServerInfo | None = None
        self._runtime: Runtime | None = None
        self._folder: Path | None = None

    async def ask(self, versions: Sequence[str]) -> dict[str, KeptOutcome]:
        """What the case comes to, by version. Raises NotAvailableError when nothing can be run at all."""
        targets = [target_of(self.pack, self.name, version) for version in versions]
        server = version_in_advance(self.milvus)
        if server is None:
            info = await self._started()
            server = f"{info.kind} {info.version}"
        authorization = self._info is None or bool(self._info.credential)
        keys = {target.version: self._key(target, server, authorization) for target in targets}
        known = {version: kept for version, key in keys.items() if (kept := self._kept.get(key)) is not None}
        if missing := [target for target in targets if target.version not in known]:
            for version, outcome in (await self._run(missing)).items():
                self._kept.put(keys[version], outcome)
                known[version] = outcome
        return known

    def _key(self, target: Target, server: str, authorization: bool) -> str:
        """The program as it is compiled, the SDK, the server: what an outcome depends on."""
        renderer = Renderer(self.pack, target, authorization=authorization)
        sources = renderer.sources([renderer.program(self.case, 1)])
        case = _without_places(msgspec.to_builtins(self.case))
        return digest(LAYOUT, sources, case, target.label, target.package, server, self.timeout)

    async def _started(self) -> ServerInfo:
        if self._info is None:
            self._server = server_for(
                self.milvus, cache_dir=self.cache, environ=os.environ, on_progress=lambda line: self.tell(line)
            )
            self._stack.push_async_callback(self._server.stop)
            self._info = await self._server.start()
            applicable = plan([self.case], server_version=self._info.version, features=self._info.features)
            if why := applicable.not_applicable.get(self.case.id):
                raise NotAvailableError(f"{self.case.id} cannot run here: {why}.")
        return self._info

    async def _run(self, targets: Sequence[Target]) -> dict[str, KeptOutcome]:
        info = await self._started()
        assert self._server is not None
        if self._runtime is None:
            self._folder = temporary.make(self.cache / "temporary")
            self._stack.callback(_remove, self._folder)
            self._runtime = await open_runtime(
                self._runtime_choice, self._folder.name, self.cache, self.tell, [self.pack]
            )
            self._stack.push_async_callback(self._runtime.close)
        usable, unusable = await available(self._runtime, {self.pack.language: self.pack}, targets)
        if unusable:
            missing = unusable[0].missing
            raise NotAvailableError(f"{unusable[0].name} is not available here: {missing.what}.", hint=missing.install)
        header = self._header(targets)
        assert self._folder is not None
        folder = self._folder / f"run-{len(self.ran)}"
        folder.mkdir()
        observer = await observer_of(info)
        gateway = gateway_for(info, self._runtime, record=True)
        engine = Engine(
            runtime=self._runtime,
            settings=Settings(jobs=4, timeout=self.timeout, authorization=bool(info.credential)),
            tell=self._event,
        )
        try:
            engine.prepare(usable, [self.case])
            with stopped_by_signals(lambda: engine.stop("interrupted")):
                ended = await engine.run(
                    [self.case],
                    writer=RunWriter(folder, header),
                    server=Server(
                        keeper=observer,
                        gateway=gateway,
                        credentials=credentials_of(info),
                        alive=self._server.alive,
                    ),
                )
        finally:
            await engine.close()
            await gateway.close()
            await observer.close()
        if ended.end == "interrupted":
            raise KeyboardInterrupt
        if ended.end != "complete":
            raise NotAvailableError(f"The run was not finished: {ended.detail or ended.end}.")
        self.ran += [target.version for target in targets]
        record = read_run(folder)
        outcomes = {}
        for trace in record.traces(self.case.id):
            version = trace.target.partition("@")[2]
            outcomes[version] = KeptOutcome(
                trace=trace,
                wire=record.wire(self.case.id, trace.target),
                program=record.program(self.case.id, trace.target) or self._program(trace.target),
            )
        return outcomes

    def _program(self, label: str) -> Any:
        target = target_of(self.pack, self.name, label.partition("@")[2])
        return stored(Renderer(self.pack, target).program(self.case, 1), target)

    def _header(self, targets: Sequence[Target]) -> RunHeader:
        return RunHeader(
            id="bisect",
            started=time.time(),
            harness_version=__version__,
            targets=tuple(targets),
            packs={self.pack.language: PackRules.of(self.pack.spec)},
            cases=(self.case,),
        )

    def _event(self, event: Event) -> None:
        if isinstance(event, LaneChanged) and event.state in ("resolving", "building", "running"):
            self.tell(f"{event.target}: {event.state}")

    async def close(self) -> None:
        """Stop what was started, and remove what it left."""
        await self._stack.aclose()


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _without_places(value: Any) -> Any:
    """A case without where it was read from, what it is called and what is expected of it."""
    left_out = {"location", "title", "docs", "expect"}
    if isinstance(value, Mapping):
        return {name: _without_places(one) for name, one in value.items() if name not in left_out}
    if isinstance(value, list | tuple):
        return [_without_places(one) for one in value]
    return value


def run_with(prober: Prober, work: Callable[[Prober], Any]) -> Any:
    """Run a coroutine function with a prober, and take down what it started."""

    async def all_of_it() -> Any:
        try:
            return await work(prober)
        finally:
            cleaning()
            await prober.close()

    return run(all_of_it())

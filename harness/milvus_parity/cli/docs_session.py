"""Put a check of pages together: server, runtime, gateway, checker; and take all of it down again."""

import asyncio
import contextlib
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from milvus_parity.cli.runtimes import notes_of, open_runtime
from milvus_parity.cli.session import available, credentials_of, gateway_for, observer_of
from milvus_parity.cli.stopping import CleaningStack
from milvus_parity.docs.check import Settings, check, report_of, static_findings
from milvus_parity.docs.dialect import Dialect
from milvus_parity.docs.finding import Report
from milvus_parity.docs.fixing import fixed
from milvus_parity.docs.pages import ReadyPage
from milvus_parity.docs.plan import Planned, plan
from milvus_parity.docs.refusals import Refusals
from milvus_parity.engine.run import Server
from milvus_parity.model.errors import BadInputError
from milvus_parity.model.scenario import Frozen
from milvus_parity.packs.pack import Pack
from milvus_parity.runtime.base import Runtime
from milvus_parity.servers.base import server_for, version_in_advance

DEFAULT_SERVER = "2.3.5"
"""What versions follow when nothing is run and the pages do not say which line they are for."""


class DocsWishes(Frozen, frozen=True, kw_only=True):
    """What a check is asked for."""

    targets: tuple[str, ...] = ()
    milvus: str = "embedded"
    runtime: str = "auto"
    run: bool = True
    compile: bool = True
    jobs: int = 8
    timeout: float = 60.0
    cache: Path
    fix: bool = False
    write: bool = False


def versions_of(targets: Sequence[str], packs: Mapping[str, Pack]) -> tuple[dict[str, str], set[str]]:
    """What ``--target`` says: versions by target or language, and the languages that are asked for (empty: all)."""
    names = {name: pack.language for pack in packs.values() for name in pack.spec.targets}
    versions: dict[str, str] = {}
    languages: set[str] = set()
    for text in targets:
        name, _, version = text.partition("@")
        if name not in names and name not in packs:
            raise BadInputError(f"There is no target {name!r}.", hint=f"Known: {', '.join((*packs, *names))}.")
        languages.add(names.get(name, name))
        if version:
            versions[name] = version
    return versions, languages


async def check_pages(
    pages: Sequence[ReadyPage],
    wishes: DocsWishes,
    packs: Mapping[str, Pack],
    dialects: Mapping[str, Dialect],
    tell: Callable[[str], None],
    allow: Callable[[Runtime], None],
) -> tuple[Report, str]:
    """Check pages; the report, and the patch where one is asked for. Leaves nothing behind.

    ``allow`` raises when code of strangers must not be run in this runtime.
    """
    versions, _ = versions_of(wishes.targets, packs)
    spoken = {one.code.fence.language for page in pages for one in page.ready.values()}
    async with CleaningStack() as stack:
        runtime = await open_runtime(
            wishes.runtime if wishes.compile else "process",
            f"docs-{secrets.token_hex(3)}",
            wishes.cache,
            tell,
            [pack for language, pack in packs.items() if language in spoken],
        )
        stack.push_async_callback(runtime.close)
        serving = None
        version = version_in_advance(wishes.milvus)
        if wishes.run:
            allow(runtime)
            serving = asyncio.create_task(_serve(wishes, runtime, stack, tell))
            stack.push_async_callback(_give_up, serving)
            if version is None:
                _, version = await serving
        version = version or DEFAULT_SERVER
        planned = plan(pages, packs, dialects, server_version=version, versions=versions)
        planned = await _with_unavailable(planned, packs, runtime)
        settings = Settings(
            jobs=wishes.jobs,
            timeout=wishes.timeout,
            authorization=wishes.milvus != "lite",
            own_server=wishes.milvus in ("embedded", "lite") or wishes.milvus.startswith("container"),
            refusals=Refusals(wishes.cache / "docs" / runtime.name),
        )
        lanes = planned if wishes.compile else Planned(lanes={}, target_of=planned.target_of)
        found, results = await check(
            pages, lanes, packs, dialects, runtime, _server_of(serving) if serving else None, settings, tell
        )
        findings = [*static_findings(pages, dialects), *found]
        notes = notes_of(runtime)
        server = version if serving is not None else None
        report = report_of(pages, findings, results, server=server, planned=planned, notes=notes)
        if not wishes.fix:
            return report, ""

        async def again(patched: Sequence[ReadyPage]) -> Report:
            replanned = plan(patched, packs, dialects, server_version=version, versions=versions)
            replanned = await _with_unavailable(replanned, packs, runtime)
            used = replanned if wishes.compile else Planned(lanes={}, target_of=replanned.target_of)
            found, results = await check(
                patched, used, packs, dialects, runtime, _server_of(serving) if serving else None, settings, tell
            )
            return report_of(
                patched, [*static_findings(patched, dialects), *found], results, server=server, planned=replanned
            )

        fixes = await fixed(pages, report, planned, packs, dialects, again)
        for line in fixes.notes:
            tell(line)
        if wishes.write:
            fixes.write()
    return report, fixes.patch


async def _server_of(serving: "asyncio.Task[tuple[Server, str]]") -> Server:
    return (await serving)[0]


async def _serve(
    wishes: DocsWishes, runtime: Runtime, stack: contextlib.AsyncExitStack, tell: Callable[[str], None]
) -> tuple[Server, str]:
    """Start the server, and all that stands between it and the fences."""
    milvus = server_for(wishes.milvus, cache_dir=wishes.cache, environ=os.environ, on_progress=tell)
    stack.push_async_callback(milvus.stop)
    info = await milvus.start()
    observer = await observer_of(info)
    stack.push_async_callback(observer.close)
    gateway = gateway_for(info, runtime, record=True)
    stack.push_async_callback(gateway.close)
    credentials = credentials_of(info)
    return Server(keeper=observer, gateway=gateway, credentials=credentials, alive=milvus.alive), info.version


async def _give_up(task: "asyncio.Task[tuple[Server, str]]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task


async def _with_unavailable(planned: Planned, packs: Mapping[str, Pack], runtime: Runtime) -> Planned:
    targets = [members[0].target for members in planned.lanes.values()]
    _, lacking = await available(runtime, packs, targets)
    missing = {
        one.name: one.missing.what + (f" Install: {one.missing.install}" if one.missing.install else "")
        for one in lacking
    }
    return msgspec.structs.replace(planned, unavailable=missing)

"""Check pages: static findings, then compile and run their fences through the packs, target by target at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from milvus_parity.docs import static
from milvus_parity.docs.dialect import Dialect
from milvus_parity.docs.finding import OF_AN_SDK, FenceResult, Finding, PageResult, Report, ordered
from milvus_parity.docs.fixtures import Fixture, Unknown
from milvus_parity.docs.judging import Ran
from milvus_parity.docs.lanes import LaneResult, check_lane
from milvus_parity.docs.pages import ReadyPage
from milvus_parity.docs.plan import Planned
from milvus_parity.docs.prose import check_prose
from milvus_parity.docs.refusals import Refusals
from milvus_parity.docs.shell import check_shell
from milvus_parity.docs.surface import check_members, misnamed_class
from milvus_parity.docs.tables import NONE, check_tables, joined
from milvus_parity.docs.tabs import certain, judge_tabs
from milvus_parity.docs.topic import check_topics
from milvus_parity.engine.databases import DatabasePool
from milvus_parity.engine.execution import Executor
from milvus_parity.engine.run import DATABASES, Server
from milvus_parity.model.scenario import Frozen
from milvus_parity.packs.pack import Pack
from milvus_parity.runtime.base import Runtime

Tell = Callable[[str], None]


class Settings(Frozen, frozen=True, kw_only=True):
    """``timeout``: seconds for one fence. ``jobs``: fences at once. ``authorization``: the server wants credentials.

    ``refusals``: what compilers said before. ``own_server``: it was started for this check, so that fences may make and
    drop databases.
    """

    jobs: int = 8
    timeout: float = 60.0
    authorization: bool = True
    refusals: Refusals = Refusals(None)
    own_server: bool = False


async def check(
    pages: Sequence[ReadyPage],
    planned: Planned,
    packs: Mapping[str, Pack],
    dialects: Mapping[str, Dialect],
    runtime: Runtime,
    serving: Awaitable[Server] | None,
    settings: Settings,
    tell: Tell,
) -> tuple[list[Finding], dict[tuple[str, int], FenceResult]]:
    """Compile all fences, and run those whose state is known. ``serving``: the server, once it is there; None: nothing
    is run. Fences are compiled while it starts."""
    pools: list[DatabasePool] = []

    async def executor_of(serving: Awaitable[Server]) -> Executor:
        server = await serving
        pools.append(DatabasePool(server.keeper, size=DATABASES))
        return Executor(pool=pools[0], gateway=server.gateway, credentials=server.credentials, timeout=settings.timeout)

    executor = asyncio.create_task(executor_of(serving)) if serving is not None else None
    slots = asyncio.Semaphore(settings.jobs)
    try:
        lanes = await asyncio.gather(
            *(
                check_lane(target, members, packs, dialects, runtime, executor, slots, settings, planned, tell)
                for target, members in planned.lanes.items()
            )
        )
    finally:
        if executor is not None:
            await asyncio.gather(executor, return_exceptions=True)
        for pool in pools:
            await pool.close()
    findings, results = merge(pages, planned, lanes)
    signatures = {lane.label: lane.signatures for lane in lanes}
    for page in pages:
        asked = {language: dialects[language] for language in page.asked if language in dialects}
        targets = {index: planned.target_of[(page.page.path, index)] for index in page.ready}
        known = {index: signatures[label] for index, label in targets.items() if label in signatures}
        of_language = {
            language: joined(known[index] for index in known if page.ready[index].code.fence.language == language)
            for language in asked
        }
        findings = [
            misnamed_class(one, of_language.get(one.language or "", NONE)) if one.path == page.page.path else one
            for one in findings
        ]
        findings += check_tables(page, asked, of_language)
        members = list(check_members(page, asked, known, targets))
        findings += members
        for index in {index for index in page.ready for one in members if one.fence == _lines(page, index)}:
            result = results[(page.page.path, index)]
            results[(page.page.path, index)] = msgspec.structs.replace(
                result, levels={**result.levels, "compiles": "failed"}
            )
    return findings, results


def _lines(page: ReadyPage, index: int) -> tuple[int, int]:
    fence = page.ready[index].code.fence
    return fence.line, fence.last


def merge(
    pages: Sequence[ReadyPage], planned: Planned, lanes: Sequence[LaneResult]
) -> tuple[list[Finding], dict[tuple[str, int], FenceResult]]:
    """Put together what the lanes found, and compare tabs."""
    findings: list[Finding] = []
    levels: dict[tuple[str, int], dict[str, str]] = {}
    runs: dict[tuple[str, int], Ran] = {}
    for lane in lanes:
        findings += lane.findings
        runs |= lane.runs
        for place, found in lane.levels.items():
            levels.setdefault(place, {}).update(found)
    for ready in pages:
        for group in ready.page.groups:
            tabs: dict[str, Ran] = {}
            for fence in ready.page.fences:
                if fence.group == group.index and fence.role == "tab" and fence.language:
                    run = runs.get((ready.page.path, fence.index))
                    if run is not None:
                        tabs.setdefault(fence.language, run)
            fixtures = {
                run.job.key: one.state
                for run in tabs.values()
                for one in [ready.ready[run.job.code.fence.index]]
                if isinstance(one.state, Fixture)
            }
            sure = certain(list(tabs.values()), fixtures)
            findings = [sure.get(one, one) for one in findings]
            for finding in sure.values():
                levels[(ready.page.path, _fence_at(ready, finding))]["runs"] = "failed"
            different = judge_tabs(group, list(tabs.values()), fixtures)
            findings += different
            odd = {one.fence for one in different if one.severity == "error"}
            for run in tabs.values():
                fence = run.job.code.fence
                if run.effect is not None and len(tabs) > 1:
                    word = "failed" if (fence.line, fence.last) in odd else "passed"
                    levels.setdefault((ready.page.path, fence.index), {})["tabs"] = word
    results = {}
    for ready in pages:
        for fence in ready.page.fences:
            key = (ready.page.path, fence.index)
            one = ready.ready.get(fence.index)
            results[key] = FenceResult(
                path=ready.page.path,
                index=fence.index,
                line=fence.line,
                last=fence.last,
                word=fence.word,
                language=fence.language,
                target=planned.target_of.get(key),
                operations=one.code.operations if one else (),
                levels={"parses": "passed", **levels.get(key, {})} if one else {},
                skipped=ready.skipped.get(fence.index),
                state=_state(one.state) if one else None,
                hidden=fence.hidden,
            )
    return findings, results


def _fence_at(ready: ReadyPage, finding: Finding) -> int:
    return next(fence.index for fence in ready.page.fences if (fence.line, fence.last) == finding.fence)


def _state(state: Fixture | Unknown) -> str:
    if isinstance(state, Unknown):
        return f"unknown: {state.why}"
    return f"{state}{' (declared)' if state.declared else ''}"


def static_findings(pages: Sequence[ReadyPage], dialects: Mapping[str, Dialect]) -> list[Finding]:
    """What needs neither toolchain nor server."""
    found: list[Finding] = []
    for ready in pages:
        path = ready.page.path
        found.extend(
            Finding(
                path=path,
                line=problem.line,
                column=problem.column,
                level="page",
                kind="unbalanced",
                severity="warning",
                message=problem.message,
            )
            for problem in ready.page.problems
        )
        for one in ready.ready.values():
            dialect = dialects[one.code.fence.language or ""]
            reader = static.Reader(path, one.code, dialect)
            right = {}
            if ready.collection:
                right["collection"] = f'collection = Collection("{ready.collection}")'
            found += reader.all()
            found += reader.context(one.defined, right)
        found += check_shell(ready)[0]
        found += check_topics(ready)
    found += check_prose(pages)
    codes = [
        (ready.page.path, one.code, dialects[one.code.fence.language or ""])
        for ready in pages
        for one in ready.ready.values()
    ]
    return found + static.releases(codes)


def _in_doubt(one: Finding, hidden: set[tuple[str, tuple[int, int]]], planned: Planned) -> Finding:
    """An error is a warning where readers do not see it, or where the SDK is not that of the page."""
    if one.severity != "error":
        return one
    why = planned.strange.get((one.path, one.language or "")) if one.kind in OF_AN_SDK else None
    if one.fence is not None and (one.path, one.fence) in hidden:
        why = "readers do not see this fence"
    return one if why is None else msgspec.structs.replace(one, severity="warning", message=f"{one.message} ({why})")


def report_of(
    pages: Sequence[ReadyPage],
    findings: Sequence[Finding],
    results: Mapping[tuple[str, int], FenceResult],
    *,
    server: str | None,
    planned: Planned,
    notes: Sequence[str] = (),
) -> Report:
    """All of it as one value."""
    skipped: dict[str, int] = {}
    for result in results.values():
        if result.skipped is not None:
            reason = result.skipped.partition(":")[0]
            skipped[reason] = skipped.get(reason, 0) + 1
    hidden = {
        (ready.page.path, (fence.line, fence.last)) for ready in pages for fence in ready.page.fences if fence.hidden
    }
    told = [_in_doubt(one, hidden, planned) for one in findings]
    return Report(
        server=server,
        pages=tuple(
            PageResult(
                path=ready.page.path,
                docs_version=ready.docs_version,
                fences=tuple(results[(ready.page.path, fence.index)] for fence in ready.page.fences),
                groups=len(ready.page.groups),
                tables=len(ready.page.tables),
            )
            for ready in pages
        ),
        findings=ordered(told),
        fences=len(results),
        checked=sum(result.skipped is None for result in results.values()),
        skipped=dict(sorted(skipped.items())),
        targets=tuple(sorted(set(planned.target_of.values()))),
        unavailable=planned.unavailable,
        notes=tuple(notes),
    )

"""Compile all fences of a target in one go; those that do not compile are set aside with the compiler's words."""

import asyncio
import re
from collections.abc import Mapping, Sequence

import msgspec

from milvus_parity.docs.dialect import Dialect
from milvus_parity.docs.frames import Job
from milvus_parity.docs.refusals import Refusal, Refusals
from milvus_parity.engine.build import blame
from milvus_parity.model.scenario import Frozen
from milvus_parity.packs.render import Renderer
from milvus_parity.runtime.base import Build, BuildError, CompileError, Progress, Runtime, Sdk

MOST_ATTEMPTS = 20
"""A compiler may tell of one file at a time; after so many builds the rest is given up."""


class Complaint(Frozen, frozen=True, kw_only=True):
    """What a compiler says of a fence: its place in the page's file. ``chain``: which fence of the chain it is in."""

    chain: int
    line: int
    column: int
    message: str


class Compiled(Frozen, frozen=True, kw_only=True):
    """``build`` is None when nothing compiles. ``complaints``: job -> what is wrong. ``given_up``: job -> why."""

    build: Build | None
    jobs: tuple[Job, ...]
    complaints: Mapping[str, tuple[Complaint, ...]]
    given_up: Mapping[str, str] = {}


async def compile_fences(
    runtime: Runtime,
    sdk: Sdk,
    renderer: Renderer,
    dialect: Dialect,
    jobs: Sequence[Job],
    progress: Progress,
    refusals: Refusals,
) -> Compiled:
    """Build all. Raises ParityError when the compiler itself cannot be started."""
    remaining = list(jobs)
    complaints: dict[str, tuple[Complaint, ...]] = {}
    for _ in range(MOST_ATTEMPTS):
        if not remaining:
            break
        sources = await asyncio.to_thread(renderer.sources, [job.program for job in remaining])
        refusal = refusals.find(sdk, sources)
        if refusal is None:
            try:
                build = await runtime.build(sdk, sources, progress)
                return Compiled(build=build, jobs=tuple(remaining), complaints=complaints)
            except BuildError as error:
                why = str(error)
                refusal = Refusal(errors=error.errors, output=error.output)
                if blame([job.program for job in remaining], error.errors):
                    refusals.keep(sdk, sources, refusal)
        else:
            why = "the compiler refused it before"
        by_name = {job.program.name: job for job in remaining}
        blamed = blame([job.program for job in remaining], refusal.errors)
        if not blamed:
            given_up = {job.key: why for job in remaining}
            return Compiled(build=None, jobs=(), complaints=complaints, given_up=given_up)
        for name, (_, errors) in blamed.items():
            job = by_name[name]
            complaints[job.key] = tuple(_complaints(job, errors, refusal.output, dialect))
        remaining = [job for job in remaining if job.program.name not in blamed]
        progress(f"{len(blamed)} of {len(jobs)} fences do not compile; building the others")
    given_up = {job.key: "the compiler found something else each time it was asked" for job in remaining}
    return Compiled(build=None, jobs=(), complaints=complaints, given_up=given_up)


def _complaints(job: Job, errors: Sequence[CompileError], output: str, dialect: Dialect) -> list[Complaint]:
    found: dict[tuple[int, int, str], Complaint] = {}
    for error in errors:
        full = _with_details(error, output)
        chain, line, column = _place(job, full)
        message = re.sub(r"\s+", " ", full.message).strip()
        if any(pattern.search(message) for pattern in dialect.unused):
            continue
        found.setdefault((chain, line, message), Complaint(chain=chain, line=line, column=column, message=message))
    return sorted(found.values(), key=lambda one: (one.chain, one.line, one.column))


def _place(job: Job, error: CompileError) -> tuple[int, int, int]:
    """Which fence, and the place on the page. What is in the frame belongs to the hoisted line that it is, else to
    the end of the fence before it."""
    span = job.program.step_at(error.file, error.line)
    if span is not None and span.step in job.marks:
        mark = job.marks[span.step]
        fence = job.chain[mark.chain].fence
        return mark.chain, *fence.place(mark.line + error.line - span.first, error.column or 1)
    text = job.program.files.get(error.file, "").split("\n")
    line = text[error.line - 1].strip() if 0 < error.line <= len(text) else ""
    for index, code in enumerate(job.chain):
        if line and line in code.hoisted:
            for number, body_line in enumerate(code.fence.body.split("\n"), 1):
                if line in body_line:
                    return index, *code.fence.place(number, body_line.find(line) + 1)
    before = [span for span in job.program.spans if span.last < error.line and span.step in job.marks]
    mark = job.marks[before[-1].step] if before else job.marks[min(job.marks)]
    fence = job.chain[mark.chain].fence
    return mark.chain, *fence.place(fence.body.count("\n") if before else 1)


def _with_details(error: CompileError, output: str) -> CompileError:
    """The complaint with what the compiler says in the lines below: javac's symbol, and the column its mark is at."""
    head = re.search(
        rf"(?m)^.*{re.escape(error.file)}:{error.line}: error: {re.escape(error.message)}[ \t]*\n"
        r"(?P<code>.*)\n(?P<mark>[ \t]*\^)[ \t]*\n(?P<more>(?:[ \t]+\w+:.*\n)*)",
        output + "\n",
    )
    if head is None:
        return error
    more = " ".join(line.strip() for line in head["more"].splitlines() if line.strip().startswith("symbol"))
    message = f"{error.message} {more}".strip()
    return msgspec.structs.replace(error, message=message, column=len(head["mark"]))

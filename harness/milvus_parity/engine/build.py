"""Build the programs of a target; those that do not compile are set aside with the compiler's words."""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from milvus_parity.model.program import Program
from milvus_parity.model.scenario import Case, Frozen, SdkStep
from milvus_parity.packs.render import Renderer
from milvus_parity.runtime.base import Build, BuildError, CompileError, Progress, Runtime, Sdk

MOST_ATTEMPTS = 20
"""A compiler may tell of one file at a time; after so many builds the rest is given up."""


class Built(Frozen, frozen=True, kw_only=True):
    """What was compiled. ``refused`` maps a case to why its program was not; ``build`` is None when none was."""

    build: Build | None
    programs: tuple[Program, ...]
    refused: Mapping[str, str]


async def build_all(
    runtime: Runtime,
    sdk: Sdk,
    renderer: Renderer,
    programs: Sequence[Program],
    cases: Mapping[str, Case],
    progress: Progress,
) -> Built:
    """Build all programs in one go. Raises BuildError when what the compiler refuses is no program's fault."""
    remaining = list(programs)
    refused: dict[str, str] = {}
    attempts = 0
    while remaining:
        try:
            sources = await asyncio.to_thread(renderer.sources, remaining)
            build = await runtime.build(sdk, sources, progress)
            return Built(build=build, programs=tuple(remaining), refused=refused)
        except BuildError as error:
            blamed = blame(remaining, error.errors)
            attempts += 1
            if not blamed or attempts > MOST_ATTEMPTS:
                raise
            for program, complaints in blamed.values():
                refused[program.case] = explain(program, complaints, cases.get(program.case))
            remaining = [program for program in remaining if program.case not in refused]
            progress(f"{len(blamed)} of {len(programs)} programs do not compile; building the others")
    return Built(build=None, programs=(), refused=refused)


def blame(programs: Sequence[Program], errors: Sequence[CompileError]) -> dict[str, tuple[Program, list[CompileError]]]:
    """The programs in whose files the compiler's complaints are."""
    blamed: dict[str, list[CompileError]] = {}
    owners = {file: program for program in programs for file in program.files}
    for error in errors:
        owner = owners.get(error.file) or next(
            (program for file, program in owners.items() if error.file.endswith("/" + file)), None
        )
        if owner is not None:
            path = next(file for file in owner.files if error.file == file or error.file.endswith("/" + file))
            blamed.setdefault(owner.name, []).append(msgspec.structs.replace(error, file=path))
    return {program.name: (program, blamed[program.name]) for program in programs if program.name in blamed}


def explain(program: Program, errors: Sequence[CompileError], case: Case | None) -> str:
    """What the compiler says, with the scenario's step and the snippet's line that it means."""
    said = []
    for error in errors[:5]:
        span = program.step_at(error.file, error.line)
        if span is None:
            said.append(f"{error.file}:{error.line}: {error.message} (in the frame)")
            continue
        snippet = next(snippet for snippet in program.snippets if snippet.step == span.step)
        line = error.line - span.first
        text = snippet.text.splitlines()[line].strip() if line < len(snippet.text.splitlines()) else ""
        place = None
        for step in case.steps if case else ():
            if isinstance(step, SdkStep) and step.id == span.step:
                place = step.location
        where = f"{place}: " if place else ""
        which = f"step {span.step} ({snippet.operation}), line {line + 1} of the snippet"
        said.append(f"{where}{which}: {error.message}\n    {text}")
    more = f"\n  and {len(errors) - 5} more" if len(errors) > 5 else ""
    return "The program does not compile.\n  " + "\n  ".join(said) + more

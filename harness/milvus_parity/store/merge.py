"""Joins the shards of a run: what comes out is judged as the whole run would have been."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from milvus_parity.model.errors import BadInputError
from milvus_parity.model.run import Footer, RunEnd, RunHeader, Unavailable, label_of
from milvus_parity.model.scenario import Case
from milvus_parity.model.target import Target
from milvus_parity.store.reader import RunFolder, read_run
from milvus_parity.store.writer import RunWriter


def merge_runs(folders: Sequence[Path], out: Path, run_id: str) -> Footer:
    """Write the shards as one run. Raises BadInputError when they are not parts of one, and StoreError.

    Shards that are missing, cut off or interrupted are merged as far as they go; the merged run's end says so.
    """
    runs = [read_run(folder) for folder in folders]
    if not runs:
        raise BadInputError("There is nothing to merge.", hint="Give the folders of the shards.")
    _check(runs)
    header = _header([run.header for run in runs], run_id)
    owner = {case.id: run for run in runs for case in run.header.cases}
    end, detail = _end(runs)
    with RunWriter(out, header) as writer:
        for case in header.cases:
            run = owner[case.id]
            traces = run.traces(case.id)
            programs = [run.program(case.id, label_of(trace)) for trace in traces]
            writer.programs(program for program in programs if program is not None)
            for trace in traces:
                recording = run.recording(case.id, label_of(trace))
                if recording is not None:
                    writer.calls(case.id, label_of(trace), recording)
                writer.trace(trace)
        return writer.finish(end, detail)


def _check(runs: Sequence[RunFolder]) -> None:
    first = runs[0]
    seen: dict[str, RunFolder] = {}
    for run in runs:
        for what, get in _SAME:
            ours, theirs = get(run.header), get(first.header)
            if ours != theirs:
                raise BadInputError(
                    f"These are no shards of one run: {what} is {ours} here and {theirs} in {first.folder}.",
                    where=str(run.folder),
                )
        for case in run.header.cases:
            if case.id in seen:
                raise BadInputError(
                    f"The case {case.id} is in two of the folders.",
                    where=str(run.folder),
                    hint=f"It is in {seen[case.id].folder} as well: give each shard once.",
                )
            seen[case.id] = run
    versions: dict[str, str] = {}
    for target in (target for run in runs for target in run.header.targets):
        if versions.setdefault(target.label, target.package) != target.package:
            raise BadInputError(f"The shards mean different packages by {target.label}.")


def _server(header: RunHeader) -> str:
    return f"Milvus {header.server.version} ({header.server.kind})" if header.server else "no server"


_SAME: tuple[tuple[str, Callable[[RunHeader], object]], ...] = (
    ("the server", _server),
    ("the number of shards", lambda header: header.shard.count if header.shard else 1),
    ("the version of milvus-parity", lambda header: header.harness_version),
)


def _header(headers: Sequence[RunHeader], run_id: str) -> RunHeader:
    first = headers[0]
    cases = {case.id: case for header in headers for case in header.cases}
    order = first.shard.cases if first.shard else ()
    ordered: list[Case] = [cases[name] for name in order if name in cases]
    ordered += [case for name, case in cases.items() if name not in set(order)]
    targets: dict[str, Target] = {target.label: target for header in headers for target in header.targets}
    unavailable: dict[str, Unavailable] = {one.name: one for header in headers for one in header.unavailable}
    return msgspec.structs.replace(
        first,
        id=run_id,
        started=min(header.started for header in headers),
        targets=tuple(targets.values()),
        unavailable=tuple(unavailable.values()),
        known_targets=_union(header.known_targets for header in headers),
        known_cases=_union(header.known_cases for header in headers),
        options={key: value for key, value in first.options.items() if key != "shard"},
        cases=tuple(ordered),
        not_applicable={name: why for header in headers for name, why in header.not_applicable.items()},
        shard=None,
        notes=_union(header.notes for header in headers),
    )


def _union(groups: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for group in groups for one in group))


def _end(runs: Sequence[RunFolder]) -> tuple[RunEnd, str | None]:
    """How the merged run ended: as the first shard that did not end well, else whole if no shard is missing."""
    for run in runs:
        if run.condition != "whole":
            return "error", f"{run.folder} is {run.condition}: {' '.join(run.problems)}"
        if run.footer is not None and run.footer.end != "complete":
            detail = f": {run.footer.detail}" if run.footer.detail else ""
            return run.footer.end, f"In {run.folder}{detail}"
    shards = [run.header.shard for run in runs if run.header.shard is not None]
    if shards:
        missing = sorted(set(range(1, shards[0].count + 1)) - {shard.index for shard in shards})
        if missing:
            return "error", f"Missing of {shards[0].count} shards: {', '.join(map(str, missing))}."
    return "complete", None


def merged_id() -> str:
    """An id for a merged run."""
    return time.strftime("merged-%Y%m%d-%H%M%S", time.gmtime())

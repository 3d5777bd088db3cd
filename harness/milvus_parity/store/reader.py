"""Reads a run folder, tells a whole run from a truncated or edited one, and takes only what is asked for.

Lines are indexed once and decoded when needed, case by case, so that 100,000 traces need little memory.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from milvus_parity.judge.wire_facets import by_step, rules_version
from milvus_parity.model.run import RUN_SCHEMA, Condition, Footer, Program, RunHeader, StepWire, label_of
from milvus_parity.model.trace import Trace
from milvus_parity.model.wire import RecordedCall, Recording
from milvus_parity.store.files import (
    CALLS,
    FOOTER,
    HEADER,
    PROGRAMS,
    RECORDS,
    TRACES,
    WIRE,
    NotARunError,
    WireLine,
)

Key = tuple[str, str]
"""Case and label of a target."""
Span = tuple[int, int]


class _Version(msgspec.Struct):
    schema: int
    harness_version: str = "unknown"


class _TraceKey(msgspec.Struct):
    case: str
    target: str
    sdk_version: str


class _LineKey(msgspec.Struct):
    case: str
    target: str


_trace = msgspec.json.Decoder(Trace)
_trace_key = msgspec.json.Decoder(_TraceKey)
_line_key = msgspec.json.Decoder(_LineKey)
_program = msgspec.json.Decoder(Program)
_call = msgspec.json.Decoder(RecordedCall)
_wire_line = msgspec.json.Decoder(WireLine)


class _File:
    """A file of lines, of which only those that are asked for are read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial = False
        self.checksum = ""
        self._file: BinaryIO | None = path.open("rb") if path.exists() else None
        self.size = path.stat().st_size if self._file else 0

    def lines(self) -> Iterator[tuple[Span, bytes]]:
        """Each whole line with its start and end; a line without its end is left out and noted. Takes the checksum."""
        if self._file is None:
            return
        digest = hashlib.sha256()
        self._file.seek(0)
        start = 0
        for line in self._file:
            digest.update(line)
            end = start + len(line)
            if line.endswith(b"\n"):
                yield (start, end), line
            else:
                self.partial = True
            start = end
        self.checksum = digest.hexdigest()

    def part(self, span: Span) -> bytes:
        """The bytes from start to end."""
        return os.pread(self._file.fileno(), span[1] - span[0], span[0]) if self._file else b""

    def digest(self) -> str:
        """The checksum of the whole file."""
        if not self.checksum:
            with self.path.open("rb") as file:
                self.checksum = hashlib.file_digest(file, "sha256").hexdigest()
        return self.checksum


class RunFolder:
    """A stored run. It is a RunRecord."""

    def __init__(self, folder: Path) -> None:
        """Read the header, the footer and where the traces are. Raises NotARunError."""
        self.folder = folder
        self._header = _read_header(folder)
        self._footer, footer_problem = _read_footer(folder)
        self._files = {name: _File(folder / name) for name in RECORDS}
        self._order = {target.label: place for place, target in enumerate(self._header.targets)}
        self._traces: dict[str, dict[str, Span]] = {}
        problems = [footer_problem] if footer_problem else []
        problems += self._index_traces()
        edited = self._check_sums()
        self._problems = tuple(problems + edited)
        self._condition: Condition = (
            "edited"
            if edited or (footer_problem and self._footer_is_there())
            else "whole"
            if not problems
            else "truncated"
        )
        self._programs: dict[Key, Span] | None = None
        self._wire: dict[Key, Span] | None = None

    @property
    def header(self) -> RunHeader:
        return self._header

    @property
    def footer(self) -> Footer | None:
        return self._footer

    @property
    def condition(self) -> Condition:
        return self._condition

    @property
    def problems(self) -> tuple[str, ...]:
        return self._problems

    def __len__(self) -> int:
        """Number of traces."""
        return sum(len(found) for found in self._traces.values())

    def traces(self, case: str) -> tuple[Trace, ...]:
        """The traces of a case, one a target, in the order of the header's targets."""
        found = self._traces.get(case, {})
        last = len(self._order)
        labels = sorted(found, key=lambda label: (self._order.get(label, last), label))
        return tuple(_trace.decode(self._files[TRACES].part(found[label])) for label in labels)

    def program(self, case: str, target: str) -> Program | None:
        """The program of a case for a target (its label); None when none was written."""
        if self._programs is None:
            self._programs = dict(self._keyed(PROGRAMS))
        span = self._programs.get((case, target))
        return _program.decode(self._files[PROGRAMS].part(span)) if span else None

    def recording(self, case: str, target: str) -> Recording | None:
        """What went over the wire; None when it was not recorded."""
        line = self._wire_line(case, target)
        if line is None:
            return None
        block = self._files[CALLS].part((line.start, line.start + line.bytes))
        calls: list[RecordedCall] = []
        problem = line.problem
        try:
            calls = [_call.decode(text) for text in block.splitlines()]
        except msgspec.MsgspecError:
            problem = "calls.jsonl is damaged"
        if problem is None and len(calls) != line.calls:
            problem = f"{len(calls)} of {line.calls} calls are stored"
        return Recording(calls=tuple(calls), problem=problem, connections=line.connections)

    def wire(self, case: str, target: str) -> Mapping[int, StepWire] | None:
        """What the calls of each step come to; None when the wire was not recorded, or not whole."""
        line = self._wire_line(case, target)
        if line is None or line.problem is not None:
            return None
        return line.steps if line.rules == rules_version() else by_step(self.recording(case, target))

    def _wire_line(self, case: str, target: str) -> WireLine | None:
        if self._wire is None:
            self._wire = dict(self._keyed(WIRE))
        span = self._wire.get((case, target))
        return _wire_line.decode(self._files[WIRE].part(span)) if span else None

    def _index_traces(self) -> list[str]:
        file, broken = self._files[TRACES], 0
        for span, line in file.lines():
            try:
                key = _trace_key.decode(line)
            except msgspec.MsgspecError:
                broken += 1
                continue
            label = key.target if "@" in key.target else f"{key.target}@{key.sdk_version}"
            self._traces.setdefault(key.case, {})[label] = span
        problems = [f"{broken} lines of {TRACES} cannot be read and are left out."] if broken else []
        if file.partial:
            problems.append(f"The last line of {TRACES} is cut off and left out.")
        return problems

    def _keyed(self, name: str) -> Iterator[tuple[Key, Span]]:
        file = self._files[name]
        for span, line in file.lines():
            try:
                key = _line_key.decode(line)
            except msgspec.MsgspecError:
                continue
            yield (key.case, key.target), span

    def _footer_is_there(self) -> bool:
        return (self.folder / FOOTER).exists()

    def _check_sums(self) -> list[str]:
        if self._footer is None:
            return []
        problems = []
        for name, stored in self._footer.files.items():
            file = self._files.get(name) or _File(self.folder / name)
            if not file.path.exists():
                problems.append(f"{name} is missing.")
            elif file.size < stored.bytes:
                problems.append(f"{name} has {file.size} bytes where {stored.bytes} were written.")
            elif file.digest() != stored.sha256:
                problems.append(f"{name} was changed after the run: its checksum is another.")
        return problems


def read_run(folder: Path) -> RunFolder:
    """Open a run folder. Raises NotARunError when it is none, or of a newer format."""
    return RunFolder(folder)


def _read_header(folder: Path) -> RunHeader:
    path = folder / HEADER
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise NotARunError(
            "This is not the folder of a run: it has no run.json.",
            where=str(folder),
            hint="Give the folder that `milvus-parity run --out` wrote.",
        ) from error
    except OSError as error:
        raise NotARunError(f"The run cannot be read: {error.strerror}.", where=str(path)) from error
    try:
        version = msgspec.json.decode(data, type=_Version)
    except msgspec.MsgspecError as error:
        raise NotARunError(f"This is not the header of a run: {error}.", where=str(path)) from error
    if version.schema > RUN_SCHEMA:
        raise NotARunError(
            f"The run has format {version.schema}, this version reads up to {RUN_SCHEMA}.",
            where=str(path),
            hint=f"It was written by milvus-parity {version.harness_version}: use that or a newer one.",
        )
    try:
        return msgspec.json.decode(data, type=RunHeader)
    except msgspec.MsgspecError as error:
        raise NotARunError(f"The header of the run is damaged: {error}.", where=str(path)) from error


def _read_footer(folder: Path) -> tuple[Footer | None, str | None]:
    try:
        data = (folder / FOOTER).read_bytes()
    except OSError:
        return None, "The run has no end: it was cut off. What was finished is here."
    try:
        return msgspec.json.decode(data, type=Footer), None
    except msgspec.MsgspecError as error:
        return None, f"{FOOTER} is damaged: {error}."


class MemoryRun:
    """A run that was never stored. It is a RunRecord; tests and the pytest plugin judge with it."""

    def __init__(
        self,
        header: RunHeader,
        traces: tuple[Trace, ...] = (),
        programs: tuple[Program, ...] = (),
        recordings: Mapping[Key, Recording] | None = None,
        footer: Footer | None = None,
    ) -> None:
        self.header = header
        self.footer = footer
        self.condition: Condition = "whole" if footer else "truncated"
        self.problems: tuple[str, ...] = ()
        self._traces: dict[str, dict[str, Trace]] = {}
        for trace in traces:
            self._traces.setdefault(trace.case, {})[label_of(trace)] = trace
        self._programs = {(one.case, one.target): one for one in programs}
        self._recordings = dict(recordings or {})

    def traces(self, case: str) -> tuple[Trace, ...]:
        """The traces of a case, one a target, in the order of the header's targets."""
        order = {target.label: place for place, target in enumerate(self.header.targets)}
        found = self._traces.get(case, {})
        return tuple(found[label] for label in sorted(found, key=lambda one: (order.get(one, len(order)), one)))

    def program(self, case: str, target: str) -> Program | None:
        """The program of a case for a target (its label)."""
        return self._programs.get((case, target))

    def recording(self, case: str, target: str) -> Recording | None:
        """What went over the wire; None when it was not recorded."""
        return self._recordings.get((case, target))

    def wire(self, case: str, target: str) -> Mapping[int, StepWire] | None:
        """What the calls of each step come to."""
        return by_step(self.recording(case, target))

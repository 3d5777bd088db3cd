"""Writes a run folder as the run goes on, so that nothing that was finished is lost, whatever happens next."""

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from milvus_parity.judge.wire_facets import by_step, rules_version
from milvus_parity.model.errors import BadInputError
from milvus_parity.model.run import Footer, Program, RunEnd, RunHeader, StoredFile
from milvus_parity.model.trace import Trace
from milvus_parity.model.wire import Recording
from milvus_parity.store.files import (
    CALLS,
    FOOTER,
    HEADER,
    PROGRAMS,
    RECORDS,
    RESERVE,
    TRACES,
    WIRE,
    StoreError,
    WireLine,
    explain,
    line_of,
    line_of_call,
)

RESERVED_BYTES = 16 * 1024
FULL = {errno.ENOSPC, errno.EDQUOT}


class _Lines:
    """A file that grows by whole lines only: what could not be written whole is taken back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._digest = hashlib.sha256()
        self.bytes = 0
        self.lines = 0

    def append(self, lines: list[bytes]) -> None:
        data = b"".join(lines)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.bytes)
                os.lseek(self._file, self.bytes, os.SEEK_SET)
            raise
        self._digest.update(data)
        self.bytes += len(data)
        self.lines += len(lines)

    def close(self) -> StoredFile:
        with contextlib.suppress(OSError):
            os.fsync(self._file)
        os.close(self._file)
        return StoredFile(bytes=self.bytes, lines=self.lines, sha256=self._digest.hexdigest())


class RunWriter:
    """Writes one run. Methods raise StoreError with a sentence when the folder cannot be written; what was written
    before stays readable, and ``finish`` still writes the footer.

    Not thread-safe: an engine calls it from its one event loop.
    """

    def __init__(self, folder: Path, header: RunHeader) -> None:
        """Make the folder and write the header. Raises BadInputError when it already holds a run."""
        self.folder = folder
        self._files: dict[str, _Lines] = {}
        self._stored: dict[str, StoredFile] = {}
        self._problem: str | None = None
        self._full = False
        self._finished = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if (folder / HEADER).exists():
                raise BadInputError(
                    "This folder already holds a run.", where=str(folder), hint="Choose another folder with --out."
                )
            self._reserve()
            data = line_of(header)
            _replace(folder / HEADER, data)
            self._stored[HEADER] = StoredFile(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
            for name in RECORDS:
                self._files[name] = _Lines(folder / name)
        except FileExistsError as error:
            raise BadInputError(
                "This folder already holds parts of a run.", where=str(folder), hint="Choose another with --out."
            ) from error
        except OSError as error:
            raise explain(error, "write the run folder", folder) from error

    def programs(self, programs: Iterable[Program]) -> None:
        """Write the programs of a target, before they run."""
        self._append(PROGRAMS, [line_of(program) for program in programs])

    def trace(self, trace: Trace) -> None:
        """Write a trace; when this returns, a kill of the process does not lose it."""
        self._append(TRACES, [line_of(trace)])

    def calls(self, case: str, target: str, recording: Recording) -> None:
        """Write what went over the wire for an execution. ``target`` is the label."""
        lines = [line_of_call(case, target, call) for call in recording.calls]
        start = self._files[CALLS].bytes
        self._append(CALLS, lines)
        closing = WireLine(
            case=case,
            target=target,
            calls=len(lines),
            start=start,
            bytes=self._files[CALLS].bytes - start,
            connections=recording.connections,
            problem=recording.problem,
            rules=rules_version(),
            steps=by_step(recording),
        )
        self._append(WIRE, [line_of(closing)])

    def finish(self, end: RunEnd, detail: str | None = None) -> Footer:
        """Write the footer. ``end`` becomes ``disk full`` when something could not be written."""
        for name, file in self._files.items():
            self._stored[name] = file.close()
        self._files.clear()
        self._finished = True
        if self._full:
            end, detail = "disk full", self._problem
        elif self._problem and end == "complete":
            end, detail = "error", self._problem
        footer = Footer(end=end, detail=detail, ended=time.time(), files=self._stored)
        with contextlib.suppress(OSError):
            (self.folder / RESERVE).unlink()
        try:
            _replace(self.folder / FOOTER, line_of(footer))
        except OSError as error:
            raise explain(error, "write the end of the run", self.folder / FOOTER) from error
        return footer

    def __enter__(self) -> "RunWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finish as an error, unless ``finish`` was called."""
        if not self._finished:
            interrupted = error is not None and not isinstance(error, Exception)
            self.finish("interrupted" if interrupted else "error", str(error) if error else None)

    def _append(self, name: str, lines: list[bytes]) -> None:
        try:
            self._files[name].append(lines)
        except OSError as error:
            problem: StoreError = explain(error, f"write {name}", self.folder / name)
            self._full = self._full or error.errno in FULL
            self._problem = self._problem or problem.what
            raise problem from error

    def _reserve(self) -> None:
        with (self.folder / RESERVE).open("wb") as file:
            file.write(os.urandom(RESERVED_BYTES))
            file.flush()
            os.fsync(file.fileno())


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    draft = path.with_name(f"{path.name}.part")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise

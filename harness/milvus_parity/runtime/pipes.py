"""A worker that is a process of this machine, spoken to over its pipes."""

import asyncio
import contextlib
import shutil
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast

from milvus_parity.runtime.base import Channel, Exit
from milvus_parity.runtime.commands import kill_group

LONGEST_LINE = 16 << 20
KEPT_LOG = 64 << 10
MOST_LINES = 1000
"""Lines that may wait to be taken before no more are read."""

LAST_WORDS = 1.0
"""Seconds."""

STDIN, STDOUT, STDERR = 0, 1, 2


class LogTail:
    """The last 64 KiB of what was written to it."""

    def __init__(self) -> None:
        self.written = 0
        self._kept = bytearray()

    def write(self, data: bytes) -> None:
        """Add what came."""
        self.written += len(data)
        self._kept += data
        if len(self._kept) > 2 * KEPT_LOG:
            del self._kept[:-KEPT_LOG]

    def text(self, since: int = 0) -> str:
        """What came after the first ``since`` bytes, as far as kept."""
        size = min(max(self.written - since, 0), KEPT_LOG, len(self._kept))
        return self._kept[len(self._kept) - size :].decode("utf-8", "replace")


class LineSplitter:
    """Cuts a stream into lines; one that is longer than 16 MiB is cut there and its rest dropped."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._dropping = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are whole now."""
        lines = []
        *whole, rest = data.split(b"\n")
        for piece in whole:
            self._add(piece)
            lines.append(bytes(self._rest))
            self._rest.clear()
            self._dropping = False
        self._add(rest)
        return lines

    def _add(self, piece: bytes) -> None:
        if self._dropping:
            return
        self._rest += piece
        if len(self._rest) > LONGEST_LINE:
            del self._rest[LONGEST_LINE:]
            self._dropping = True

    def end(self) -> list[bytes]:
        """What stands after the last newline."""
        return [bytes(self._rest)] if self._rest else []


class _Pipes(asyncio.SubprocessProtocol):
    """The three streams of a process; what it says is cut into lines as it comes."""

    def __init__(self) -> None:
        self.tail = LogTail()
        self.lines: deque[bytes] = deque()
        self.over = False
        self.exited = asyncio.Event()
        self.silent = asyncio.Event()
        self.news = asyncio.Event()
        self.may_write = asyncio.Event()
        self.may_write.set()
        self._splitter = LineSplitter()
        self._transport: asyncio.SubprocessTransport | None = None
        self._held = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        assert isinstance(data, bytes)
        if fd != STDOUT:
            self.tail.write(data)
            return
        if lines := self._splitter.feed(data):
            self.lines.extend(lines)
            self.news.set()
        if len(self.lines) > MOST_LINES and not self._held:
            self._held = True
            self.pipe(STDOUT).pause_reading()

    def pipe_connection_lost(self, fd: int, _exc: Exception | None) -> None:
        if fd == STDOUT:
            self.lines.extend(self._splitter.end())
            self.finish()
        elif fd == STDERR:
            self.silent.set()
        else:
            self.may_write.set()

    def process_exited(self) -> None:
        self.exited.set()

    def pause_writing(self) -> None:
        self.may_write.clear()

    def resume_writing(self) -> None:
        self.may_write.set()

    def finish(self) -> None:
        """There will be no more lines."""
        self.over = True
        self.news.set()

    def taken(self) -> None:
        """Lines were taken: read on, if too many had waited."""
        if self._held and len(self.lines) < MOST_LINES:
            self._held = False
            with contextlib.suppress(OSError, RuntimeError):  # it has ended meanwhile
                self.pipe(STDOUT).resume_reading()

    def pipe(self, fd: int) -> Any:
        """The transport of one stream."""
        assert self._transport is not None
        return self._transport.get_pipe_transport(fd)


class PipeConnection:
    """A worker process. ``folder`` is its current directory, removed with it."""

    relay: Channel | None = None

    def __init__(self, transport: asyncio.SubprocessTransport, pipes: _Pipes, folder: Path) -> None:
        self._transport = transport
        self._pipes = pipes
        self._folder = folder

    @classmethod
    async def start(cls, command: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> Self:
        """Start a process in a group of its own. Raises OSError."""
        transport, pipes = await asyncio.get_running_loop().subprocess_exec(
            _Pipes, *command, cwd=folder, env=dict(environment), start_new_session=True
        )
        return cls(transport, pipes, folder)

    @property
    def logged(self) -> int:
        """How many bytes it has written to standard error so far."""
        return self._pipes.tail.written

    def log(self, since: int = 0) -> str:
        """What it wrote to standard error after its first ``since`` bytes, as far as kept."""
        return self._pipes.tail.text(since)

    async def send(self, line: bytes) -> None:
        """Send one line."""
        stdin = self._pipes.pipe(STDIN)
        if stdin.is_closing():
            raise ConnectionResetError("the worker is gone")
        stdin.write(line + b"\n")
        await self._pipes.may_write.wait()

    async def receive(self) -> bytes | None:
        """The next line of its standard output; None at the end."""
        pipes = self._pipes
        while not pipes.lines:
            if pipes.over:
                return None
            pipes.news.clear()
            await pipes.news.wait()
        line = pipes.lines.popleft()
        pipes.taken()
        return line

    async def kill(self) -> None:
        """End it and its process group."""
        kill_group(self._transport.get_pid())
        await self.wait()

    async def limit_hit(self) -> str | None:
        """A process has no limits."""
        return None

    async def wait(self) -> Exit:
        """How it ended. What it started and left behind is ended, too."""
        await self._pipes.exited.wait()
        kill_group(self._transport.get_pid())
        await self._last_words()
        self._pipes.finish()
        self._transport.close()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        status = self._transport.get_returncode()
        assert status is not None
        return Exit(signal=-status) if status < 0 else Exit(status=status)

    async def _last_words(self) -> None:
        """Let what it said last arrive; not for ever, since who has left its process group may hold the pipe open."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._pipes.silent.wait(), LAST_WORDS)

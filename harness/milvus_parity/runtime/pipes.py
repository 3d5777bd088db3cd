"""A worker that is a process of this machine, spoken to over its pipes."""

import asyncio
import contextlib
import shutil
from pathlib import Path

from milvus_parity.runtime.base import Exit
from milvus_parity.runtime.commands import kill_group

LONGEST_LINE = 16 << 20
KEPT_LOG = 64 << 10


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


class PipeConnection:
    """A worker process. ``folder`` is its current directory, removed with it."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._tail = LogTail()
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1000)
        self._readers = [asyncio.create_task(self._read_lines()), asyncio.create_task(self._read_log())]

    async def _read_lines(self) -> None:
        assert self._process.stdout is not None
        splitter = LineSplitter()
        try:
            while data := await self._process.stdout.read(1 << 16):
                for line in splitter.feed(data):
                    await self._lines.put(line)
            for line in splitter.end():
                await self._lines.put(line)
        finally:
            with contextlib.suppress(asyncio.QueueFull):
                self._lines.put_nowait(None)

    async def _read_log(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(1 << 16):
            self._tail.write(data)

    @property
    def logged(self) -> int:
        """How many bytes it has written to standard error so far."""
        return self._tail.written

    def log(self, since: int = 0) -> str:
        """What it wrote to standard error after its first ``since`` bytes, as far as kept."""
        return self._tail.text(since)

    async def send(self, line: bytes) -> None:
        """Send one line."""
        stdin = self._process.stdin
        assert stdin is not None
        if stdin.is_closing():
            raise ConnectionResetError("the worker is gone")
        stdin.write(line + b"\n")
        await stdin.drain()

    async def receive(self) -> bytes | None:
        """The next line of its standard output; None at the end."""
        if self._lines.empty() and self._readers[0].done():
            return None
        return await self._lines.get()

    async def kill(self) -> None:
        """End it and its process group."""
        kill_group(self._process.pid)
        await self.wait()

    async def limit_hit(self) -> str | None:
        """A process has no limits."""
        return None

    async def wait(self) -> Exit:
        """How it ended. What it started and left behind is ended, too."""
        status = await self._process.wait()
        kill_group(self._process.pid)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._readers[1]), 1)
        for reader in self._readers:
            reader.cancel()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        return Exit(signal=-status) if status < 0 else Exit(status=status)

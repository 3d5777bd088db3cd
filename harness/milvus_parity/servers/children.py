"""Child processes that never outlive the harness, with their output in a file.

`subprocess` is used rather than asyncio's processes: asking whether such a child lives needs no event loop, and the
answer is never late.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

STOP_POLL_SECONDS = 0.01

BOND = """
import ctypes, json, os, signal, sys
parent, environment = int(sys.argv[1]), json.loads(sys.argv[2])
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != parent:
    sys.exit("the harness is gone")
os.execve(sys.argv[3], sys.argv[3:], environment)
"""
"""Asks Linux to kill this process when its parent dies (PR_SET_PDEATHSIG is 1), then becomes the program.

A process of its own does this, as running Python code between fork and exec is not safe beside the threads of gRPC. The
program's environment comes as an argument: its LD_LIBRARY_PATH must not reach the Python that runs this. The parent is
looked at after the request: it may have died before.
"""


class Child:
    """A process in a session of its own. Its output goes to ``log``."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> None:
        self.log = log
        # Without site and user settings: this Python only lives for some milliseconds.
        bond = [sys.executable, "-I", "-S", "-c", BOND, str(os.getpid()), json.dumps(dict(env)), *argv]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                bond, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """Its process id, which is that of its group as well."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def exit_words(self) -> str:
        """How it ended, in words: an exit status or a signal's name."""
        status = self._process.poll()
        if status is None:
            return "it still runs"
        if status < 0:
            with suppress(ValueError):
                return f"signal {signal.Signals(-status).name}"
        return f"exit status {status}"

    async def stop(self, grace_seconds: float) -> None:
        """Ask it to end, and kill its whole group when it has not after ``grace_seconds``. May be called again."""
        try:
            if self.alive() and grace_seconds > 0:
                self._process.terminate()
                loop = asyncio.get_running_loop()
                deadline = loop.time() + grace_seconds
                while self.alive() and loop.time() < deadline:  # noqa: ASYNC110 - a process has no event
                    await asyncio.sleep(STOP_POLL_SECONDS)
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill its whole group now and collect it; usable without an event loop."""
        if self.alive():  # once it is collected, its number may be somebody else's
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def last_lines(self, count: int) -> list[str]:
        """The newest lines of its output, oldest first."""
        return last_lines(self.log, count)


def last_lines(path: Path, count: int, *, window: int = 65536) -> list[str]:
    """The last ``count`` lines in the last ``window`` bytes of a file; empty when it cannot be read."""
    if count <= 0:
        return []
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - window))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return text.splitlines()[-count:]

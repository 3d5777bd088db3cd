"""Run the commands that packs name, with their placeholders filled in."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from milvus_parity.model.scenario import Frozen
from milvus_parity.runtime.base import Progress

KEPT_LINES = 400
"""Lines of a command's output that are kept: its last."""


class Completed(Frozen, frozen=True, kw_only=True):
    """How a command ended. ``status`` is negative for a signal, None when it passed its time limit or is not there."""

    command: tuple[str, ...]
    status: int | None
    output: str
    problem: str | None = None


def fill(words: Sequence[str], places: Mapping[str, str]) -> list[str]:
    """Replace ``{name}`` by its place; any other brace stays as it is."""
    filled = []
    for word in words:
        text = word
        for name, value in places.items():
            text = text.replace("{" + name + "}", value)
        filled.append(text)
    return filled


def fill_environment(variables: Mapping[str, str], places: Mapping[str, str]) -> dict[str, str]:
    """The variables of a pack, and ``PARITY_...`` for scripts."""
    named = {
        "PARITY_" + ("SDK_VERSION" if name == "version" else name.upper()): value for name, value in places.items()
    }
    return {**named, **{name: fill([value], places)[0] for name, value in variables.items()}}


def host_environment() -> dict[str, str]:
    """This process's environment without what is meant for the harness alone."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MILVUS_PARITY_")}


def with_parent_death(command: Sequence[str]) -> list[str]:
    """The command, ended by the kernel when this process dies, where the system has a program for that."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *command] if setpriv else list(command)


def politely(command: Sequence[str]) -> list[str]:
    """The command with less right to the processors than what is measured meanwhile."""
    nice = shutil.which("nice")
    return [nice, "-n", "10", *command] if nice else list(command)


def kill_group(pid: int) -> None:
    """Kill a process and all of its group; harmless when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


async def run_command(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], timeout: float, progress: Progress
) -> Completed:
    """Run a command to its end, output and errors together, each line told to ``progress``; ``timeout`` in seconds."""
    lines: deque[str] = deque(maxlen=KEPT_LINES)
    words = tuple(command)
    try:
        process = await asyncio.create_subprocess_exec(
            *with_parent_death(politely(words)),
            cwd=folder,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=1 << 20,
        )
    except OSError as error:
        return Completed(command=words, status=None, output="", problem=f"it cannot be started: {error.strerror}")
    assert process.stdout is not None
    output = process.stdout

    async def drain() -> None:
        rest = b""
        while chunk := await output.read(1 << 16):
            *whole, rest = (rest + chunk).split(b"\n")
            if len(rest) > 1 << 20:
                rest = b""
            for raw in whole:
                line = raw.decode("utf-8", "replace").rstrip()
                lines.append(line)
                if line:
                    progress(line)
        if rest:
            lines.append(rest.decode("utf-8", "replace"))

    problem = None
    try:
        async with asyncio.timeout(timeout):
            await drain()
            await process.wait()
    except TimeoutError:
        problem = f"it passed its limit of {timeout:g} s"
    finally:
        kill_group(process.pid)
        await process.wait()
    status = None if problem else process.returncode
    return Completed(command=words, status=status, output="\n".join(lines), problem=problem)

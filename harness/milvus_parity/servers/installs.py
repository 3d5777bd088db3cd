"""Packages from the user's registry, through pip or uv with the user's own settings."""

import asyncio
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from milvus_parity.servers.base import ServerError

LAST_LINES = 6


async def fetch_wheel(requirement: str, folder: Path, *, environ: Mapping[str, str]) -> Path:
    """Download the wheel of one requirement, without what it depends on, into ``folder``.

    With pip where this Python has it, else with a pip that uv runs. Raises `ServerError` with the installer's last
    words.
    """
    arguments = ["download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), requirement]
    await run_installer([*pip_command(environ), *arguments], environ=environ, what=requirement)
    return _only_wheel(folder, requirement)


def _only_wheel(folder: Path, requirement: str) -> Path:
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise ServerError(f"pip answered for {requirement} with {len(wheels)} wheels instead of one.")
    return wheels[0]


def pip_command(environ: Mapping[str, str]) -> list[str]:
    """How pip is called here. Raises `ServerError` where there is neither pip nor uv."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    if uv := shutil.which("uv", path=environ.get("PATH")):
        return [uv, "tool", "run", "pip", "--disable-pip-version-check", "--no-input"]
    raise ServerError(
        f"This Python ({sys.executable}) has no pip, and there is no uv, so that the server cannot be fetched.",
        hint="Install pip (`python -m ensurepip`) or uv, or use `--milvus container` or an address.",
    )


def environment_installer(python: Path, environ: Mapping[str, str]) -> list[str]:
    """How packages are installed into the environment of ``python``, which needs no pip of its own."""
    return [*pip_command(environ), "--python", str(python), "install"]


async def run_installer(argv: Sequence[str], *, environ: Mapping[str, str], what: str) -> None:
    """Run an installer to its end; nothing of it stays when this is cancelled.

    Raises `ServerError` with its last lines when it fails.
    """
    # Not asyncio's own processes: one that is cancelled while it starts would leave what the installer started.
    process = subprocess.Popen(  # noqa: ASYNC220 - it starts in milliseconds
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(environ),
        start_new_session=True,
    )
    try:
        output, _ = await asyncio.to_thread(process.communicate)
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
        said = "\n  ".join(lines[-LAST_LINES:])
        raise ServerError(
            f"{what} could not be fetched from the package registry (exit status {process.returncode}).",
            hint=f"Its installer said:\n  {said}\n  pip's settings (index, proxy, certificates) are used as they are.",
        )

"""Which toolchains this machine has, and what to install for those it lacks."""

import asyncio
import re
import shutil

from packaging.version import InvalidVersion, Version

from milvus_parity.model.scenario import Frozen
from milvus_parity.model.target import Missing, Need
from milvus_parity.packs.pack import Pack


class Tool(Frozen, frozen=True, kw_only=True):
    """A command that a pack needs: where it is and its version, or why it will not do."""

    need: Need
    path: str | None = None
    version: str | None = None
    problem: str | None = None


async def look(need: Need) -> Tool:
    """Look for one command; runs it once to ask for its version (10 s at most)."""
    path = shutil.which(need.command)
    if path is None:
        return Tool(need=need, problem=f"{need.command} is not on the PATH")
    try:
        process = await asyncio.create_subprocess_exec(
            *need.version,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()
            return Tool(need=need, path=path, problem=f"{need.command} does not say its version within 10 s")
    except OSError as error:
        return Tool(need=need, path=path, problem=f"{need.command} cannot be started: {error.strerror}")
    text = output.decode("utf-8", "replace")
    found = re.search(need.pattern, text)
    if process.returncode != 0 or found is None:
        said = text.strip().splitlines()
        return Tool(
            need=need, path=path, problem=f"{need.command} does not tell its version" + (f": {said[0]}" if said else "")
        )
    version = found[1]
    if need.minimum is not None and _older(version, need.minimum):
        problem = f"{need.command} is {version}, {need.minimum} or newer is needed"
        return Tool(need=need, path=path, version=version, problem=problem)
    return Tool(need=need, path=path, version=version)


def _older(version: str, minimum: str) -> bool:
    try:
        return Version(version) < Version(minimum)
    except InvalidVersion:
        return False


async def look_all(pack: Pack) -> list[Tool]:
    """Look for all that a pack needs."""
    return list(await asyncio.gather(*(look(need) for need in pack.spec.toolchain)))


def missing(tools: list[Tool]) -> Missing | None:
    """Why a pack cannot be used, from what was found."""
    lacking = [tool for tool in tools if tool.problem]
    if not lacking:
        return None
    return Missing(
        what="; ".join(tool.problem or "" for tool in lacking),
        install="; ".join(dict.fromkeys(tool.need.install for tool in lacking)),
    )

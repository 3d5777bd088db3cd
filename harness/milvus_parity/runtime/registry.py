"""Asks registries which releases there are, by the languages' own clients; remembers for a day."""

import asyncio
import re
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import shorten

import msgspec

from milvus_parity.model.scenario import Frozen
from milvus_parity.model.target import Target, VersionsSpec
from milvus_parity.packs.discover import all_target_names, known_releases, target_of
from milvus_parity.packs.pack import Pack
from milvus_parity.packs.versions import Releases, merged, parsed
from milvus_parity.runtime.base import Progress
from milvus_parity.runtime.commands import Completed, fill, fill_environment, host_environment, run_command
from milvus_parity.runtime.locks import locked
from milvus_parity.runtime.process import digest, folder_digest

_TELLING = re.compile(
    r"refused|reason|not found|notfound|no matching|could not|cannot|failed|timed? ?out|denied|unauthori[sz]ed", re.I
)
"""The line of a client's output that says why; what comes last is often where its log lies."""

FRESH_SECONDS = 24 * 3600.0
"""So long what a registry said is taken for what it would say."""


class _Answer(Frozen, frozen=True, kw_only=True):
    """What a registry said; ``asked`` in Unix seconds."""

    asked: float
    versions: tuple[str, ...]


class Registry:
    """What registries say of packages. ``cache`` is kept between runs and shared by them."""

    def __init__(self, cache: Path, progress: Progress = lambda _line: None) -> None:
        self.cache = cache
        self._progress = progress

    async def releases(self, packs: Mapping[str, Pack], targets: Iterable[str]) -> dict[str, Releases]:
        """The releases of some targets, by name. Never raises for a registry: then the pack's own list is taken."""
        names = all_target_names(packs)
        wanted = list(targets)
        found = await asyncio.gather(*(self._of(names[name], name) for name in wanted))
        return dict(zip(wanted, found, strict=True))

    async def _of(self, pack: Pack, name: str) -> Releases:
        spec = pack.spec.targets[name]
        known = known_releases(spec)
        asking = pack.spec.versions
        if asking is None:
            return Releases(versions=known, note=f"The pack of {pack.spec.title} does not say how to ask for releases.")
        support = folder_digest([pack.folder / folder for folder in pack.spec.support])
        place = self.cache / "versions" / f"{digest(asking, spec.package, support)}.json"
        answer = _read(place)
        if answer is not None and time.time() - answer.asked < FRESH_SECONDS:
            return Releases(versions=merged(answer.versions, known), asked=True)
        async with locked(place.with_suffix(".lock"), self._progress):
            answer = _read(place)
            if answer is not None and time.time() - answer.asked < FRESH_SECONDS:
                return Releases(versions=merged(answer.versions, known), asked=True)
            self._progress(f"asking which releases of {spec.package} there are")
            versions, problem = await self._ask(pack, asking, target_of(pack, name, ""))
            if problem is None:
                _write(place, _Answer(asked=time.time(), versions=versions))
                return Releases(versions=merged(versions, known), asked=True)
        if answer is not None:
            day = time.strftime("%Y-%m-%d", time.localtime(answer.asked))
            note = f"{problem} What the registry said on {day} is taken instead."
            return Releases(versions=merged(answer.versions, known), note=note)
        return Releases(versions=known, note=f"{problem} The releases that the pack knows are taken instead.")

    async def _ask(self, pack: Pack, spec: VersionsSpec, target: Target) -> tuple[tuple[str, ...], str | None]:
        """What the registry says, or a sentence why it said nothing."""
        folder = self.cache / "packs" / pack.language
        folder.mkdir(parents=True, exist_ok=True)
        places = {
            "pack": str(pack.folder),
            "cache": str(folder),
            "package": target.package,
            "target": target.name,
            "python": sys.executable,
        }
        environment = {**host_environment(), **fill_environment(spec.environment, places)}
        output = ""
        for words in spec.commands:
            command = fill(words, places)
            if shutil.which(command[0]) is None:
                return (), f"Nobody can be asked which releases of {target.package} there are: {command[0]} is missing."
            done = await run_command(
                command, folder=folder, environment=environment, timeout=spec.timeout, progress=lambda _line: None
            )
            output += done.output + "\n"
            if done.status != 0:
                return (), _words(target, done)
        found = merged(found[1] for found in re.finditer(spec.pattern, output) if parsed(found[1]) is not None)
        if not found:
            return (), f"What the registry says of {target.package} names no version."
        return found, None


def _words(target: Target, done: Completed) -> str:
    lines = [line.strip() for line in done.output.splitlines() if line.strip()]
    telling = next((line for line in lines if _TELLING.search(line)), lines[-1] if lines else f"status {done.status}")
    why = shorten(done.problem or telling, 300, placeholder=" …").rstrip(".")
    return f"The registry does not say which releases of {target.package} there are: {why}."


def _read(place: Path) -> _Answer | None:
    try:
        return msgspec.json.decode(place.read_bytes(), type=_Answer)
    except (OSError, msgspec.MsgspecError):
        return None


def _write(place: Path, answer: _Answer) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(answer))
    fresh.replace(place)

"""The process runtime: toolchains of this machine, workers as its processes."""

import asyncio
import hashlib
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from milvus_parity.model.errors import NotAvailableError
from milvus_parity.model.target import Commands, Missing, Target
from milvus_parity.packs.pack import Pack
from milvus_parity.runtime import temporary, toolchain
from milvus_parity.runtime.base import Build, BuildError, CompileError, Progress, ResolveError, Sdk
from milvus_parity.runtime.commands import (
    Completed,
    fill,
    fill_environment,
    host_environment,
    run_command,
    with_parent_death,
)
from milvus_parity.runtime.locks import locked
from milvus_parity.runtime.pipes import PipeConnection

_DONE = ".complete"


def digest(*parts: object) -> str:
    """A short hash of values, stable over processes."""
    hasher = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else msgspec.json.encode(part, order="deterministic")
        hasher.update(len(data).to_bytes(8, "big") + data)
    return hasher.hexdigest()[:24]


def folder_digest(folders: Iterable[Path]) -> str:
    """A hash of all files in some folders."""
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return digest(files)


def compile_errors(pattern: str | None, output: str, work: str) -> tuple[CompileError, ...]:
    """What a compiler complains about, found by the pack's pattern; files as the sources name them."""
    if pattern is None:
        return ()
    errors = []
    for found in re.finditer(pattern, output):
        groups = found.groupdict()
        file = groups["file"].removeprefix(work).removeprefix("/").removeprefix("./")
        column = groups.get("column")
        errors.append(
            CompileError(
                file=file,
                line=int(groups["line"]),
                column=int(column) if column else None,
                message=groups["message"].strip(),
            )
        )
    return tuple(dict.fromkeys(errors))


class ProcessRuntime:
    """Builds and runs with the toolchains that are on PATH. ``cache`` is kept between runs and shared by them."""

    name = "process"
    gateway_host = "127.0.0.1"

    def __init__(self, cache: Path, *, notes: tuple[str, ...] = ()) -> None:
        self.cache = cache
        self.notes = notes
        self._tools: dict[str, asyncio.Task[list[toolchain.Tool]]] = {}
        self._connections: list[PipeConnection] = []
        self._temporary: list[Path] = []
        temporary.sweep(cache / "temporary")

    async def missing(self, pack: Pack) -> Missing | None:
        """Why the pack cannot be used here; None when it can."""
        if pack.language not in self._tools:
            self._tools[pack.language] = asyncio.create_task(toolchain.look_all(pack))
        return toolchain.missing(await self._tools[pack.language])

    def _places(self, pack: Pack, target: Target, sdk: Path | str) -> dict[str, str]:
        shared = self.cache / "packs" / pack.language
        shared.mkdir(parents=True, exist_ok=True)
        return {
            "pack": str(pack.folder),
            "sdk": str(sdk),
            "cache": str(shared),
            "version": target.version,
            "package": target.package,
            "target": target.name,
            "source": target.source or "",
            "python": sys.executable,
        }

    async def _run(
        self, spec: Commands, places: Mapping[str, str], folder: Path, progress: Progress
    ) -> tuple[list[Completed], Completed | None]:
        environment = {**host_environment(), **fill_environment(spec.environment, places)}
        done = []
        for words in spec.commands:
            completed = await run_command(
                fill(words, places), folder=folder, environment=environment, timeout=spec.timeout, progress=progress
            )
            done.append(completed)
            if completed.status != 0:
                return done, completed
        return done, None

    async def resolve(self, pack: Pack, target: Target, progress: Progress) -> Sdk:
        """Fetch one version of an SDK into the cache, or find it there."""
        spec = pack.spec.resolve
        name = f"{pack.language}@{target.version}" if spec.shared else target.label
        key = digest(spec, name, target.package, folder_digest([pack.folder / folder for folder in pack.spec.support]))
        folder = self.cache / "sdks" / name.replace("/", "_") / key
        sdk = Sdk(pack=pack, target=target, folder=str(folder))
        if (folder / _DONE).exists():
            return sdk
        async with locked(folder.with_suffix(".lock"), progress):
            if (folder / _DONE).exists():
                return sdk
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            folder.mkdir(parents=True)
            _, failed = await self._run(pack.spec.resolve, self._places(pack, target, folder), folder, progress)
            if failed is not None:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
                raise ResolveError(
                    f"{target.package} {target.version} cannot be fetched for {target.name}: {_ending(failed)}.",
                    hint=last_lines(failed.output),
                )
            (folder / _DONE).touch()
        return sdk

    async def build(self, sdk: Sdk, sources: Mapping[str, str], progress: Progress) -> Build:
        """Compile programs in one go, or find them compiled."""
        spec = sdk.pack.spec.build
        places = self._places(sdk.pack, sdk.target, sdk.folder)
        versions = [
            (
                await run_command(
                    fill(words, places), folder=self.cache, environment=host_environment(), timeout=60, progress=_silent
                )
            ).output
            for words in spec.cached_on
        ]
        key = digest(spec, versions, sdk.folder, sdk.target.label, sources)
        folder = self.cache / "builds" / sdk.target.label.replace("/", "_") / key
        build = Build(sdk=sdk, folder=str(folder), key=key, cached=True)
        if (folder / _DONE).exists():
            (folder / _DONE).touch()
            return build
        async with locked(folder.with_suffix(".lock"), progress):
            if (folder / _DONE).exists():
                return build
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            folder.mkdir(parents=True)
            work = self._temporary_folder()
            try:
                await asyncio.to_thread(_write_all, work, sources)
                places = {**places, "work": str(work), "build": str(folder)}
                done, failed = await self._run(spec, places, work, progress)
            finally:
                await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)
            if failed is not None:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
                output = "\n".join(completed.output for completed in done)
                raise BuildError(
                    f"The programs of {sdk.target.label} do not compile: {_ending(failed)}.",
                    compile_errors(spec.errors, output, str(work)),
                    output,
                    hint=last_lines(output),
                )
            (folder / _DONE).touch()
        return msgspec.structs.replace(build, cached=False)

    def _temporary_folder(self) -> Path:
        folder = temporary.make(self.cache / "temporary")
        self._temporary.append(folder)
        return folder

    async def launch(self, build: Build) -> PipeConnection:
        """Start a worker in an empty folder of its own."""
        pack = build.sdk.pack
        places = {**self._places(pack, build.sdk.target, build.sdk.folder), "build": build.folder}
        folder = self._temporary_folder()
        command = fill(pack.spec.worker.command, places)
        environment = {**host_environment(), **fill_environment(pack.spec.worker.environment, places)}
        try:
            connection = await PipeConnection.start(with_parent_death(command), folder=folder, environment=environment)
        except OSError as error:
            raise NotAvailableError(
                f"The worker of {build.sdk.target.label} cannot be started: {command[0]}: {error.strerror}.",
                hint="See what is missing with: milvus-parity doctor",
            ) from error
        self._connections.append(connection)
        return connection

    async def close(self) -> None:
        """End all workers, and remove the temporary folders."""
        for task in self._tools.values():
            task.cancel()
        await asyncio.gather(*(connection.kill() for connection in self._connections), return_exceptions=True)
        for folder in self._temporary:
            shutil.rmtree(folder, ignore_errors=True)


def _silent(_line: str) -> None:
    pass


def _ending(failed: Completed) -> str:
    return f"{Path(failed.command[0]).name} " + (failed.problem or f"ended with status {failed.status}")


def last_lines(output: str, count: int = 12) -> str:
    """The last lines of a command's output that say something."""
    return "\n  ".join([line for line in output.splitlines() if line.strip()][-count:])


def _write_all(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="")

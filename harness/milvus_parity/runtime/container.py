"""The container runtime: each target's toolchain and SDK is an image, its workers are containers.

An SDK is fetched while its image is built, programs are compiled in a container of that image which has no network, and
what comes out is an image again: so all that lasts lies in the engine, wherever that is, and workers start from it on a
read-only root. The package `containers` has the parts.
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from milvus_parity.model.target import Missing, Target
from milvus_parity.packs.pack import Pack
from milvus_parity.runtime.base import Build, Progress, Sdk
from milvus_parity.runtime.commands import fill, fill_environment
from milvus_parity.runtime.containers import inputs, network
from milvus_parity.runtime.containers.attach import ContainerConnection
from milvus_parity.runtime.containers.compiling import compile_programs
from milvus_parity.runtime.containers.engine import Engine, EngineError, connect
from milvus_parity.runtime.containers.images import SdkImages
from milvus_parity.runtime.containers.labels import Owner
from milvus_parity.runtime.containers.limits import SCRATCH, unheld
from milvus_parity.runtime.containers.settings import ContainerSettings
from milvus_parity.runtime.containers.starting import Containers, Wish
from milvus_parity.runtime.containers.sweep import sweep
from milvus_parity.runtime.locks import locked
from milvus_parity.runtime.process import digest

LOOPBACK = "127.0.0.1"
"""Where gateways listen when it is relays that come to them: nobody else can."""

SETTLE_SECONDS = 10.0
"""How long calls to the engine that are under way at the end may take."""


class ContainerRuntime:
    """Builds and runs in containers. Made by `open`; `close` leaves nothing behind but images."""

    name = "container"

    def __init__(
        self,
        engine: Engine,
        settings: ContainerSettings,
        cache: Path,
        owner: Owner,
        run_network: network.RunNetwork | None,
        info: Mapping[str, Any],
        progress: Progress,
    ) -> None:
        self.engine = engine
        self.gateway_host = run_network.gateway if run_network else LOOPBACK
        self.images = SdkImages(engine, settings, owner, cache / "images")
        self._network = run_network
        self._certain = run_network is None or run_network.is_up
        self._deciding = asyncio.Lock()
        self._settings = settings
        self._progress = progress
        self._unheld = unheld(info)
        self._run = owner.run
        self._locks = cache / "images"
        self._containers = Containers(engine, owner, int(info.get("NCPU") or os.cpu_count() or 1), settings.relay_image)
        self._compiling = asyncio.Semaphore(settings.parallel)

    @classmethod
    async def open(
        cls,
        run: str,
        *,
        cache: Path,
        settings: ContainerSettings,
        environ: Mapping[str, str] | None = None,
        progress: Progress = lambda _line: None,
    ) -> Self:
        """Find the engine, remove what dead harnesses left in it, and make the network of a run.

        ``run`` is for people, in the names of what is made. Raises EngineError when no engine can be used.
        """
        engine = await asyncio.to_thread(connect, environ)
        # Two runs may have the same name, and what a run made is removed by it.
        run = f"{inputs.tag_words(run)}-{secrets.token_hex(4)}"
        owner = Owner.this_process(run)
        try:
            if swept := await engine.ask("removing what earlier runs left behind", lambda: sweep(engine)):
                progress(f"removed what an earlier run left behind: {swept}")
            run_network = await _network(engine, owner, progress)
            info = await engine.ask("asking what it is", engine.client.info)
        except BaseException:
            await _remove_run(engine, run)
            engine.close()
            raise
        return cls(engine, settings, cache, owner, run_network, info, progress)

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know of how workers are kept, in sentences: locks that do not hold, relays. Empty as a
        rule."""
        ways = (_relayed(self.engine),) if self._network is None else self._network.open_doors
        return (*ways, self._unheld) if self._unheld else ways

    async def missing(self, pack: Pack) -> Missing | None:
        """Why the pack cannot be used here; None when it can."""
        if (pack.folder / inputs.DOCKERFILE).is_file():
            return None
        return Missing(
            what=f"the pack of {pack.spec.title} has no {inputs.DOCKERFILE}",
            install="write one, or use --runtime process",
        )

    async def resolve(self, pack: Pack, target: Target, progress: Progress) -> Sdk:
        """Build the image that holds an SDK, or find it."""
        return Sdk(pack=pack, target=target, folder=await self.images.sdk(pack, target, progress))

    async def build(self, sdk: Sdk, sources: Mapping[str, str], progress: Progress) -> Build:
        """Compile programs in a container without a network, and keep what comes out as an image."""
        image = await self.images.inspect(sdk.folder)
        if image is None:
            raise EngineError(f"The image {sdk.folder} is gone.", hint="Somebody removed it under the run; run again.")
        key = digest(inputs.LAYOUT, sdk.pack.spec.build, image["Id"], sdk.target.label, sources)
        build = Build(sdk=sdk, folder=inputs.build_tag(sdk.target, key), key=key, cached=True)
        if await self.images.inspect(build.folder) is not None:
            return build
        async with self._compiling, locked(self._locks / f"{build.folder.replace('/', '_')}.lock", progress):
            if await self.images.inspect(build.folder) is not None:
                return build
            await compile_programs(self.engine, self._containers, build, sources, self._settings.build, progress)
        return msgspec.structs.replace(build, cached=False)

    async def launch(self, build: Build) -> ContainerConnection:
        """Start a worker from the image of its programs, with a relay where it could not reach this machine."""
        if self._certain:
            return await self._launch(build)
        async with self._deciding:
            worker = await self._launch(build)
            if self._network is not None and not self._certain:
                try:
                    network.require_bridge_here(self._network.bridge, self._network.gateway)
                except network.ElsewhereError as error:
                    await worker.kill()
                    self._network = None
                    self._progress(_relayed(self.engine, error))
                    worker = await self._launch(build)
            self._certain = True
        return worker

    async def _launch(self, build: Build) -> ContainerConnection:
        spec, target = build.sdk.pack.spec.worker, build.sdk.target
        places = inputs.places(target)
        return await self._containers.start(
            Wish(
                name=target.name,
                image=build.folder,
                command=tuple(fill(spec.command, places)),
                environment=fill_environment(spec.environment, places),
                folder=SCRATCH,
                limits=self._settings.worker,
                network=self._network.name if self._network is not None else None,
                relayed=self._network is None,
                stdin=True,
            )
        )

    async def close(self) -> None:
        """Remove the workers, the network, its rules and passing images."""
        await self._containers.close()
        await self.engine.settle(SETTLE_SECONDS)
        await self.images.close()
        await _remove_run(self.engine, self._run)
        self.engine.close()


async def _network(engine: Engine, owner: Owner, progress: Progress) -> network.RunNetwork | None:
    """The network of a run; None where it would not be on this machine."""
    try:
        return await engine.ask("making the network of the run", lambda: network.create(engine, owner))
    except network.ElsewhereError as error:
        progress(_relayed(engine, error))
        return None


def _relayed(engine: Engine, why: Exception | None = None) -> str:
    reason = f" ({why})" if why else ""
    return (
        f"Workers reach the harness through relays: the networks of the engine at {engine.place.address} are not on "
        f"this machine{reason}."
    )


async def _remove_run(engine: Engine, run: str) -> None:
    """Remove all of a run, as far as the engine still answers: the next run removes the rest."""
    with contextlib.suppress(EngineError):
        await engine.ask("removing what the run made", lambda: sweep(engine, run=run))

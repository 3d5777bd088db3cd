"""Which runtime: containers where an engine answers, else processes."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from milvus_parity.packs.pack import Pack
from milvus_parity.runtime.base import Progress, Runtime
from milvus_parity.runtime.process import ProcessRuntime

if TYPE_CHECKING:
    from milvus_parity.runtime.container import ContainerRuntime
    from milvus_parity.runtime.containers.settings import ContainerSettings

CHOICES = ("auto", "process", "container")


async def open_runtime(choice: str, run: str, cache: Path, progress: Progress, packs: Sequence[Pack] = ()) -> Runtime:
    """The runtime that was asked for. Raises EngineError when containers were and no engine can be used.

    With ``auto``, programs run as processes where no engine answers or, if ``packs`` are given, where the engine can't
    get the image that the first of them is built on.
    """
    if choice == "process":
        return ProcessRuntime(cache)
    from milvus_parity.runtime.base import ResolveError
    from milvus_parity.runtime.container import ContainerRuntime
    from milvus_parity.runtime.containers.engine import EngineError
    from milvus_parity.runtime.containers.settings import settings_from

    settings = settings_from(os.environ)
    try:
        runtime = await ContainerRuntime.open(
            run, cache=cache, settings=settings, environ=os.environ, progress=progress
        )
    except EngineError as error:
        if choice == "container":
            raise
        progress(f"not in containers: {error.what}")
        return ProcessRuntime(cache)
    if choice == "container" or not packs:
        return runtime
    try:
        await _get_base(runtime, packs[0], settings, progress)
    except (EngineError, ResolveError) as error:
        await runtime.close()
        note = f"A Docker engine answers, but programs ran as processes: {error.what}"
        progress(note)
        return ProcessRuntime(cache, notes=(note,))
    return runtime


async def _get_base(runtime: "ContainerRuntime", pack: Pack, settings: "ContainerSettings", progress: Progress) -> None:
    from milvus_parity.runtime.containers.images import pull
    from milvus_parity.runtime.containers.inputs import base_image

    base = base_image(pack, settings)
    if await runtime.images.inspect(base) is None:
        progress(f"pulling {base}")
        await pull(runtime.engine, base)


def notes_of(runtime: Runtime) -> tuple[str, ...]:
    """What people should know of how the programs were kept apart."""
    if isinstance(runtime, ProcessRuntime):
        return runtime.notes
    from milvus_parity.runtime.container import ContainerRuntime

    return runtime.notes if isinstance(runtime, ContainerRuntime) else ()

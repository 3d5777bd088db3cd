"""Which runtime: containers where an engine answers, else processes."""

import asyncio
import os
from pathlib import Path

from milvus_parity.runtime.base import Progress, Runtime
from milvus_parity.runtime.process import ProcessRuntime

CHOICES = ("auto", "process", "container")


async def open_runtime(choice: str, run: str, cache: Path, progress: Progress) -> Runtime:
    """The runtime that was asked for. Raises EngineError when containers were and no engine answers."""
    if choice == "process":
        return ProcessRuntime(cache)
    from milvus_parity.runtime.container import ContainerRuntime
    from milvus_parity.runtime.containers.engine import EngineError, connect
    from milvus_parity.runtime.containers.settings import settings_from

    if choice == "auto":
        try:
            (await asyncio.to_thread(connect, os.environ)).close()
        except EngineError:
            return ProcessRuntime(cache)
    settings = settings_from(os.environ)
    return await ContainerRuntime.open(run, cache=cache, settings=settings, progress=progress)


def notes_of(runtime: Runtime) -> tuple[str, ...]:
    """What people should know of how the programs were kept apart."""
    from milvus_parity.runtime.container import ContainerRuntime

    return runtime.notes if isinstance(runtime, ContainerRuntime) else ()

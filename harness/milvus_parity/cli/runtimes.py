"""Which runtime: containers where an engine answers, else processes."""

import os
from pathlib import Path

from milvus_parity.runtime.base import Progress, Runtime
from milvus_parity.runtime.process import ProcessRuntime

CHOICES = ("auto", "process", "container")


async def open_runtime(choice: str, run: str, cache: Path, progress: Progress) -> Runtime:
    """The runtime that was asked for. Raises EngineError when containers were and no engine can be used."""
    if choice == "process":
        return ProcessRuntime(cache)
    from milvus_parity.runtime.container import ContainerRuntime
    from milvus_parity.runtime.containers.engine import EngineError
    from milvus_parity.runtime.containers.settings import settings_from

    settings = settings_from(os.environ)
    try:
        return await ContainerRuntime.open(run, cache=cache, settings=settings, environ=os.environ, progress=progress)
    except EngineError as error:
        if choice == "container":
            raise
        progress(f"not in containers: {error.what}")
        return ProcessRuntime(cache)


def notes_of(runtime: Runtime) -> tuple[str, ...]:
    """What people should know of how the programs were kept apart."""
    from milvus_parity.runtime.container import ContainerRuntime

    return runtime.notes if isinstance(runtime, ContainerRuntime) else ()

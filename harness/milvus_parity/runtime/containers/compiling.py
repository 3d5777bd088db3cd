"""All programs of a target, compiled in a container that has no network, kept as an image."""

import asyncio
import contextlib
import shlex
from collections import deque
from collections.abc import Mapping
from typing import Any

from milvus_parity.model.errors import NotAvailableError
from milvus_parity.runtime.base import Build, BuildError, Progress
from milvus_parity.runtime.commands import fill, fill_environment
from milvus_parity.runtime.containers import inputs, labels
from milvus_parity.runtime.containers.attach import ContainerConnection, exit_from
from milvus_parity.runtime.containers.engine import Engine, EngineError
from milvus_parity.runtime.containers.inputs import Content
from milvus_parity.runtime.containers.settings import Limits, size_words
from milvus_parity.runtime.containers.starting import Containers, Wish
from milvus_parity.runtime.process import compile_errors, last_lines

KEPT_LINES = 400
"""Lines of a compiler's output that are kept: its last."""
KEPT_CHARACTERS = 10_000
"""Of each line."""

LOOK_SECONDS = 1.0
"""How often is looked how much a compiler has written to the disk; less often where looking takes long."""


def wish(build: Build, sources: Mapping[str, str], limits: Limits) -> Wish:
    """The container that compiles: it starts from the SDK's image and may write where the programs and caches lie."""
    spec, target = build.sdk.pack.spec.build, build.sdk.target
    places = inputs.places(target)
    # As one shell command: a container has one life. A failing command ends it, and its output is the last.
    script = "exec 2>&1; " + " && ".join(shlex.join(fill(words, places)) for words in spec.commands)
    files = {f"work/{path}": Content(text.encode("utf-8", "surrogatepass")) for path, text in sources.items()}
    return Wish(
        name=f"compiler-{target.name}",
        image=build.sdk.folder,
        command=("sh", "-c", script),
        environment=fill_environment(spec.environment, places),
        folder=inputs.PLACES["work"],
        limits=limits,
        read_only=False,
        files=files,
        folders=("work", "build"),
    )


async def compile_programs(
    engine: Engine, containers: Containers, build: Build, sources: Mapping[str, str], limits: Limits, progress: Progress
) -> None:
    """Make the image that ``build.folder`` names. Raises BuildError when the programs do not compile."""
    spec, target = build.sdk.pack.spec.build, build.sdk.target
    lines: deque[str] = deque(maxlen=KEPT_LINES)
    connection = await containers.start(wish(build, sources, limits))
    watch = asyncio.create_task(_too_much_written(engine, connection, limits.disk))
    try:
        async with asyncio.timeout(spec.timeout):
            while (raw := await connection.receive()) is not None:
                line = raw.decode("utf-8", "replace").rstrip()[:KEPT_CHARACTERS]
                lines.append(line)
                if line:
                    progress(line)
            state = await engine.ask("waiting for a compiler", lambda: _ended(engine, connection.container))
        _judge(build, state, "\n".join(lines), limits, watch)
        await engine.ask(f"keeping the programs of {target.label}", lambda: _keep(engine, connection.container, build))
    except TimeoutError:
        raise BuildError(
            f"The programs of {target.label} were not compiled within {spec.timeout:g} s.", (), "\n".join(lines)
        ) from None
    finally:
        watch.cancel()
        await connection.kill()


async def _too_much_written(engine: Engine, connection: ContainerConnection, limit: int) -> None:
    """End the compiler when it has written more than its limit; returns then, and never otherwise. 0 is no limit.

    Engines have no limit of their own that works everywhere. The size of one file is limited by the kernel meanwhile.
    """
    loop = asyncio.get_running_loop()
    while limit:
        began = loop.time()
        with contextlib.suppress(EngineError):  # whoever waits for the compiler is told
            if await engine.ask("asking what was written", lambda: _written(engine, connection.container)) > limit:
                await engine.ask("ending a compiler", lambda: engine.client.api.kill(connection.container))
                return
        await asyncio.sleep(max(LOOK_SECONDS, 10 * (loop.time() - began)))
    await loop.create_future()


def _written(engine: Engine, container: str) -> int:
    """Bytes in the files of a container that its image does not have."""
    found = engine.client.api.containers(all=True, size=True, filters={"id": container})
    return int(found[0].get("SizeRw") or 0) if found else 0


def _judge(build: Build, state: dict[str, Any], output: str, limits: Limits, watch: "asyncio.Task[None]") -> None:
    ended = exit_from(state, killed=False, memory=limits.memory)
    label = build.sdk.target.label
    if watch.done():
        raise NotAvailableError(
            f"The compiler for {label} was killed by its disk limit of {size_words(limits.disk)}.",
            hint="Give it more, as in MILVUS_PARITY_BUILD_DISK=8g.",
        )
    if ended.by_limit:
        raise NotAvailableError(
            f"The compiler for {label} was killed by its {ended.by_limit}.",
            hint="Give it more, as in MILVUS_PARITY_BUILD_MEMORY=8g.",
        )
    if ended.status != 0:
        raise BuildError(
            f"The programs of {label} do not compile: {ended}.",
            compile_errors(build.sdk.pack.spec.build.errors, output, inputs.PLACES["work"]),
            output,
            hint=last_lines(output),
        )


def _ended(engine: Engine, container: str) -> dict[str, Any]:
    """Wait for a container's end and return its state; it stays."""
    engine.client.api.wait(container, timeout=None)
    return dict(engine.client.containers.get(container).attrs["State"])


def _keep(engine: Engine, container: str, build: Build) -> None:
    target = build.sdk.target
    marks = {
        # An image takes its container's labels along; those of the run are emptied, since it belongs to none.
        **dict.fromkeys(labels.OWNER, ""),
        labels.KIND: "build",
        labels.TARGET: target.name,
        labels.VERSION: target.version,
        labels.KEY: build.key,
        labels.SDK: build.sdk.folder,
    }
    repository, _, tag = build.folder.rpartition(":")
    changes = [f'LABEL {name}="{value}"' for name, value in marks.items()]
    engine.client.containers.get(container).commit(repository, tag, changes=changes)

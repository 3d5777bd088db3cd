"""Images of SDKs: pulled bases, built from a pack's Dockerfile, found again by the hash of their inputs."""

import asyncio
import contextlib
import io
import re
import threading
from collections import deque
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from milvus_parity.model.target import Target
from milvus_parity.packs.pack import Pack
from milvus_parity.runtime.base import Progress, ResolveError
from milvus_parity.runtime.containers import inputs, labels
from milvus_parity.runtime.containers.engine import Engine, EngineError
from milvus_parity.runtime.containers.inputs import Content
from milvus_parity.runtime.containers.labels import Owner
from milvus_parity.runtime.containers.settings import ContainerSettings
from milvus_parity.runtime.locks import locked
from milvus_parity.runtime.process import digest, last_lines

KEPT_LINES = 200
"""Lines of a build's log that are kept for an error."""

_STEP = re.compile(r"^step (?P<step>\d+)/(?P<of>\d+)\s*: (?P<what>.*)$", re.IGNORECASE)
_NOISE = re.compile(
    r"^( ---> .*|Removing intermediate container .*|Successfully (built|tagged) .*|--> .*|COMMIT .*|[0-9a-f]{64}"
    r"|\[Warning\] .*not consumed.*)$"
)


class BuildFailedError(Exception):
    """An image could not be built. ``log`` has the last lines."""

    def __init__(self, said: str, log: str) -> None:
        super().__init__(said)
        self.said = said
        self.log = log


class SdkImages:
    """Makes the images of one run. ``locks`` is a folder for the locks between runs that make the same image."""

    def __init__(self, engine: Engine, settings: ContainerSettings, owner: Owner, locks: Path) -> None:
        self._engine = engine
        self._settings = settings
        self._owner = owner
        self._locks = locks
        self._slots = asyncio.Semaphore(settings.parallel)
        self._passing: set[str] = set()

    async def sdk(self, pack: Pack, target: Target, progress: Progress) -> str:
        """The name of the image with this SDK; it is built when it is not there. Raises ResolveError, EngineError."""
        files = await asyncio.to_thread(lambda: inputs.read_files(inputs.context_files(pack, target)))
        base = inputs.base_image(pack, self._settings)
        key = inputs.sdk_key(files, base, target, self._settings)
        tag = inputs.sdk_tag(target, key)
        if await self._usable(tag, base):
            return tag
        async with self._slots, locked(self._locks / f"{tag.replace('/', '_')}.lock", progress):
            if not await self._usable(tag, base):
                await self._make(tag, key, base, files, target, progress)
        return tag

    async def _usable(self, tag: str, base: str) -> bool:
        """Whether an image is there and its base has not become another one since."""
        image = await self.inspect(tag)
        if image is None:
            return False
        there = await self.inspect(base)
        return there is None or (image["Config"].get("Labels") or {}).get(labels.BASE_ID) == there["Id"]

    async def inspect(self, name: str) -> dict[str, Any] | None:
        """What the engine knows of an image; None when it is not there."""
        import docker.errors

        def look() -> dict[str, Any] | None:
            try:
                return dict(self._engine.client.images.get(name).attrs)
            except docker.errors.ImageNotFound:
                return None

        return await self._engine.ask(f"looking for the image {name}", look)

    async def _make(
        self, tag: str, key: str, base: str, files: Mapping[str, Content], target: Target, progress: Progress
    ) -> None:
        base_id = await self._pulled(base, progress)
        kept = {
            labels.KIND: "sdk",
            labels.TARGET: target.name,
            labels.VERSION: target.version,
            labels.KEY: key,
            labels.BASE: base,
            labels.BASE_ID: base_id,
        }
        progress("building the image")
        try:
            if not self._settings.prepares_base:
                arguments = inputs.build_arguments(base, target)
                await self._build(files, tag, progress, arguments=arguments, marks=kept)
            else:
                await self._make_without_traces(tag, key, base, base_id, files, target, progress, kept)
        except BuildFailedError as error:
            raise ResolveError(
                f"{target.package} {target.version} cannot be fetched into an image for {target.name}: {error.said}",
                hint=last_lines(error.log, 20),
            ) from None

    async def _make_without_traces(
        self,
        tag: str,
        key: str,
        base: str,
        base_id: str,
        files: Mapping[str, Content],
        target: Target,
        progress: Progress,
        kept: Mapping[str, str],
    ) -> None:
        """Fetch on a prepared base, then take the SDK into an image that knows nothing of it."""
        prepared = inputs.prepared_base(base, self._settings)
        ready = f"milvus-parity/passing:{self._owner.run}-base-{digest(base_id)[:12]}"
        fetched = f"milvus-parity/passing:{self._owner.run}-{target.name}-{key[:12]}"
        marks = {labels.KIND: "passing", **self._owner.labels()}
        self._passing.add(ready)
        if await self.inspect(ready) is None:
            context = {inputs.DOCKERFILE: Content(prepared.dockerfile.encode()), **prepared.files}
            await self._build(context, ready, _silent, marks=marks)
        self._passing.add(fetched)
        arguments = inputs.build_arguments(ready, target)
        await self._build(files, fetched, progress, arguments=arguments, marks=marks)
        before, now = await self.inspect(ready), await self.inspect(fetched)
        assert before is not None
        assert now is not None
        dockerfile = inputs.kept_dockerfile(base, fetched, now["Config"], before["Config"].get("Env"))
        context = {inputs.DOCKERFILE: Content(dockerfile.encode())}
        await self._build(context, tag, _silent, marks=kept)

    async def _pulled(self, base: str, progress: Progress) -> str:
        """The id of a base image, which is pulled when it is not there."""
        image = await self.inspect(base)
        if image is None:
            progress(f"pulling {base}")
            await pull(self._engine, base)
            image = await self.inspect(base)
        if image is None:
            raise ResolveError(f"The image {base} was pulled and is not there.")
        return str(image["Id"])

    async def _build(
        self,
        files: Mapping[str, Content],
        tag: str,
        progress: Progress,
        *,
        marks: Mapping[str, str],
        arguments: Mapping[str, str] | None = None,
    ) -> None:
        """Build an image, with ``marks`` as labels; ``progress`` hears the log. Raises BuildFailedError."""
        context = inputs.archive(inputs.labelled(files, marks))
        loop = asyncio.get_running_loop()
        abandoned = threading.Event()
        log: deque[str] = deque(maxlen=KEPT_LINES)

        def tell(line: str) -> None:
            if not abandoned.is_set():
                with contextlib.suppress(RuntimeError):  # nobody listens any more
                    loop.call_soon_threadsafe(progress, line)

        def build() -> str | None:
            stream = self._engine.client.api.build(
                fileobj=io.BytesIO(context),
                custom_context=True,
                tag=tag,
                buildargs=dict(arguments or {}),
                rm=True,
                forcerm=True,
                decode=True,
                timeout=3600,  # seconds without a word from the engine; a large download says nothing for long
            )
            for item in stream:
                if abandoned.is_set():
                    break
                if "error" in item:
                    return str(item["error"]).strip()
                for line in str(item.get("stream", "")).splitlines():
                    if told := log_line(line):
                        log.append(told)
                        tell(told)
            return None

        try:
            failed = await self._engine.ask(f"building {tag}", build)
        except asyncio.CancelledError:
            abandoned.set()
            raise
        if failed is not None:
            if "no space left on device" in failed.lower():
                raise EngineError(
                    f"The disk of the container engine is full; building {tag} failed: {failed}",
                    hint="Make room: `milvus-parity images prune`, `docker system df`.",
                )
            raise BuildFailedError(failed.rstrip(".") + ".", "\n".join(log))

    async def close(self) -> None:
        """Remove the passing images of this run."""
        for tag in sorted(self._passing):
            with contextlib.suppress(EngineError):
                await self._engine.ask(f"removing {tag}", partial(remove_with_children, self._engine, tag))
        self._passing.clear()


def log_line(line: str) -> str | None:
    """A line of a build's log as people want to read it; None for what only an engine wants to say."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line).rstrip()
    if not text or _NOISE.match(text):
        return None
    if found := _STEP.match(text):
        return f"image, step {found['step']} of {found['of']}: {found['what']}"
    return text


async def pull(engine: Engine, image: str) -> None:
    """Pull an image. Raises ResolveError with the registry's words."""
    import docker.errors
    from docker.utils import parse_repository_tag

    repository, tag = parse_repository_tag(image)

    def work() -> str | None:
        try:
            for item in engine.client.api.pull(repository, tag=tag or "latest", stream=True, decode=True):
                if "error" in item:
                    return str(item["error"])
        except docker.errors.APIError as error:
            return str(error.explanation or error)
        return None

    if said := await engine.ask(f"pulling {image}", work):
        raise ResolveError(
            f"The image {image} cannot be pulled: {said.strip()}",
            hint="Name one that can: MILVUS_PARITY_BASE_<LANGUAGE>=IMAGE for a language, `--milvus container:IMAGE` "
            "for Milvus; or load it into the engine (`docker load`).",
        )


def remove_with_children(engine: Engine, name: str) -> int:
    """Remove an image and all that was built on it, also what has no name. Returns how many. Blocks."""
    import docker.errors

    api = engine.client.api
    try:
        root = str(engine.client.images.get(name).id)
    except docker.errors.ImageNotFound:
        return 0
    parents = {image["Id"]: image.get("ParentId") for image in api.images(all=True)}
    family = [root]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    removed = 0
    for member in reversed(family):
        with contextlib.suppress(docker.errors.ImageNotFound):
            try:
                api.remove_image(member, force=True)
                removed += 1
            except docker.errors.APIError as error:
                if error.status_code != 409:  # a container of somebody else's holds it
                    raise
    return removed


def _silent(_line: str) -> None:
    pass

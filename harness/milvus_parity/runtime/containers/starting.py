"""Containers of one run: made with its labels and locks, attached before they start, kept in view until they end."""

import asyncio
import contextlib
import itertools
from collections.abc import Mapping
from typing import Any

from milvus_parity.model.errors import NotAvailableError
from milvus_parity.model.scenario import Frozen
from milvus_parity.runtime.containers import inputs
from milvus_parity.runtime.containers.attach import ContainerConnection
from milvus_parity.runtime.containers.engine import Engine, EngineError
from milvus_parity.runtime.containers.inputs import Content
from milvus_parity.runtime.containers.labels import Owner
from milvus_parity.runtime.containers.limits import NETWORK_LOCKS, SCRATCH, locks, user
from milvus_parity.runtime.containers.relay import LIMITS, Relay, command
from milvus_parity.runtime.containers.settings import Limits
from milvus_parity.runtime.containers.watch import MemoryWatch


class Wish(Frozen, frozen=True, kw_only=True):
    """A container that is wanted. ``name`` is for people; ``network`` None is none at all.

    With ``relayed`` it has a network namespace of its own with a relay in it, and no other network.
    ``files`` and ``folders`` lie under /opt/parity and belong to the container's user; a read-only root takes none.
    """

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    limits: Limits
    network: str | None = None
    relayed: bool = False
    read_only: bool = True
    stdin: bool = False
    files: Mapping[str, Content] = {}
    folders: tuple[str, ...] = ()


class Containers:
    """Starts them. ``processors``: how many the engine has. ``relay_image``: instead of the worker's own image."""

    def __init__(self, engine: Engine, owner: Owner, processors: int, relay_image: str = "") -> None:
        self._engine = engine
        self._owner = owner
        self._processors = processors
        self._relay_image = relay_image
        self._watch = MemoryWatch(engine, owner.run)
        self._numbers = itertools.count(1)
        self._running: dict[str, ContainerConnection] = {}

    async def start(self, wish: Wish) -> ContainerConnection:
        """Make and start a container. Raises EngineError, and NotAvailableError when its command cannot be started."""
        relay = await self._start_relay(wish) if wish.relayed else None
        try:
            stream, container = await self._attach(wish, relay)
        except BaseException:
            if relay is not None:
                await relay.remove()
            raise
        connection = ContainerConnection(
            self._engine,
            container,
            stream,
            memory=wish.limits.memory,
            took_one=self._watch.took_one,
            forget=self._forget,
            relay=relay,
        )
        self._running[container] = connection
        return connection

    async def _start_relay(self, wish: Wish) -> Relay:
        image = self._relay_image or wish.image
        wanted = Wish(
            name=f"relay-{wish.name}",
            image=image,
            command=command(),
            environment={},
            folder="/",
            limits=LIMITS,
            stdin=True,
        )
        stream, container = await self._attach(wanted, None)
        relay = Relay(self._engine, container, image, stream)
        await relay.ready()
        return relay

    async def _attach(self, wish: Wish, relay: Relay | None) -> tuple[Any, str]:
        number = next(self._numbers)
        return await self._engine.ask(f"starting {wish.name}", lambda: self._start(wish, number, relay))

    def _start(self, wish: Wish, number: int, relay: Relay | None) -> tuple[Any, str]:
        import docker.errors
        from docker.types import Mount

        api = self._engine.client.api
        try:
            image = self._engine.client.images.get(wish.image).attrs["Config"]
        except docker.errors.ImageNotFound:
            raise EngineError(
                f"The image {wish.image} is gone.", hint="Somebody removed it under the run; run again."
            ) from None
        uid, gid = user(str(image.get("User") or ""), wish.image)
        name = f"milvus-parity-{self._owner.run}-{number}-{inputs.tag_words(wish.name)}"
        marks = self._owner.labels()
        # What an image declares as volumes would be places to write to without a limit. They go with the run.
        volumes = [
            Mount(target=place, source=f"{name}-{count}", type="volume", read_only=True, labels=marks)
            for count, place in enumerate(image.get("Volumes") or ())
        ]
        network: dict[str, Any] = {"network": wish.network} if wish.network else {"network_mode": "none"}
        locked = locks(wish.limits, self._processors)
        if relay is not None:
            network = {"network_mode": f"container:{relay.container}"}
            locked = {name: value for name, value in locked.items() if name not in NETWORK_LOCKS}
        made = self._engine.client.containers.create(
            image=wish.image,
            name=name,
            entrypoint=list(wish.command),
            command=[],
            user=f"{uid}:{gid}",
            working_dir=wish.folder,
            environment={"HOME": SCRATCH, **wish.environment},
            labels=marks,
            read_only=wish.read_only,
            stdin_open=wish.stdin,
            mounts=volumes,
            **network,
            **locked,
        )
        container = str(made.id)
        stream = None
        try:
            if wish.files or wish.folders:
                made.put_archive(inputs.ROOT, inputs.archive(wish.files, folders=wish.folders, owner=(uid, gid)))
            wanted = {"stdin": int(wish.stdin), "stdout": 1, "stderr": 1, "stream": 1}
            stream = api.attach_socket(container, params=wanted)
            api.start(container)
        except BaseException as error:
            if stream is not None:
                stream.close()
            with contextlib.suppress(docker.errors.DockerException):
                made.remove(force=True, v=True)
            if isinstance(error, docker.errors.APIError) and "no space left" not in str(error.explanation):
                raise NotAvailableError(
                    f"The container of {wish.name} cannot be started: {error.explanation}",
                    hint=f"Its image is {wish.image}, its command `{' '.join(wish.command)}`.",
                ) from error
            raise
        return stream, container

    def _forget(self, container: str) -> None:
        self._running.pop(container, None)

    async def close(self) -> None:
        """End and remove all that still run."""
        await asyncio.gather(*(connection.kill() for connection in list(self._running.values())))
        self._watch.close()

"""A Milvus standalone in a container, for the time of one run.

The image is the official one or any that behaves like it: `milvus run standalone` listens on 19530 and tells its health
on 9091. Its ports are published on this machine's loopback only, under numbers that the engine picks; root's password
is the run's own before anybody else learns of the server. Its container carries the harness's labels, so that a later
run removes it when this one was killed: testcontainers' own reaper is an image that many machines cannot pull, and is
not used.
"""

import asyncio
import contextlib
import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from milvus_parity.model.errors import ParityError
from milvus_parity.servers.base import Progress, ServerError, ServerInfo
from milvus_parity.servers.errors import ObserverError

if TYPE_CHECKING:
    from milvus_parity.runtime.containers.engine import Engine

PORT = 19530
HEALTH_PORT = 9091
START_SECONDS = 180.0
"""How long a start may take; 3 s is usual, a machine under load takes many times that."""
POLL_SECONDS = 0.05
# What every fresh Milvus has, and this one only for some milliseconds.
FIRST_PASSWORD = "Milvus"  # noqa: S105
LOG_LINES_SHOWN = 8
KEPT_LOG_LINES = 200
SETTLE_SECONDS = 30.0

ENVIRONMENT = {
    "ETCD_USE_EMBED": "true",
    "ETCD_DATA_DIR": "/var/lib/milvus/etcd",
    "COMMON_STORAGETYPE": "local",
    "COMMON_SECURITY_AUTHORIZATIONENABLED": "true",
}
"""As in the official standalone script, plus authorisation; images with a configuration of their own pass some by."""

_testcontainers_settings = threading.Lock()


class ContainerServer:
    """See the module."""

    def __init__(self, image: str, environ: Mapping[str, str], on_progress: Progress) -> None:
        self._image = image
        self._environ = environ
        self._on_progress = on_progress
        self._run = f"server-{secrets.token_hex(4)}"
        self._engine: Engine | None = None
        self._container: str | None = None
        self._info: ServerInfo | None = None
        self._last_words: list[str] = []

    @property
    def info(self) -> ServerInfo:
        """Where it is; valid once `start` has returned."""
        if self._info is None:
            raise ServerError("The server in a container was asked where it is before it was started.")
        return self._info

    async def start(self) -> ServerInfo:
        """Start it with fresh data and set root's password. Raises `ServerError` and what a missing engine raises."""
        from milvus_parity.runtime.containers.engine import connect
        from milvus_parity.runtime.containers.sweep import sweep

        engine = self._engine = await asyncio.to_thread(connect, self._environ)
        try:
            await engine.ask("removing what earlier runs left behind", lambda: sweep(engine))
            await self._pull_if_missing(engine)
            self._on_progress(f"starting Milvus in a container ({self._image})")
            self._container = await engine.ask("starting Milvus", lambda: self._create(engine))
            # The half second that importing gRPC takes passes while the server starts.
            imported = asyncio.create_task(asyncio.to_thread(_import_rpc))
            try:
                host, ports = await engine.ask("asking for the ports of Milvus", lambda: self._published(engine))
                await self._until_healthy(engine, host, ports[HEALTH_PORT])
            finally:
                await imported
            self._info = await self._take_over(host, ports[PORT])
            return self._info
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Remove its container and data; some of its last log lines stay for those who ask later."""
        from milvus_parity.runtime.containers.sweep import sweep

        engine, container = self._engine, self._container
        self._engine = self._container = None
        if engine is None:
            return
        with contextlib.suppress(Exception):  # of a container that is gone, or an engine
            if container is not None:
                self._last_words = await asyncio.to_thread(_log_lines, engine, container, KEPT_LOG_LINES)
        await engine.settle(SETTLE_SECONDS)  # a start that was given up may still be making its container
        with contextlib.suppress(ParityError):
            await engine.ask("removing Milvus", lambda: sweep(engine, run=self._run))
        engine.close()

    def alive(self) -> bool:
        """Whether its container runs."""
        import docker.errors

        engine, container = self._engine, self._container
        if engine is None or container is None:
            return False
        try:
            return str(engine.client.containers.get(container).status) == "running"
        except docker.errors.NotFound:
            return False
        except Exception:  # the engine does not answer; its containers may live on
            return True

    def last_log_lines(self, count: int) -> list[str]:
        """The newest lines of its log."""
        engine, container = self._engine, self._container
        if engine is None or container is None:
            return self._last_words[-count:]
        with contextlib.suppress(Exception):  # of a container that is gone, or an engine
            return _log_lines(engine, container, count)
        return []

    async def _pull_if_missing(self, engine: "Engine") -> None:
        import docker.errors

        from milvus_parity.runtime.containers.images import pull

        def there() -> bool:
            try:
                engine.client.images.get(self._image)
            except docker.errors.ImageNotFound:
                return False
            return True

        if not await engine.ask(f"looking for the image {self._image}", there):
            self._on_progress(f"pulling {self._image}")
            await pull(engine, self._image)

    def _create(self, engine: "Engine") -> str:
        import docker.errors
        from docker.types import LogConfig
        from testcontainers.core.container import DockerContainer

        from milvus_parity.runtime.containers.labels import Owner

        ports: dict[str, Any] = {f"{port}/tcp": ("127.0.0.1", None) if engine.is_local else None for port in PORTS}
        with _testcontainers_quiet():
            # Its own client would be another, with other certificates: with a version it asks nobody before it is gone.
            client = {"environment": engine.variables, "version": engine.client.api.api_version}
            milvus = DockerContainer(self._image, docker_client_kw=client)
            milvus.get_docker_client().client.close()
            milvus.get_docker_client().client = engine.client
            milvus.with_command(["milvus", "run", "standalone"]).with_envs(**ENVIRONMENT)
            milvus.with_name(f"milvus-parity-{self._run}")
            milvus.ports = ports
            milvus.with_kwargs(
                labels=Owner.this_process(self._run).labels(),
                network="bridge",
                security_opt=["no-new-privileges"],
                log_config=LogConfig(type="json-file", config={"max-size": "16m", "max-file": "1"}),
            )
            try:
                milvus.start()
            except docker.errors.APIError as error:
                if "executable file not found" in str(error.explanation):
                    raise ServerError(
                        f"The image {self._image} is no Milvus: it has no command `milvus`.",
                        hint="Name another: --milvus container:IMAGE",
                    ) from error
                raise
        return str(milvus.get_wrapped_container().id)

    def _published(self, engine: "Engine") -> tuple[str, dict[int, int]]:
        """Host and port numbers at which its ports are reached."""
        assert self._container is not None
        found = {}
        for port in PORTS:
            published = engine.client.api.port(self._container, port)
            if not published:
                raise self._not_started(f"does not publish its port {port}; its container may have ended")
            found[port] = int(published[0]["HostPort"])
        host = "127.0.0.1" if engine.is_local else urlsplit(engine.place.address).hostname or "127.0.0.1"
        return host, found

    async def _until_healthy(self, engine: "Engine", host: str, port: int) -> None:
        from milvus_parity.servers.embedded import healthy

        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_SECONDS
        while not await healthy(host, port):
            if not await asyncio.to_thread(self.alive):
                raise self._not_started(f"ended while it started ({await self._ending(engine)})")
            if loop.time() > deadline:
                raise self._not_started(f"was not ready within {START_SECONDS:g} s")
            await asyncio.sleep(POLL_SECONDS)

    async def _ending(self, engine: "Engine") -> str:
        container = self._container
        assert container is not None
        state = await engine.ask(
            "asking how Milvus ended", lambda: engine.client.containers.get(container).attrs["State"]
        )
        return "it ran out of memory" if state.get("OOMKilled") else f"exit status {state.get('ExitCode')}"

    async def _take_over(self, host: str, port: int) -> ServerInfo:
        """Change root's password from the one everybody knows, and look what the server is."""
        from milvus_parity.servers.external import features_of
        from milvus_parity.servers.probe import allows_anonymous, change_password, reported_version

        known = ServerInfo(kind="container", host=host, port=port, user="root", password=FIRST_PASSWORD)
        try:
            if await allows_anonymous(msgspec.structs.replace(known, user="", password="")):
                version = await reported_version(msgspec.structs.replace(known, user="", password=""))
                open_to_all = msgspec.structs.replace(known, user="", password="", version=version)
                return msgspec.structs.replace(open_to_all, features=features_of(version, anonymous=True))
            password = secrets.token_urlsafe(18)
            await change_password(known, password)
            owned = msgspec.structs.replace(known, password=password)
            version = await reported_version(owned)
        except ObserverError as error:
            raise self._not_started(f"did not take its new password: {error.what}") from error
        return msgspec.structs.replace(owned, version=version, features=features_of(version, anonymous=False))

    def _not_started(self, what: str) -> ServerError:
        lines = self.last_log_lines(LOG_LINES_SHOWN)
        said = "\n  ".join(lines) if lines else "(nothing)"
        return ServerError(
            f"Milvus in a container ({self._image}) {what}.", hint=f"The last lines of its log:\n  {said}"
        )


PORTS = (PORT, HEALTH_PORT)


def _log_lines(engine: "Engine", container: str, count: int) -> list[str]:
    output = engine.client.api.logs(container, tail=count)
    return bytes(output).decode("utf-8", "replace").splitlines()[-count:]


@contextlib.contextmanager
def _testcontainers_quiet() -> Iterator[None]:
    """Without its reaper, and without a trace in this process's environment, where testcontainers puts DOCKER_HOST."""
    from testcontainers.core.config import testcontainers_config

    with _testcontainers_settings:
        reaper, host = testcontainers_config.ryuk_disabled, os.environ.get("DOCKER_HOST")
        testcontainers_config.ryuk_disabled = True
        try:
            yield
        finally:
            testcontainers_config.ryuk_disabled = reaper
            if host is None:
                os.environ.pop("DOCKER_HOST", None)
            else:
                os.environ["DOCKER_HOST"] = host


def _import_rpc() -> None:
    import milvus_parity.servers.rpc  # noqa: F401

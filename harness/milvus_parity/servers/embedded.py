"""The embedded server: a real Milvus standalone, started as a child with nothing prepared.

Measured with 2.3.5: it listens on every interface whatever its configuration says (etcd inside is kept off the
network); it takes another port without a word when one is busy; an open port is no sign that it is ready; started
again on old data it needs 5 to 10 s, with fresh data 2 s. So: fresh data each time, a look at the ports it really has,
readiness from its health page, and a password of the run's own before anybody else learns of the server.
"""

import asyncio
import secrets
from contextlib import suppress
from pathlib import Path

import msgspec

from milvus_parity.servers.base import ALL_FEATURES, ServerError, ServerInfo
from milvus_parity.servers.child_server import ChildServer
from milvus_parity.servers.children import Child
from milvus_parity.servers.configuration import (
    PORT_COUNT,
    Ports,
    as_yaml,
    environment,
    etcd_settings,
    milvus_settings,
)
from milvus_parity.servers.errors import ObserverError
from milvus_parity.servers.folders import OwnedFolder, unwritable
from milvus_parity.servers.leftovers import PID_FILE, remove_leftovers, remove_leftovers_of_folder
from milvus_parity.servers.ports import free_ports, listens_on
from milvus_parity.servers.wheel import VERSION, ServerFiles, read_template, server_files

HOST = "127.0.0.1"
START_SECONDS = 90.0
"""How long a start may take; 2 s is usual, a machine under load takes many times that."""
POLL_SECONDS = 0.02
ATTEMPTS = 5
"""How often other ports are tried."""
FIRST_PASSWORD = "Milvus"  # noqa: S105 - what every fresh Milvus has, and this one only for some milliseconds


class TryAgainError(Exception):
    """Something that may go better with other ports, or a moment later; what to say when it does not."""

    def __init__(self, sentence: ServerError) -> None:
        self.sentence = sentence
        super().__init__(sentence)


class EmbeddedServer(ChildServer):
    """See the module."""

    title = "The embedded server"

    async def start(self) -> ServerInfo:
        """Start it on ports and data of its own and set root's password. Raises `ServerError`."""
        try:
            files = await server_files(self._servers_dir, environ=self._environ, on_progress=self._on_progress)
            self._on_progress(f"starting the embedded server (Milvus {VERSION})")
            ports = await self._start_somewhere(files)
            self._info = await self._take_over(ports)
            return self._info
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Kill it and remove its data and logs; some of its last log lines stay for those who ask later."""
        # SIGTERM only starts a graceful stop of many seconds that would save data which is thrown away.
        await self._discard(0)

    def _ended(self, pid: int) -> None:
        remove_leftovers(pid)

    async def _start_somewhere(self, files: ServerFiles) -> Ports:
        again = TryAgainError(_ports_taken())
        for _ in range(ATTEMPTS):
            try:
                return await self._start_once(files)
            except TryAgainError as error:
                again = error
                await self.stop()
        raise again.sentence

    async def _start_once(self, files: ServerFiles) -> Ports:
        try:
            self._folder = OwnedFolder.create(self._servers_dir / "run", remove_leftovers_of_folder)
            ports = Ports.of(free_ports(PORT_COUNT))
            _prepare(self._folder.path, files, ports)
            self._child = Child(
                [str(files.binary), "run", "standalone"],
                env=environment(self._folder.path, files.libraries, ports),
                cwd=self._folder.path,
                log=self._folder.path / "logs" / "milvus.log",
            )
            (self._folder.path / PID_FILE).write_text(str(self._child.pid))
        except OSError as error:
            raise unwritable(self._servers_dir, error) from error
        # The half second that importing gRPC takes passes while the server starts.
        imported = asyncio.create_task(asyncio.to_thread(_import_rpc))
        try:
            await self._until_healthy(self._child, ports)
        finally:
            await imported
        if not listens_on(self._child.pid, ports.proxy, ports.metrics):
            raise TryAgainError(_ports_taken())
        return ports

    async def _until_healthy(self, child: Child, ports: Ports) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_SECONDS
        while True:
            if not child.alive():
                said = "\n".join(child.last_lines(500))
                if "address already in use" in said:
                    raise TryAgainError(_ports_taken())
                if "Create runtime directory" in said:  # or another server has just removed it on its way out
                    raise TryAgainError(_no_runtime_folder())
                raise self._not_started(f"ended while it started ({child.exit_words()})")
            if await healthy(HOST, ports.metrics):
                return
            if loop.time() > deadline:
                raise self._not_started(f"was not ready within {START_SECONDS:g} s")
            await asyncio.sleep(POLL_SECONDS)

    async def _take_over(self, ports: Ports) -> ServerInfo:
        """Change root's password from the one everybody knows, and look that the change holds."""
        from milvus_parity.servers.probe import change_password, reported_version

        fresh = ServerInfo(kind="embedded", host=HOST, port=ports.proxy, user="root", password=FIRST_PASSWORD)
        password = secrets.token_urlsafe(18)
        try:
            await change_password(fresh, password)
            owned = ServerInfo(
                kind="embedded",
                host=HOST,
                port=ports.proxy,
                user="root",
                password=password,
                features=ALL_FEATURES,
            )
            version = await reported_version(owned)
        except ObserverError as error:
            raise self._not_started(f"did not take its new password: {error.what}") from error
        return msgspec.structs.replace(owned, version=version)


def _ports_taken() -> ServerError:
    return ServerError(
        f"The embedded server found its ports taken {ATTEMPTS} times in a row.",
        hint="Look what opens so many ports on this machine, or use the address of a server.",
    )


def _no_runtime_folder() -> ServerError:
    return ServerError(
        "The embedded server can write neither /run/milvus nor /tmp/milvus, and knows no other place.",
        hint="Another user's Milvus has left /tmp/milvus behind: have it removed, "
        "or use `--milvus container` or an address.",
    )


def _prepare(folder: Path, files: ServerFiles, ports: Ports) -> None:
    for name in ("configs", "data", "logs", "run", "tmp"):
        (folder / name).mkdir()
    template = read_template(files.template.read_text(encoding="utf-8"))
    (folder / "configs" / "milvus.yaml").write_bytes(as_yaml(milvus_settings(template, folder, ports)))
    (folder / "configs" / "etcd.yaml").write_bytes(as_yaml(etcd_settings()))
    (folder / "configs" / "glog.conf").write_bytes(files.glog.read_bytes())


def _import_rpc() -> None:
    import milvus_parity.servers.rpc  # noqa: F401


async def healthy(host: str, port: int) -> bool:
    """Whether the health page of a Milvus says OK; one try of at most 2 s, False for anything else."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET /healthz HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
                answer = await reader.read(4096)
            finally:
                writer.close()
            return b" 200 " in answer.partition(b"\r\n")[0] and answer.rstrip().endswith(b"OK")
    return False

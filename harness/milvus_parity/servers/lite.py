"""milvus-lite as a server: a second opinion that starts in a second.

It is not Milvus: it has no authorisation and no TLS, loads only whole collections, drops loaded partitions, and has
error codes of its own. It lives in a Python environment of its own, as it wants other releases than the harness.
"""

import asyncio
import secrets
import shutil
import sys
from pathlib import Path

from milvus_parity.servers.base import ServerError, ServerInfo
from milvus_parity.servers.child_server import ChildServer
from milvus_parity.servers.children import Child
from milvus_parity.servers.errors import ObserverError
from milvus_parity.servers.folders import OwnedFolder, make_folder, unwritable
from milvus_parity.servers.installs import environment_installer, run_installer
from milvus_parity.servers.locks import locked
from milvus_parity.servers.ports import free_ports, listeners, listens_on

REQUIREMENTS = ("milvus-lite==3.2.2", "pymilvus==2.6.17")
"""milvus-lite answers with pymilvus's messages but does not ask for it."""

FEATURES = frozenset({"databases", "aliases", "partition_key"})
HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 1.0
POLL_SECONDS = 0.02
ATTEMPTS = 5
MAIN = "from milvus_lite.cmdline import main; main()"


class LiteServer(ChildServer):
    """See the module."""

    title = "milvus-lite"

    async def start(self) -> ServerInfo:
        """Start it on a port and data of its own. Raises `ServerError`."""
        try:
            python = await self._environment()
            self._on_progress("starting milvus-lite")
            for _ in range(ATTEMPTS):
                if info := await self._start_once(python):
                    self._info = info
                    return info
                await self.stop()
            raise ServerError(f"milvus-lite found its port taken {ATTEMPTS} times in a row.")
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop it and remove its data."""
        await self._discard(STOP_SECONDS)

    async def _environment(self) -> Path:
        """The Python of an environment that has milvus-lite, made first where there is none yet."""
        name = f"{REQUIREMENTS[0].replace('==', '-')}-python{sys.version_info.major}.{sys.version_info.minor}"
        folder = self._servers_dir / name
        try:
            make_folder(self._servers_dir)
            async with locked(self._servers_dir / f"{name}.lock", self._on_progress, "installs milvus-lite"):
                if not folder.is_dir():
                    await self._install(folder)
        except OSError as error:
            raise unwritable(self._servers_dir, error) from error
        return folder / "bin" / "python"

    async def _install(self, folder: Path) -> None:
        for leftover in folder.parent.glob(f"{folder.name}.tmp-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        work = folder.parent / f"{folder.name}.tmp-{secrets.token_hex(4)}"
        self._on_progress("installing milvus-lite (450 MB with what it needs)")
        try:
            make = [sys.executable, "-m", "venv", "--without-pip", str(work)]
            await run_installer(make, environ=self._environ, what="An environment for milvus-lite")
            install = [*environment_installer(work / "bin" / "python", self._environ), *REQUIREMENTS]
            await run_installer(install, environ=self._environ, what=" and ".join(REQUIREMENTS))
            work.rename(folder)  # nothing in it that we use knows its own place
        finally:
            shutil.rmtree(work, ignore_errors=True)

    async def _start_once(self, python: Path) -> ServerInfo | None:
        """Where it is, or None when somebody else took the port."""
        try:
            self._folder = OwnedFolder.create(self._servers_dir / "run")
            (port,) = free_ports(1)
            data = self._folder.path / "data"
            arguments = ["server", "--data-dir", str(data), "--host", HOST, "--port", str(port)]
            self._child = Child(
                [str(python), "-I", "-c", MAIN, *arguments],
                env={"HOME": str(self._folder.path), "PATH": "/usr/bin:/bin", "TMPDIR": str(self._folder.path)},
                cwd=self._folder.path,
                log=self._folder.path / "server.log",
            )
        except OSError as error:
            raise unwritable(self._servers_dir, error) from error
        if not await self._until_it_listens(self._child, port):
            return None
        from milvus_parity.servers.probe import reported_version

        try:
            version = await reported_version(ServerInfo(kind="lite", host=HOST, port=port))
        except ObserverError as error:
            raise self._not_started(f"does not answer: {error.what}") from error
        return ServerInfo(kind="lite", host=HOST, port=port, version=version, features=FEATURES)

    async def _until_it_listens(self, child: Child, port: int) -> bool:
        """Wait until it listens; False when another process listens there as well.

        It sets SO_REUSEPORT: on a port in use it starts without a word and gets half of the connections.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_SECONDS
        while True:
            if not child.alive():
                raise self._not_started(f"ended while it started ({child.exit_words()})")
            if listens_on(child.pid, port):
                return listeners(port) <= 1
            if loop.time() > deadline:
                raise self._not_started(f"did not listen within {START_SECONDS:g} s")
            await asyncio.sleep(POLL_SECONDS)

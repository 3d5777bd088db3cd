"""A server that stays: nothing of ours stays on it."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from eight_targets import Command
from milvus_parity.cli.options import cache_folder
from milvus_parity.servers.base import ServerInfo
from milvus_parity.servers.embedded import EmbeddedServer
from milvus_parity.servers.observer import Observer

pytestmark = pytest.mark.e2e


@asynccontextmanager
async def server() -> AsyncIterator[ServerInfo]:
    embedded = EmbeddedServer(cache_dir=cache_folder(), environ=os.environ, on_progress=lambda _line: None)
    try:
        yield await embedded.start()
    finally:
        await embedded.stop()


async def databases(info: ServerInfo) -> list[str]:
    async with Observer(info) as observer:
        return await observer.list_databases()


def test_what_a_killed_run_left_on_a_server_is_removed(parity: Command, tmp_path: Path) -> None:
    async def story() -> None:
        async with server() as info:
            credentials = {"MILVUS_PARITY_USER": info.user, "MILVUS_PARITY_PASSWORD": info.password}
            started = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "milvus_parity", "run", "--milvus", info.address),
                *("--target", "python-client", "--out", str(tmp_path / "killed")),
                env={**os.environ, "MILVUS_PARITY_RUNTIME": "process", **credentials},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                until = time.monotonic() + 300
                while len(await databases(info)) < 4:
                    assert time.monotonic() < until
                    assert started.returncode is None
                    await asyncio.sleep(0.02)
            finally:
                started.kill()
                await started.wait()
            left = [name for name in await databases(info) if name != "default"]
            assert left
            done = await asyncio.to_thread(parity, "clean", "--milvus", info.address, environment=credentials)
            assert all(name in done.stdout for name in left)
            assert await databases(info) == ["default"]
            again = await asyncio.to_thread(parity, "clean", "--milvus", info.address, environment=credentials)
            assert f"Databases on {info.address}: nothing was left" in again.stdout

    asyncio.run(story())

"""Real servers for the tests marked e2e, one of each kind for all tests of a worker."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from milvus_parity.cli.options import cache_folder
from milvus_parity.servers.base import Server, server_for


def start(option: str, cache: Path) -> Server:
    server = server_for(option, cache_dir=cache, environ=os.environ, on_progress=lambda line: None)
    asyncio.run(server.start())
    return server


@pytest.fixture(scope="session")
def cache() -> Path:
    """Where the servers' files are kept between test runs."""
    return cache_folder()


@pytest.fixture(scope="session")
def embedded(cache: Path) -> Iterator[Server]:
    server = start("embedded", cache)
    yield server
    asyncio.run(server.stop())


@pytest.fixture(scope="session")
def lite(cache: Path) -> Iterator[Server]:
    server = start("lite", cache)
    yield server
    asyncio.run(server.stop())


@pytest.fixture(params=["embedded", "lite"])
def either(request: pytest.FixtureRequest) -> Server:
    """Each kind in turn."""
    server: Server = request.getfixturevalue(request.param)
    return server

"""milvus-lite as a server, for real."""

import asyncio
import os
from pathlib import Path

import psutil
import pytest
from milvus_parity.servers import lite as module
from milvus_parity.servers.base import Server, ServerError
from milvus_parity.servers.lite import LiteServer
from milvus_parity.servers.ports import listeners


def new(cache: Path) -> LiteServer:
    return LiteServer(cache_dir=cache, environ=os.environ, on_progress=lambda line: None)


@pytest.mark.e2e
def test_it_is_there_and_says_what_it_lacks(lite: Server) -> None:
    assert lite.alive()
    assert lite.info.version == "3.2.2"
    assert lite.info.features == {"databases", "aliases", "partition_key"}
    assert lite.info.credential == ""


@pytest.mark.e2e
def test_two_at_once_and_nothing_left(cache: Path, lite: Server) -> None:
    server = new(cache)
    info = asyncio.run(server.start())
    assert info.port != lite.info.port
    assert server._child is not None
    assert server._folder is not None
    pid, folder = server._child.pid, server._folder.path
    assert folder.is_dir()
    asyncio.run(server.stop())
    assert not psutil.pid_exists(pid)
    assert not folder.exists()
    assert listeners(info.port) == 0
    assert not server.alive()
    assert lite.alive()
    asyncio.run(server.stop())


@pytest.mark.e2e
def test_a_port_that_another_shares_is_given_up(cache: Path, monkeypatch: pytest.MonkeyPatch, lite: Server) -> None:
    """It would start on the other's port without a word and get half of the connections."""
    original = module.free_ports
    tried: list[int] = []

    def unlucky(count: int) -> tuple[int, ...]:
        ports = (lite.info.port,) if not tried else original(count)
        tried.extend(ports)
        return ports

    monkeypatch.setattr(module, "free_ports", unlucky)
    server = new(cache)
    try:
        info = asyncio.run(server.start())
        assert len(tried) == 2
        assert info.port == tried[1]
    finally:
        asyncio.run(server.stop())


def test_one_that_does_not_start_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def pretender(self: LiteServer) -> Path:
        script = tmp_path / "python"
        script.write_text("#!/bin/sh\necho 'ModuleNotFoundError: milvus_lite'\nexit 1\n")
        script.chmod(0o755)
        return script

    monkeypatch.setattr(LiteServer, "_environment", pretender)
    server = new(tmp_path / "cache")
    with pytest.raises(ServerError, match=r"milvus-lite ended while it started \(exit status 1\)") as raised:
        asyncio.run(server.start())
    assert "ModuleNotFoundError" in str(raised.value)
    assert list((tmp_path / "cache" / "servers" / "run").glob("[0-9]*")) == []


def test_an_installation_that_fails_leaves_nothing(tmp_path: Path) -> None:
    nowhere = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    server = LiteServer(cache_dir=tmp_path / "cache", environ=nowhere, on_progress=lambda line: None)
    with pytest.raises(ServerError, match="could not be fetched"):
        asyncio.run(server.start())
    assert [entry for entry in (tmp_path / "cache" / "servers").iterdir() if entry.is_dir()] == []

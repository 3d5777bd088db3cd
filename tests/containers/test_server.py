"""Milvus in a container. The image comes from PARITY_MILVUS_IMAGE (engine/images.py), else it is the official one."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from milvus_parity.runtime.base import ResolveError
from milvus_parity.runtime.containers import labels
from milvus_parity.runtime.containers.engine import Engine
from milvus_parity.runtime.containers.sweep import sweep
from milvus_parity.servers.base import ALL_FEATURES, ServerError, container_image
from milvus_parity.servers.container import ContainerServer

pytestmark = pytest.mark.containers

IMAGE = os.environ.get("PARITY_MILVUS_IMAGE") or container_image("container")


def servers(engine: Engine) -> list[str]:
    marked = {"label": labels.RUN}
    found = engine.client.api.containers(all=True, filters=marked)
    return [c["Id"] for c in found if c["Labels"][labels.RUN].startswith("server-")]


def make(image: str = IMAGE) -> ContainerServer:
    return ContainerServer(image, os.environ, lambda line: None)


def test_it_starts_takes_a_password_of_its_own_and_goes(engine: Engine) -> None:
    from milvus_parity.servers.errors import ObserverError
    from milvus_parity.servers.probe import reported_version

    async def main() -> None:
        import msgspec

        server = make()
        assert not server.alive()
        info = await server.start()
        try:
            assert server.alive()
            assert server.info == info
            assert (info.kind, info.host, info.user) == ("container", "127.0.0.1", "root")
            assert info.features == ALL_FEATURES
            assert await reported_version(info) == info.version
            with pytest.raises(ObserverError):
                await reported_version(msgspec.structs.replace(info, password="Milvus"))
            assert len(server.last_log_lines(3)) == 3
            ports = engine.client.api.port(servers(engine)[-1], 19530)
            assert [port["HostIp"] for port in ports] == ["127.0.0.1"], "not open to the network"
        finally:
            await server.stop()
        assert not server.alive()
        assert server.last_log_lines(3), "its last words stay"
        await server.stop()

    before = servers(engine)
    environment = dict(os.environ)
    asyncio.run(main())
    assert servers(engine) == before
    assert dict(os.environ) == environment


def test_an_image_that_is_no_milvus(engine: Engine) -> None:
    from containers.tiny import BASE

    before = servers(engine)
    with pytest.raises(ServerError, match="is no Milvus: it has no command `milvus`"):
        asyncio.run(make(BASE).start())
    assert servers(engine) == before


def test_an_image_that_ends_at_once_shows_its_log(engine: Engine, tmp_path: Path) -> None:
    from containers.tiny import BASE

    container = engine.client.containers.create(
        BASE,
        ["sh", "-c", "printf '#!/bin/sh\\necho no data folder; exit 3' > /usr/bin/milvus; chmod +x /usr/bin/milvus"],
    )
    container.start()
    container.wait()
    image = container.commit("parity-test/broken-milvus", "1")
    container.remove()
    try:
        with pytest.raises(ServerError) as raised:
            asyncio.run(make("parity-test/broken-milvus:1").start())
        assert "publish its port" in raised.value.what or "exit status 3" in raised.value.what
        assert "no data folder" in (raised.value.hint or "")
    finally:
        image.remove(force=True)


def test_an_image_that_cannot_be_pulled() -> None:
    with pytest.raises(ResolveError, match=r"registry\.invalid/milvus:1 cannot be pulled"):
        asyncio.run(make("registry.invalid/milvus:1").start())


def test_a_start_that_is_given_up_leaves_nothing(engine: Engine) -> None:
    async def main() -> None:
        server = make()
        starting = asyncio.create_task(server.start())
        await asyncio.sleep(0.3)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await server.stop()

    before = servers(engine)
    asyncio.run(main())
    assert servers(engine) == before


def test_a_server_of_a_killed_harness_is_removed(engine: Engine) -> None:
    code = (
        "import asyncio, os, signal\n"
        "from milvus_parity.servers.container import ContainerServer\n"
        f"asyncio.run(ContainerServer({IMAGE!r}, os.environ, print).start())\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    before = servers(engine)
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == -9
    assert len(servers(engine)) == len(before) + 1
    sweep(engine)
    assert servers(engine) == before

import asyncio
import base64
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import grpc
import pytest
from milvus_parity.servers import external
from milvus_parity.servers.addresses import Address
from milvus_parity.servers.base import ALL_FEATURES, ServerError, ServerInfo
from milvus_parity.servers.external import ExternalServer, features_of, from_environment
from pymilvus.grpc_gen import milvus_pb2

from servers.fake_milvus import FakeMilvus, Refusal, listener

NO_DATABASES = {"databases", "partition_key"}


def databases(*_: object) -> milvus_pb2.ListDatabasesResponse:
    return milvus_pb2.ListDatabasesResponse(db_names=["default"])


def look(info: ServerInfo, environ: Mapping[str, str] | None = None, *, tls: bool = False) -> Awaitable[ServerInfo]:
    return ExternalServer(Address(info.host, info.port, tls), environ=environ or {}).start()


async def said(start: Awaitable[ServerInfo]) -> str:
    with pytest.raises(ServerError) as raised:
        await start
    assert raised.value.hint
    return str(raised.value)


def fake(test: Callable[[ServerInfo], Awaitable[None]], milvus: FakeMilvus) -> None:
    async def run() -> None:
        async with milvus.running() as info:
            await test(info)

    asyncio.run(run())


def test_a_milvus_without_authorisation() -> None:
    async def test(info: ServerInfo) -> None:
        found = await look(info)
        assert found.version == "2.4.1"
        assert found.features == ALL_FEATURES - {"authorization"}

    fake(test, FakeMilvus({"ListDatabases": databases}))


def test_a_milvus_with_authorisation() -> None:
    async def test(info: ServerInfo) -> None:
        right = {"MILVUS_PARITY_USER": "root", "MILVUS_PARITY_PASSWORD": "secret"}
        assert "authorization" in (await look(info, right)).features
        assert "authorization" in (await look(info, {"MILVUS_PARITY_TOKEN": "root:secret"})).features
        wrong = await said(look(info, right | {"MILVUS_PARITY_PASSWORD": "guess"}))
        assert "does not take the credentials of user `root`" in wrong
        assert "guess" not in wrong
        assert "does not take the credentials of the token" in await said(look(info, {"MILVUS_PARITY_TOKEN": "key"}))
        assert "asks for credentials" in await said(look(info))

    credential = base64.b64encode(b"root:secret").decode()
    fake(test, FakeMilvus({"ListDatabases": databases}, credential=credential))


def test_a_milvus_that_knows_no_databases() -> None:
    async def test(info: ServerInfo) -> None:
        assert (await look(info)).features == ALL_FEATURES - NO_DATABASES - {"authorization"}

    def unknown(*_: object) -> None:
        raise Refusal(grpc.StatusCode.UNIMPLEMENTED)

    version = milvus_pb2.GetVersionResponse(version="v2.2.8")
    fake(test, FakeMilvus({"GetVersion": lambda *_: version, "ListDatabases": unknown}))


def test_a_grpc_server_that_is_no_milvus() -> None:
    async def test(info: ServerInfo) -> None:
        assert "speaks gRPC but is no Milvus" in await said(look(info))

    milvus = FakeMilvus({})
    milvus.answers.clear()
    fake(test, milvus)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"", None])
def test_a_port_with_another_service(answer: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "ANSWER_SECONDS", 0.5)

    async def run() -> None:
        async with listener(answer) as info:
            words = await said(look(info))
            assert "does not answer as a Milvus does" in words
            assert f"https://{info.address}" in words

    asyncio.run(run())


def test_tls_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "ANSWER_SECONDS", 0.5)

    async def test(info: ServerInfo) -> None:
        assert f"speaks no TLS, write http://{info.address}" in await said(look(info, tls=True))

    fake(test, FakeMilvus({}))


def test_a_port_where_nothing_listens() -> None:
    from milvus_parity.servers.ports import free_ports

    (port,) = free_ports(1)
    info = ServerInfo(kind="external", host="127.0.0.1", port=port)
    assert f"Nothing listens at 127.0.0.1:{port}" in asyncio.run(said(look(info)))


def test_a_host_that_is_none() -> None:
    info = ServerInfo(kind="external", host="no-such-host.invalid", port=1)
    assert "Nothing listens at no-such-host.invalid:1" in asyncio.run(said(look(info)))


def test_a_server_with_tls_is_known_by_the_authorities_that_the_user_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external, "ANSWER_SECONDS", 3)
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip

    async def run() -> None:
        pair = (key.read_bytes(), certificate.read_bytes())
        async with FakeMilvus({"ListDatabases": databases}).running(pair) as info:
            found = await look(info, {"MILVUS_PARITY_TLS_CA": str(certificate)}, tls=True)
            assert found.version == "2.4.1"
            assert (found.tls, found.tls_ca) == (True, str(certificate))
            assert "does not answer as a Milvus does" in await said(look(info, tls=True))
            assert f"speaks TLS, write https://{info.address}" in await said(look(info))

    asyncio.run(run())


def test_authorities_that_cannot_be_read(tmp_path: Path) -> None:
    async def test(info: ServerInfo) -> None:
        missing = {"MILVUS_PARITY_TLS_CA": str(tmp_path / "ca.pem")}
        assert "ca.pem cannot be read" in await said(look(info, missing, tls=True))

    fake(test, FakeMilvus({}))


def test_a_password_without_a_user_is_refused_and_not_repeated() -> None:
    with pytest.raises(ServerError, match="MILVUS_PARITY_USER is not") as raised:
        from_environment(Address("h", 1), {"MILVUS_PARITY_PASSWORD": "hunter2"})
    assert "hunter2" not in str(raised.value)


def test_it_is_neither_started_nor_stopped() -> None:
    server = ExternalServer(Address("h", 1), environ={})
    assert not server.alive()
    assert server.last_log_lines(5) == []
    asyncio.run(server.stop())
    with pytest.raises(ServerError):
        _ = server.info


@pytest.mark.parametrize(
    ("version", "lacks"), [("2.2.8", NO_DATABASES), ("2.2.9", set()), ("2.6.0", set()), ("master-2025", set())]
)
def test_what_a_version_has(version: str, lacks: set[str]) -> None:
    assert features_of(version, anonymous=False) == ALL_FEATURES - lacks

import asyncio
from collections.abc import Awaitable, Callable

import grpc
import pytest
from milvus_parity.servers.base import ServerInfo
from milvus_parity.servers.errors import ObserverError, RpcRefusedError, ServerGone
from milvus_parity.servers.messages import request
from milvus_parity.servers.ports import free_ports
from milvus_parity.servers.rpc import Rpc
from pymilvus.grpc_gen import common_pb2, milvus_pb2

from servers.fake_milvus import FakeMilvus, Refusal


def against(milvus: FakeMilvus, test: Callable[[Rpc], Awaitable[None]]) -> None:
    async def run() -> None:
        async with milvus.running() as info:
            rpc = Rpc(info)
            try:
                await test(rpc)
            finally:
                await rpc.close()

    asyncio.run(run())


def test_the_database_travels_with_each_call() -> None:
    milvus = FakeMilvus({"DropDatabase": lambda *_: common_pb2.Status()})

    async def test(rpc: Rpc) -> None:
        for database in ("", "a", "b"):
            await rpc.call("DropDatabase", request("DropDatabase", db_name="x"), database=database)

    against(milvus, test)
    assert [database for _, database, _ in milvus.calls] == ["", "a", "b"]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (common_pb2.Status(code=100, error_code=4, reason="gone"), 100),
        (common_pb2.Status(error_code=4, reason="gone"), 4),
        (common_pb2.Status(code=1, reason="gone"), 1),
    ],
)
def test_an_error_in_either_field_is_an_error(status: common_pb2.Status, code: int) -> None:
    async def test(rpc: Rpc) -> None:
        for name in ("DropDatabase", "ListDatabases"):
            with pytest.raises(ObserverError, match="gone") as raised:
                await rpc.call(name, request(name), database="db")
            assert (raised.value.rpc, raised.value.database, raised.value.code) == (name, "db", code)

    listed = milvus_pb2.ListDatabasesResponse(status=status)
    against(FakeMilvus({"DropDatabase": lambda *_: status, "ListDatabases": lambda *_: listed}), test)


@pytest.mark.parametrize("status", [grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED])
def test_a_refusal_of_grpc_is_not_silence(status: grpc.StatusCode) -> None:
    def refuse(*_: object) -> None:
        raise Refusal(status)

    async def test(rpc: Rpc) -> None:
        with pytest.raises(RpcRefusedError) as raised:
            await rpc.call("ListDatabases", request("ListDatabases"))
        assert raised.value.code == status.name
        with pytest.raises(RpcRefusedError) as raised:
            await rpc.call("DropCollection", request("DropCollection"))
        assert raised.value.unimplemented

    against(FakeMilvus({"ListDatabases": refuse}), test)


def test_no_answer_in_time_is_silence() -> None:
    async def never(*_: object) -> None:
        await asyncio.sleep(60)

    async def test(rpc: Rpc) -> None:
        with pytest.raises(ServerGone, match=r"no answer in time \(0.1 s\)"):
            await rpc.call("ListDatabases", request("ListDatabases"), timeout=0.1)

    against(FakeMilvus({"ListDatabases": never}), test)


def test_a_closed_port_is_silence() -> None:
    (port,) = free_ports(1)

    async def run() -> None:
        rpc = Rpc(ServerInfo(kind="external", host="127.0.0.1", port=port))
        with pytest.raises(ServerGone, match=f"127.0.0.1:{port} did not answer"):
            await rpc.call("ListDatabases", request("ListDatabases"))
        await rpc.close()

    asyncio.run(run())


def test_closing_ends_calls_under_way_and_later_ones() -> None:
    async def never(*_: object) -> None:
        await asyncio.sleep(60)

    async def test(rpc: Rpc) -> None:
        call = asyncio.ensure_future(rpc.call("ListDatabases", request("ListDatabases")))
        await asyncio.sleep(0.1)
        await rpc.close()
        with pytest.raises(ServerGone):
            await call
        with pytest.raises(ServerGone):
            await rpc.call("ListDatabases", request("ListDatabases"))

    against(FakeMilvus({"ListDatabases": never}), test)

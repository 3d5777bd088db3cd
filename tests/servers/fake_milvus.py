"""Servers that answer as told: a gRPC one with some of Milvus's methods, and listeners that are no Milvus at all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
from milvus_parity.servers.base import ServerInfo
from pymilvus.grpc_gen import common_pb2, milvus_pb2

Answer = Callable[[Any, str], Any]
"""Takes the request and the database; returns the answer, or raises `Refusal`."""

REQUESTS = {
    "GetVersion": milvus_pb2.GetVersionRequest,
    "ListDatabases": milvus_pb2.ListDatabasesRequest,
    "ShowCollections": milvus_pb2.ShowCollectionsRequest,
    "ShowPartitions": milvus_pb2.ShowPartitionsRequest,
    "DescribeCollection": milvus_pb2.DescribeCollectionRequest,
    "DropCollection": milvus_pb2.DropCollectionRequest,
    "DropAlias": milvus_pb2.DropAliasRequest,
    "DropDatabase": milvus_pb2.DropDatabaseRequest,
    "GetLoadState": milvus_pb2.GetLoadStateRequest,
    "LoadCollection": milvus_pb2.LoadCollectionRequest,
}


class Refusal(Exception):  # noqa: N818
    """gRPC's no."""

    def __init__(self, status: grpc.StatusCode) -> None:
        self.status = status


def failed(message: Any, code: int, reason: str) -> Any:
    """An answer of the class ``message`` with this error."""
    status = common_pb2.Status(code=code, reason=reason)
    return status if message is common_pb2.Status else message(status=status)


class FakeMilvus(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers the methods it was given; ``calls`` keeps method, database and request."""

    def __init__(self, answers: dict[str, Answer], *, credential: str = "") -> None:
        self.answers = {"GetVersion": lambda *_: milvus_pb2.GetVersionResponse(version="v2.4.1"), **answers}
        self.credential = credential
        self.calls: list[tuple[str, str, Any]] = []

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        name = handler_call_details.method.rpartition("/")[2]
        if name not in self.answers:
            return None

        async def handle(request: Any, context: grpc.aio.ServicerContext) -> Any:
            metadata = dict(context.invocation_metadata() or ())
            if self.credential and metadata.get("authorization") != self.credential:
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, "auth check failure")
            database = metadata.get("dbname", "")
            self.calls.append((name, database, request))
            try:
                answer = self.answers[name](request, database)
                return await answer if isinstance(answer, Awaitable) else answer
            except Refusal as refusal:
                await context.abort(refusal.status, "refused")

        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=REQUESTS[name].FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    @asynccontextmanager
    async def running(self, tls: tuple[bytes, bytes] | None = None) -> AsyncIterator[ServerInfo]:
        """``tls``: a key and a certificate, both PEM."""
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((self,))
        if tls is None:
            port = server.add_insecure_port("127.0.0.1:0")
        else:
            port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([tls]))
        await server.start()
        try:
            yield ServerInfo(kind="external", host="127.0.0.1", port=port, features=frozenset({"load_partitions"}))
        finally:
            await server.stop(None)


@asynccontextmanager
async def listener(answer: bytes | None) -> AsyncIterator[ServerInfo]:
    """Takes connections and says ``answer`` to whatever it is told; None: says nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if answer is None:
            await asyncio.sleep(60)
        else:
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield ServerInfo(kind="external", host="127.0.0.1", port=port)
    finally:
        server.close()

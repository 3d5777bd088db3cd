"""One gRPC channel to a Milvus, and what its calls say when they fail.

Importing this module imports gRPC and the generated messages of pymilvus (half a second): do it where a connection is
made, not at the top of a module that the command line reads.
"""

import asyncio
import base64
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from pymilvus.grpc_gen import milvus_pb2_grpc

from milvus_parity.servers.base import ServerError, ServerInfo
from milvus_parity.servers.errors import ObserverError, RpcRefusedError, ServerGone

LOOPBACK = {"127.0.0.1", "::1", "localhost"}

GONE = {
    grpc.StatusCode.UNAVAILABLE: "the connection failed",
    grpc.StatusCode.DEADLINE_EXCEEDED: "no answer in time",
    grpc.StatusCode.CANCELLED: "the connection was closed",
}
"""What of gRPC's statuses means that nobody answered, rather than that the answer was no."""


CALL_SECONDS = 60.0
"""How long a call may take unless told otherwise; milliseconds are usual, a release takes a second."""


class Rpc:
    """The calls that the harness itself makes, over a channel of its own.

    Nothing is retried: who calls decides what a failure means.
    """

    def __init__(self, info: ServerInfo) -> None:
        self._address = info.address
        self._credential = (
            (("authorization", base64.b64encode(info.credential.encode()).decode()),) if info.credential else ()
        )
        options = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_retries", 0),
            ("grpc.enable_http_proxy", 0 if info.host in LOOPBACK else 1),
        ]
        if info.tls:
            authorities = _read_authorities(info.tls_ca) if info.tls_ca else None
            secure = grpc.ssl_channel_credentials(root_certificates=authorities)
            self._channel = grpc.aio.secure_channel(info.address, secure, options=options)
        else:
            self._channel = grpc.aio.insecure_channel(info.address, options=options)
        self._stub = milvus_pb2_grpc.MilvusServiceStub(self._channel)

    async def call(self, name: str, request: Any, *, database: str = "", timeout: float = CALL_SECONDS) -> Any:
        """Make one call in a database (empty: the server's default) and return the answer.

        ``timeout`` in seconds. Raises `ServerGone` when nobody answered, `RpcRefusedError` when gRPC itself refused
        (wrong credentials, a method the server has not), and `ObserverError` when the answer's status is an error.
        """
        metadata = (*self._credential, ("dbname", database)) if database else self._credential
        try:
            response = await getattr(self._stub, name)(request, metadata=metadata, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            raise self._failure(name, database, timeout, error) from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise self._closed(name, database) from None  # gRPC's word for a channel closed under a call
        except grpc.aio.UsageError:
            raise self._closed(name, database) from None
        status = response if hasattr(response, "error_code") else response.status
        code = status.code or status.error_code
        if code:
            raise ObserverError(name, database, code, status.reason)
        return response

    def _failure(self, name: str, database: str, timeout: float, error: grpc.aio.AioRpcError) -> ObserverError:
        status = error.code()
        details = error.details() or ""
        if status in GONE:
            said = f"{GONE[status]} ({timeout:g} s)" if status is grpc.StatusCode.DEADLINE_EXCEEDED else GONE[status]
            return ServerGone(name, database, f"{said}: {details}" if details else said, address=self._address)
        return RpcRefusedError(name, database, status.name, details)

    def _closed(self, name: str, database: str) -> ServerGone:
        return ServerGone(name, database, "the harness has closed its connection", address=self._address)

    async def close(self) -> None:
        """Close the channel; calls under way end with `ServerGone`."""
        await self._channel.close()


def _read_authorities(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ServerError(
            f"The file of TLS authorities {path} cannot be read: {error.strerror or error}.",
            hint="MILVUS_PARITY_TLS_CA names a PEM file.",
        ) from error

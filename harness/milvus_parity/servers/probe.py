"""Single questions to a server before there is an observer. Import lazily: it imports gRPC."""

from typing import Any

from pymilvus.grpc_gen import milvus_pb2

from milvus_parity.servers.base import ServerInfo
from milvus_parity.servers.rpc import Rpc

TIMEOUT_SECONDS = 10.0


async def reported_version(info: ServerInfo, *, timeout: float = TIMEOUT_SECONDS) -> str:
    """What the server calls its version, without a leading ``v``. Raises `ObserverError`."""
    answer = await ask(info, "GetVersion", milvus_pb2.GetVersionRequest(), timeout=timeout)
    return plain_version(answer.version)


def plain_version(reported: str) -> str:
    """``v2.3.5`` as ``2.3.5``."""
    return reported.strip().removeprefix("v")


async def change_password(info: ServerInfo, password: str) -> None:
    """Give the user of ``info`` another password. Raises `ObserverError`."""
    import base64

    request = milvus_pb2.UpdateCredentialRequest(
        username=info.user,
        oldPassword=base64.b64encode(info.password.encode()).decode(),
        newPassword=base64.b64encode(password.encode()).decode(),
    )
    await ask(info, "UpdateCredential", request)


async def ask(info: ServerInfo, name: str, request: Any, *, timeout: float = TIMEOUT_SECONDS) -> Any:
    """One call over a connection of its own."""
    rpc = Rpc(info)
    try:
        return await rpc.call(name, request, timeout=timeout)
    finally:
        await rpc.close()

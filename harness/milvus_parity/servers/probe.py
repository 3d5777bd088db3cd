"""Single questions to a server before there is an observer. Import lazily: it imports gRPC."""

import base64
import re
from typing import Any

import msgspec
from pymilvus.grpc_gen import milvus_pb2

from milvus_parity.servers.base import ServerInfo
from milvus_parity.servers.errors import ObserverError, RpcRefusedError, ServerGone
from milvus_parity.servers.rpc import Rpc

TIMEOUT_SECONDS = 10.0


async def reported_version(info: ServerInfo, *, timeout: float = TIMEOUT_SECONDS) -> str:
    """What the server calls its version, without a leading ``v``. Raises `ObserverError`."""
    answer = await ask(info, "GetVersion", milvus_pb2.GetVersionRequest(), timeout=timeout)
    return plain_version(answer.version)


def plain_version(reported: str) -> str:
    """The number in what a server calls its version.

    ``v2.3.5-lite`` (the embedded server's word) is ``2.3.5``; ``milvus_lite-3.2.2`` is ``3.2.2``.

    A pre-release keeps its word (``v2.4.0-rc.1`` is ``2.4.0-rc.1``), as it counts when versions are compared.
    """
    match = re.search(r"\d+(\.\d+)+(-?(rc|alpha|beta|dev)[.-]?\d*)?", reported)
    return match.group(0) if match else reported.strip()


async def change_password(info: ServerInfo, password: str) -> None:
    """Give the user of ``info`` another password. Raises `ObserverError`."""
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


async def allows_anonymous(info: ServerInfo, *, timeout: float = TIMEOUT_SECONDS) -> bool:
    """Whether the server answers without credentials, which means that its authorisation is off."""
    anonymous = msgspec.structs.replace(info, user="", password="", token="")
    try:
        await ask(anonymous, "ListDatabases", milvus_pb2.ListDatabasesRequest(), timeout=timeout)
    except RpcRefusedError as error:
        return not error.unauthenticated
    except ServerGone:
        raise
    except ObserverError:
        return True
    return True

"""A server that runs already, at an address that the user gave.

Nothing of it is started or stopped. Credentials and the file of TLS authorities come from the environment only.
"""

import asyncio
from collections.abc import Mapping

import msgspec
from packaging.version import InvalidVersion, Version

from milvus_parity.servers.addresses import Address
from milvus_parity.servers.base import ALL_FEATURES, ServerError, ServerInfo
from milvus_parity.servers.errors import ObserverError, ServerGone

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0

USER = "MILVUS_PARITY_USER"
PASSWORD = "MILVUS_PARITY_PASSWORD"  # noqa: S105 - the name of a variable
TOKEN = "MILVUS_PARITY_TOKEN"  # noqa: S105 - the name of a variable
TLS_CA = "MILVUS_PARITY_TLS_CA"

DATABASES_SINCE = Version("2.2.9")
"""The release that brought databases, partition keys and the load of further partitions."""


class ExternalServer:
    """See the module."""

    def __init__(self, address: Address, *, environ: Mapping[str, str]) -> None:
        self._asked = from_environment(address, environ)
        self._info: ServerInfo | None = None

    @property
    def info(self) -> ServerInfo:
        """Where it is; valid once `start` has returned."""
        if self._info is None:
            raise ServerError(f"The server at {self._asked.address} was asked what it is before it was looked at.")
        return self._info

    async def start(self) -> ServerInfo:
        """Look that a Milvus answers there and takes the credentials. Raises `ServerError`."""
        await self._require_listener()
        self._info = await self._identify()
        return self._info

    async def stop(self) -> None:
        """It is not ours: it stays."""

    def alive(self) -> bool:
        """Whether it was there when it was looked at; only a call can tell more."""
        return self._info is not None

    def last_log_lines(self, count: int) -> list[str]:  # noqa: ARG002 - the protocol has it
        """Its log is elsewhere."""
        return []

    async def _require_listener(self) -> None:
        address = self._asked.address
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(self._asked.host, self._asked.port)
                writer.close()
        except TimeoutError:
            raise ServerError(
                f"Nothing at {address} took a connection within {CONNECT_SECONDS:g} s.",
                hint="Look whether the address is right and whether a firewall is between.",
            ) from None
        except OSError as error:
            raise ServerError(
                f"Nothing listens at {address}: {error.strerror or error}.",
                hint="Start the server, correct the address, or use `--milvus embedded`.",
            ) from error

    async def _identify(self) -> ServerInfo:
        from milvus_parity.servers.probe import allows_anonymous, reported_version

        asked = self._asked
        try:
            version = await reported_version(asked, timeout=ANSWER_SECONDS)
            anonymous = await allows_anonymous(asked, timeout=ANSWER_SECONDS)
        except ServerGone as error:
            other = "http://" if asked.tls else "https://"
            raise ServerError(
                f"What listens at {asked.address} does not answer as a Milvus does: {error.reason}.",
                hint="Look whether another service has that port; if the server speaks "
                f"{'no TLS' if asked.tls else 'TLS'}, write {other}{asked.address}.",
            ) from error
        except ObserverError as error:
            raise _refused(asked, error) from error
        return msgspec.structs.replace(asked, version=version, features=features_of(version, anonymous=anonymous))


def from_environment(address: Address, environ: Mapping[str, str]) -> ServerInfo:
    """What is known of a server before it is asked."""
    user = environ.get(USER, "")
    password = environ.get(PASSWORD, "")
    token = environ.get(TOKEN, "")
    if token and not user and ":" in token:
        user, _, password = token.partition(":")
        token = ""
    if password and not user:
        raise ServerError(f"{PASSWORD} is set, {USER} is not.", hint=f"Set both, or {TOKEN} alone.")
    return ServerInfo(
        kind="external",
        host=address.host,
        port=address.port,
        tls=address.tls,
        tls_ca=environ.get(TLS_CA, "") if address.tls else "",
        user=user,
        password=password,
        token=token,
    )


def features_of(version: str, *, anonymous: bool) -> frozenset[str]:
    """What a real Milvus of this version has. A version that is no number counts as a new one."""
    features = ALL_FEATURES - ({"authorization"} if anonymous else set())
    try:
        old = Version(version) < DATABASES_SINCE
    except InvalidVersion:
        old = False
    return features - {"databases", "partition_key"} if old else features


def _refused(asked: ServerInfo, error: ObserverError) -> ServerError:
    if error.unauthenticated:
        if asked.credential:
            who = f"user `{asked.user}`" if asked.user else "the token"
            return ServerError(
                f"The server at {asked.address} does not take the credentials of {who}.",
                hint=f"Correct {USER} and {PASSWORD}, or {TOKEN}.",
            )
        return ServerError(
            f"The server at {asked.address} asks for credentials.",
            hint=f"Set {USER} and {PASSWORD}, or {TOKEN}, in the environment.",
        )
    if error.unimplemented:
        return ServerError(
            f"What listens at {asked.address} speaks gRPC but is no Milvus: it has no {error.rpc}.",
            hint="Look whether another service has that port.",
        )
    return ServerError(f"The server at {asked.address} did not say what it is: {error.what}")

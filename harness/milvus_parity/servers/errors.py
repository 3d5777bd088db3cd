"""What can go wrong between the harness and a server, as sentences.

`ObserverError` is the server's no. `RpcRefusedError` is gRPC's no before Milvus looked at the request. `ServerGone` is
silence: nobody listens, the connection broke, the deadline passed.
"""

import re

from milvus_parity.model.errors import ParityError


class ObserverError(ParityError):
    """A call of the harness's own failed. ``code`` is the server's number, or gRPC's word for the status."""

    def __init__(self, rpc: str, database: str, code: int | str, reason: str) -> None:
        self.rpc = rpc
        self.database = database
        self.code = code
        self.reason = reason
        place = f"in database `{database}`" if database else "in the default database"
        super().__init__(f"The harness's own call {rpc} {place} failed with {code}: {reason or 'no reason given'}.")

    @property
    def unauthenticated(self) -> bool:
        """Whether the server refused the credentials, or the lack of them."""
        return self.code == "UNAUTHENTICATED"

    @property
    def unimplemented(self) -> bool:
        """Whether the server has no such call."""
        return self.code == "UNIMPLEMENTED"


class RpcRefusedError(ObserverError):
    """gRPC refused the call: ``code`` is the name of its status, such as ``UNAUTHENTICATED``."""


class ServerGone(ObserverError):  # noqa: N818 - a state of the world, not a mistake
    """Nobody answered. ``address`` is where nobody answered."""

    def __init__(self, rpc: str, database: str, reason: str, *, address: str) -> None:
        self.address = address
        super().__init__(rpc, database, "no answer", reason)
        self.what = f"The server at {address} did not answer the harness's own call {rpc}: {reason}."
        self.hint = "Look whether it still runs; its log says why it stopped."


def database_missing(error: ObserverError) -> bool:
    """Whether the server says that there is no such database (800 since 2.3; milvus-lite and 2.2 say it in words)."""
    return error.code == 800 or _says_missing(error, "database")


def something_missing(error: ObserverError) -> bool:
    """Whether the server says that a database, collection, partition, alias or index is not there."""
    return error.code in MISSING or any(
        _says_missing(error, what) for what in ("database", "collection", "partition", "alias", "index")
    )


def not_loaded(error: ObserverError) -> bool:
    """Whether the server says that a collection or partition is not loaded."""
    return error.code in {101, 201} or "not loaded" in error.reason.lower()


def not_empty(error: ObserverError) -> bool:
    """Whether a database was not dropped because it has collections."""
    return "not empty" in error.reason.lower()


def has_aliases(error: ObserverError) -> bool:
    """Whether a collection was not dropped because it has aliases (from 2.4 on)."""
    return "alias" in error.reason.lower() and not something_missing(error)


MISSING = {100, 200, 700, 800, 1600}
"""Collection, partition, index, database and alias not found, in the numbers that came with 2.3."""


def _says_missing(error: ObserverError, what: str) -> bool:
    return (
        re.search(rf"{what}\b.*(not found|not exist|n't exist|n't find)|n't find {what}", error.reason.lower())
        is not None
    )

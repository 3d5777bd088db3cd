"""What can go wrong between the harness and a server, as sentences.

`ObserverError` is the server's no. `RpcRefusedError` is gRPC's no before Milvus looked at the request. `ServerGone` is
silence: nobody listens, the connection broke, the deadline passed.
"""

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

"""What is known of one call that went over the wire, and of all calls of one execution.

The record of a call is one line of JSON in the run folder (``schema()`` documents it). It is written without
credentials: whatever could hold one is replaced by ``REDACTED`` before a record is made. Values of messages are stored
as they were sent; what differs by nature between two runs (ids, timestamps, who asks) is taken out when calls are
compared, by ``milvus_parity.wire.normalise``, so that a stored run can be judged again by newer rules.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

REDACTED = "(redacted)"
"""Stands for every credential."""

Value = Any
"""Decoded message: what JSON can say (dict, list, str, int, float, bool, None)."""


class RecordedCall(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One remote procedure call as it passed the gateway; fields at their default are left out of the JSON."""

    method: Annotated[str, Meta(description="Full path, /milvus.proto.milvus.MilvusService/DropPartition")]
    name: Annotated[str, Meta(description="Last part of the path, DropPartition")]
    step: Annotated[int | None, Meta(description="Step in which the request passed; absent: outside all steps")] = None
    background: Annotated[
        bool, Meta(description="The SDK's own business: Connect, heartbeats, health and version checks")
    ] = False
    connection: Annotated[int, Meta(description="Which of the execution's connections, from 0 in order of arrival")] = 0
    stream: Annotated[int, Meta(description="HTTP/2 stream id")] = 0
    user_agent: Annotated[str | None, Meta(description="As the client's gRPC library named itself")] = None
    metadata: Annotated[
        dict[str, str],
        Meta(description="Request metadata without HTTP/2 and gRPC plumbing; credentials read (redacted)"),
    ] = {}
    deadline_ms: Annotated[float | None, Meta(description="grpc-timeout in milliseconds")] = None
    encoding: Annotated[str | None, Meta(description="grpc-encoding of the request")] = None
    request: Annotated[Value, Meta(description="Decoded request; a list where several messages were sent")] = None
    requests: Annotated[int, Meta(description="Number of request messages that were begun")] = 0
    request_size: Annotated[int, Meta(description="Bytes of request messages on the wire, without prefixes")] = 0
    request_sha256: Annotated[
        str | None, Meta(description="Of a request too large to be kept whole, as it was on the wire")
    ] = None
    request_base64: Annotated[
        str | None, Meta(description="A small single request as sent, for replaying; never one with credentials")
    ] = None
    response: Annotated[Value, Meta(description="Decoded response; a list where several messages came")] = None
    responses: Annotated[int, Meta(description="Number of response messages that were begun")] = 0
    response_size: Annotated[int, Meta(description="Bytes of response messages on the wire, without prefixes")] = 0
    response_sha256: Annotated[str | None, Meta(description="Of a response too large to be kept whole")] = None
    status: Annotated[int | None, Meta(description="grpc-status; absent: reset, or never answered")] = None
    status_message: Annotated[str | None, Meta(description="grpc-message, percent-decoded")] = None
    code: Annotated[
        int | None, Meta(description="Milvus code of the response's status (2.3 and later); 0 is success")
    ] = None
    error_code: Annotated[str | None, Meta(description="Legacy Milvus error_code of the response's status")] = None
    reason: Annotated[str | None, Meta(description="Milvus reason of the response's status")] = None
    reset: Annotated[
        str | None,
        Meta(description="Why there is no status: 'client CANCEL', 'server REFUSED_STREAM', 'HTTP 503 …'"),
    ] = None
    started: Annotated[float, Meta(description="Seconds after the execution's address was opened")] = 0.0
    ended: Annotated[float | None, Meta(description="Same clock; absent: never ended")] = None


class Recording(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All calls of one execution, in the order in which their requests passed.

    ``problem`` is a sentence when the recording isn't whole; the calls are then what could be read, and facets taken
    from the wire must say "not recorded".
    """

    calls: tuple[RecordedCall, ...] = ()
    problem: str | None = None
    connections: int = 0

    @property
    def complete(self) -> bool:
        """Whether every call of the execution is in ``calls``."""
        return self.problem is None


class RoundTrips(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many calls an operation takes one SDK, over all steps that were recorded; the SDK's own calls don't count."""

    operation: str
    target: str
    steps: int
    least: int
    most: int
    total: int
    methods: tuple[str, ...] = ()


class FieldDifference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A field of a call that targets sent differently: target -> value as JSON text, None where it wasn't sent."""

    path: str
    values: Mapping[str, str | None]


class CallComparison(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The n-th call (``occurrence``, from 1) of a method in a step, across targets."""

    name: str
    occurrence: int
    sent_by: tuple[str, ...]
    not_sent_by: tuple[str, ...] = ()
    differences: tuple[FieldDifference, ...] = ()

    @property
    def same(self) -> bool:
        """Whether all targets sent it, and sent the same."""
        return not self.not_sent_by and not self.differences


def schema() -> dict[str, Any]:
    """Return the JSON Schema of one line: a recorded call."""
    return msgspec.json.schema(RecordedCall)

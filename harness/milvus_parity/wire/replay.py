"""Sends recorded calls again with nothing but gRPC: the least time in which this server can answer them.

This is the floor that a run is measured against. Order is kept within an execution; executions run side by side, as
many as the run had. Databases must exist under the names that the recording has, or be given others by ``metadata``;
what the harness did before the first step is no part of a recording (send it through a gateway of its own to have one).
"""

import asyncio
import base64
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs

from milvus_parity.model.wire import RecordedCall, Value
from milvus_parity.wire.grpc_messages import WireMessage
from milvus_parity.wire.summary import POLLS

UNLIMITED = -1

POLL_SECONDS = 0.005
"""Pause between two polls."""


class ReplayCall(msgspec.Struct, frozen=True):
    """One call to send: full method path, request bytes, metadata.

    With ``until`` it is sent again, for at most ``patience`` seconds, until the decoded response is that: an SDK that
    waits for a load polls, and the wait is the server's time.
    """

    method: str
    request: bytes
    metadata: tuple[tuple[str, str], ...] = ()
    until: Value = None
    patience: float = 0.0


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """How a replay went. ``seconds`` is the whole; ``failed`` are calls that gRPC itself refused."""

    seconds: float
    calls: int
    failed: int


def replayable(calls: Iterable[RecordedCall], metadata: Mapping[str, str] = {}) -> tuple[ReplayCall, ...]:
    """The calls that can be sent again, in their order.

    Left out: the SDKs' own calls, calls without an answer (their time is a deadline, not work), and requests that
    weren't kept as sent because they are large or hold a credential. ``metadata`` replaces recorded values of the same
    key; other redacted ones are left out. Polls that follow each other become one that waits for the last response.
    """
    found: list[ReplayCall] = []
    polling_since = 0.0
    for call in calls:
        if call.background or call.request_base64 is None or call.status is None:
            continue
        sent = {key: value for key, value in call.metadata.items() if value.isascii() and value != "(redacted)"}
        sent |= metadata
        request = base64.b64decode(call.request_base64)
        made = ReplayCall(call.method, request, tuple(sorted(sent.items())))
        if call.name in POLLS and call.ended is not None:
            same = bool(found) and found[-1].until is not None and _same(found[-1], made)
            polling_since = polling_since if same else call.started
            made = structs.replace(made, until=call.response, patience=call.ended - polling_since)
            if same:
                found.pop()
        found.append(made)
    return tuple(found)


async def replay(address: str, executions: Sequence[Sequence[ReplayCall]], *, concurrency: int) -> Replayed:
    """Send the calls of each execution, in order, over one connection for each of ``concurrency`` lanes.

    ``address`` is ``host:port`` of a server without TLS. Raises nothing for calls that fail: they are counted.
    """
    import grpc

    waiting = iter(executions)
    failed = 0

    async def lane() -> None:
        nonlocal failed
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_send_message_length", UNLIMITED),
            ("grpc.max_receive_message_length", UNLIMITED),
        ]
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            methods: dict[str, Any] = {}
            for execution in waiting:
                for call in execution:
                    method = methods.get(call.method)
                    if method is None:
                        method = methods[call.method] = channel.unary_unary(call.method)
                    try:
                        await _send(method, call)
                    except grpc.RpcError:
                        failed += 1

    started = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(concurrency)))
    seconds = time.perf_counter() - started
    return Replayed(seconds=seconds, calls=sum(map(len, executions)), failed=failed)


async def _send(method: Any, call: ReplayCall) -> None:
    response = await method(call.request, metadata=call.metadata)
    if call.until is None:
        return
    from milvus_parity.wire.messages import decode_response

    end = time.perf_counter() + call.patience
    while time.perf_counter() < end:
        answer = WireMessage(head=response, size=len(response), received=len(response))
        if decode_response(call.method, answer, None) == call.until:
            return
        await asyncio.sleep(POLL_SECONDS)
        response = await method(call.request, metadata=call.metadata)


def _same(one: ReplayCall, other: ReplayCall) -> bool:
    return (one.method, one.request, one.metadata) == (other.method, other.request, other.metadata)

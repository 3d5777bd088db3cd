"""A second witness: a gRPC proxy that notes what passes. It shares no code with the recorder: gRPC decodes here."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc

_OWN = ("te", "content-type", "user-agent")


@dataclass
class Witnessed:
    """One call as gRPC saw it."""

    method: str
    metadata: dict[str, str]
    user_agent: str
    requests: list[bytes] = field(default_factory=list)
    responses: list[bytes] = field(default_factory=list)
    code: int | None = None


class Forwarder(grpc.GenericRpcHandler):
    """Passes every call on to a server without TLS."""

    def __init__(self, target: str) -> None:
        self.calls: list[Witnessed] = []
        self._target = target
        self._channel: Any = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        server = grpc.aio.server(options=[*unlimited, ("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers((self,))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(self._target, options=unlimited) as self._channel:
            try:
                yield port
            finally:
                await server.stop(0)

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        async def forward(requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
            sent = dict(context.invocation_metadata())
            call = Witnessed(details.method, sent, sent.get("user-agent", ""))
            self.calls.append(call)
            passed = tuple((key, value) for key, value in context.invocation_metadata() if key not in _OWN)

            async def noted() -> AsyncIterator[bytes]:
                async for request in requests:
                    call.requests.append(request)
                    yield request

            onward = self._channel.stream_stream(details.method)(
                noted(), metadata=passed, timeout=context.time_remaining()
            )
            try:
                await context.send_initial_metadata(await onward.initial_metadata())
                async for response in onward:
                    call.responses.append(response)
                    yield response
                call.code = 0
                context.set_trailing_metadata(await onward.trailing_metadata())
            except grpc.aio.AioRpcError as error:
                call.code = error.code().value[0]
                await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))
            except asyncio.CancelledError:
                onward.cancel()
                raise

        return grpc.stream_stream_rpc_method_handler(forward)

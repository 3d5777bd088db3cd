"""What a client and a server see of each other is the same directly and through a gateway."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest
from wire_fakes import DROP, channel, grpc_upstream, run, until

Program = Callable[[grpc.aio.Channel], Awaitable[Any]]


async def _answer(call: Any) -> dict[str, Any]:
    """All that a client can see of a call."""
    answers: list[bytes] = []
    with contextlib.suppress(grpc.RpcError, asyncio.CancelledError):
        answers.extend([answer async for answer in call])
    code = await call.code()
    return {
        "answers": answers,
        "initial": list(await call.initial_metadata() or ()),
        "trailing": list(await call.trailing_metadata() or ()),
        "code": code,
        # Client and server note a deadline at the same time; whose words are told is a race.
        "details": "" if code is grpc.StatusCode.DEADLINE_EXCEEDED else await call.details(),
    }


async def _plain(of: grpc.aio.Channel) -> Any:
    metadata = (("dbname", "x"), ("k-bin", b"\x00\x01"), ("k", "1"), ("k", "2"))
    return await _answer(of.unary_stream(DROP)(b"request", metadata=metadata))


async def _unknown_method_streaming(of: grpc.aio.Channel) -> Any:
    async def requests() -> AsyncIterator[bytes]:
        for number in range(50):
            yield b"%d" % number * number
            await asyncio.sleep(0)

    return await _answer(of.stream_stream("/nobody.knows.This/One")(requests()))


async def _status_with_odd_text(of: grpc.aio.Channel) -> Any:
    return await _answer(of.unary_stream("/p.S/Refuse")(b"x"))


async def _deadline(of: grpc.aio.Channel) -> Any:
    return await _answer(of.unary_stream("/p.S/Hang")(b"x", timeout=0.3))


async def _cancelled(of: grpc.aio.Channel) -> Any:
    call = of.unary_stream("/p.S/Hang")(b"x")
    await call.initial_metadata()
    call.cancel()
    return await _answer(call)


async def _compressed(of: grpc.aio.Channel) -> Any:
    call = of.unary_stream("/p.S/Compressed")(b"z" * 100_000, compression=grpc.Compression.Gzip)
    return await _answer(call)


async def _megabytes_64(of: grpc.aio.Channel) -> Any:
    answer = await _answer(of.unary_stream("/p.S/Echo")(os.urandom(1024) * 64 * 1024))
    answer["answers"] = [len(one) for one in answer["answers"]]
    return answer


async def _many_at_once(of: grpc.aio.Channel) -> Any:
    call = of.unary_unary("/p.S/Echo")
    return await asyncio.gather(*(call(b"%d" % number, metadata=(("n", f"v{number % 70}"),)) for number in range(500)))


async def _keepalive(of: grpc.aio.Channel) -> Any:
    first = await _answer(of.unary_stream(DROP)(b"a"))
    await asyncio.sleep(0.1)
    return first, await _answer(of.unary_stream(DROP)(b"b"))


@pytest.mark.parametrize(
    "program",
    [
        _plain,
        _unknown_method_streaming,
        _status_with_odd_text,
        _deadline,
        _cancelled,
        _compressed,
        _megabytes_64,
        _many_at_once,
        _keepalive,
    ],
    ids=lambda program: program.__name__.strip("_"),
)
def test_client_and_server_see_the_same_directly_and_through_it(program: Program) -> None:
    async def both() -> None:
        async with grpc_upstream() as (server, gateways):
            endpoint = await gateways.open()
            views = []
            for address in (f"127.0.0.1:{server.port}", endpoint.address):
                pinging = (("grpc.keepalive_time_ms", 20), ("grpc.keepalive_permit_without_calls", 1))
                async with channel(address, *pinging) as of:
                    client = await program(of)
                await until(lambda: all(one.cancelled or "Hang" not in one.method for one in server.seen))
                seen = sorted((one.method, one.metadata, one.requests, one.cancelled) for one in server.seen)
                timed = [one.seconds_left is not None for one in server.seen]
                server.seen.clear()
                views.append((client, seen, timed))
            if program is _megabytes_64:
                assert views[0][0] == views[1][0]
                assert [len(request) for request in views[1][1][0][2]] == [64 * 1024 * 1024]
            else:
                assert views[0] == views[1]
            recording = await endpoint.close()
            assert recording.problem is None
            assert len(recording.calls) >= 1

    run(both())

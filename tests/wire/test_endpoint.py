"""An execution's address: steps, faults, its end."""

import asyncio
import socket

import grpc
import pytest
from milvus_parity.model.wire import Recording
from milvus_parity.wire.gateway import GatewayError, RecordingGateways, Upstream
from wire_fakes import (
    RawServer,
    Script,
    channel,
    grpc_upstream,
    raw_upstream,
    run,
    unary,
)

pytestmark = pytest.mark.usefixtures("way")


def test_a_request_that_was_sent_before_the_step_changed_belongs_to_the_step_before() -> None:
    """A client whose deadline has passed may report before the gateway has read its request."""

    async def record() -> Recording:
        server = RawServer()
        async with raw_upstream(server) as gateways:
            endpoint = await gateways.open()
            script = Script()
            script.request(1, body=b"x" * 100_000)
            host, port = endpoint.address.split(":")
            await endpoint.set_step(1)
            with socket.create_connection((host, int(port))) as late:
                late.sendall(b"".join(data for side, data in script.pieces if side.value == "client"))
                await endpoint.set_step(2)
            return await endpoint.close()

    for _ in range(20):
        (call,) = run(record()).calls
        assert call.step == 1


def test_steps_that_follow_each_other_at_once_keep_what_is_theirs() -> None:
    """The gateway's thread is mostly not asked when a step changes; nothing may slip through there."""
    count = 1000

    async def record() -> Recording:
        async with raw_upstream(RawServer()) as gateways:
            endpoint = await gateways.open()
            host, port = endpoint.address.split(":")
            script = Script()
            with socket.create_connection((host, int(port))) as client:
                for step in range(count):
                    await endpoint.set_step(step)
                    script.request(2 * step + 1)
                    client.sendall(b"".join(data for side, data in script.pieces if side.value == "client"))
                    script.pieces.clear()
                await endpoint.set_step(count)
            return await endpoint.close()

    recording = run(record())
    assert recording.problem is None
    assert [call.step for call in recording.calls] == list(range(count))


def test_several_connections_of_one_execution_are_told_apart() -> None:
    async def record() -> Recording:
        async with grpc_upstream() as (_, gateways):
            endpoint = await gateways.open()
            async with channel(endpoint.address) as one, channel(endpoint.address) as two:
                await one.unary_unary("/p.S/One")(b"")
                await two.unary_unary("/p.S/Two")(b"")
                await one.unary_unary("/p.S/Three")(b"")
            return await endpoint.close()

    recording = run(record())
    assert [(call.name, call.connection) for call in recording.calls] == [("One", 0), ("Two", 1), ("Three", 0)]
    assert recording.connections == 2


def test_gone_resets_what_stands_refuses_what_comes_and_keeps_the_port() -> None:
    async def fault() -> Recording:
        async with grpc_upstream() as (_, gateways):
            endpoint = await gateways.open()
            host, port = endpoint.address.split(":")
            async with channel(endpoint.address) as of:
                hanging = of.unary_unary("/p.S/Hang")(b"x")
                await of.unary_unary("/p.S/Echo")(b"x")
                await endpoint.cut()
                with pytest.raises(grpc.aio.AioRpcError) as error:
                    await hanging
                assert error.value.code() is grpc.StatusCode.UNAVAILABLE
                for _ in range(3):
                    with pytest.raises(ConnectionRefusedError):
                        await asyncio.open_connection(host, int(port))
                with socket.socket() as rival, pytest.raises(OSError, match="in use"):
                    rival.bind((host, int(port)))
                await endpoint.cut()
                await endpoint.restore()
            assert await unary(endpoint.address, "/p.S/Echo", b"again") == b"again"
            return await endpoint.close()

    recording = run(fault())
    assert recording.problem is None
    by_name = {call.name: call for call in recording.calls if call.name == "Hang"}
    assert by_name["Hang"].reset == "connection cut by the fault 'gone'"
    assert by_name["Hang"].status is None


def test_mute_swallows_requests_on_old_and_new_connections() -> None:
    async def fault() -> tuple[Recording, int]:
        async with grpc_upstream() as (server, gateways):
            endpoint = await gateways.open()
            async with channel(endpoint.address) as of:
                await of.unary_unary("/p.S/Echo")(b"x")
                await endpoint.mute()
                with pytest.raises(grpc.aio.AioRpcError) as error:
                    await of.unary_unary("/p.S/Swallowed")(b"x", timeout=0.2)
                assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
                with pytest.raises(grpc.aio.AioRpcError) as error:
                    await unary(endpoint.address, "/p.S/New", timeout=0.2)
                assert error.value.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
                await endpoint.restore()
                assert await of.unary_unary("/p.S/Back")(b"y", wait_for_ready=True, timeout=5) == b"y"
            return await endpoint.close(), len(server.seen)

    recording, seen = run(fault())
    assert recording.problem is None
    swallowed = next(call for call in recording.calls if call.name == "Swallowed")
    assert (swallowed.status, swallowed.requests) == (None, 1)
    assert swallowed.reset is not None
    assert seen == 2


def test_after_closing_nothing_happens_and_nothing_can_be_opened() -> None:
    async def talk() -> None:
        gateways = RecordingGateways(Upstream(host="127.0.0.1", port=1))
        endpoint = await gateways.open()
        await gateways.close()
        await endpoint.set_step(1)
        await endpoint.cut()
        await endpoint.mute()
        await endpoint.restore()
        assert (await endpoint.close()).calls == ()
        await gateways.close()
        with pytest.raises(GatewayError, match="after the gateways were closed"):
            await gateways.open()

    run(talk())

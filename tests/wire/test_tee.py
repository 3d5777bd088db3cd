"""A tee passes on bytes, ends and resets as they come."""

import asyncio
import socket
import time

import grpc
import pytest
from milvus_parity.model.wire import Recording
from milvus_parity.wire.gateway import RecordingGateways, Upstream
from wire_fakes import (
    Peer,
    RawServer,
    raw_upstream,
    run,
    unary,
    until,
)

pytestmark = pytest.mark.usefixtures("way")


def test_a_client_that_is_not_http2_is_passed_through_and_not_recorded() -> None:
    def shout(peer: Peer, data: bytes) -> None:
        peer.transport.write(data.upper())

    async def talk() -> tuple[bytes, Recording]:
        server = RawServer(shout)
        async with raw_upstream(server) as gateways:
            endpoint = await gateways.open()
            reader, writer = await asyncio.open_connection(*endpoint.address.split(":"))
            writer.write(b"get / http/1.1\r\n")
            answer = await reader.readexactly(16)
            writer.close()
            return answer, await endpoint.close()

    answer, recording = run(talk())
    assert answer == b"GET / HTTP/1.1\r\n"
    assert recording.problem is not None
    assert recording.problem.startswith("connection 0: what the client sent can't be read as HTTP/2")
    assert not recording.complete


def test_a_server_that_speaks_first_and_a_half_closed_connection() -> None:
    def late(peer: Peer, data: bytes) -> None:
        def answer() -> None:
            peer.transport.write(b"late:" + data)
            peer.transport.close()

        asyncio.get_running_loop().call_later(0.2, answer)

    async def talk() -> bytes:
        server = RawServer(late, b"hello ", half_open=True)
        async with raw_upstream(server, record=False) as gateways:
            endpoint = await gateways.open()
            reader, writer = await asyncio.open_connection(*endpoint.address.split(":"))
            writer.write(b"request")
            writer.write_eof()
            answer = await reader.read()
            writer.close()
            assert server.peers[0].eof
            recording = await endpoint.close()
            assert recording.problem == "recording was switched off"
            return answer

    assert run(talk()) == b"hello late:request"


def test_a_connection_that_both_sides_have_finished_is_gone() -> None:
    def answer(peer: Peer, data: bytes) -> None:
        peer.transport.write(data)
        peer.transport.write_eof()

    async def talk() -> None:
        async with raw_upstream(RawServer(answer, half_open=True)) as gateways:
            endpoint = await gateways.open()
            reader, writer = await asyncio.open_connection(*endpoint.address.split(":"))
            writer.write(b"x")
            writer.write_eof()
            assert await reader.read() == b"x"
            await until(lambda: not endpoint._tees)
            writer.close()

    run(talk())


def test_a_client_that_sends_and_closes_at_once_is_still_delivered() -> None:
    async def talk() -> bytes:
        server = RawServer()
        async with raw_upstream(server) as gateways:
            endpoint = await gateways.open()
            host, port = endpoint.address.split(":")
            with socket.create_connection((host, int(port))) as hasty:
                hasty.sendall(b"x" * 1000)
            await until(lambda: bool(server.peers) and server.peers[0].lost.is_set())
            return bytes(server.peers[0].received)

    assert run(talk()) == b"x" * 1000


@pytest.mark.parametrize("who", ["client", "server"])
def test_a_reset_of_one_side_becomes_a_reset_of_the_other(who: str) -> None:
    async def talk() -> None:
        server = RawServer()
        async with raw_upstream(server) as gateways:
            endpoint = await gateways.open()
            host, port = endpoint.address.split(":")
            client = socket.create_connection((host, int(port)))
            client.sendall(b"x")
            await until(lambda: bool(server.peers) and bool(server.peers[0].received))
            linger = b"\x01\0\0\0\0\0\0\0"
            if who == "client":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                client.close()
                await until(server.peers[0].lost.is_set)
                assert isinstance(server.peers[0].error, ConnectionResetError)
            else:
                server.peers[0].transport.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, linger
                )
                server.peers[0].transport.abort()
                client.settimeout(5)
                with pytest.raises(ConnectionResetError):
                    await asyncio.to_thread(client.recv, 10)
                client.close()

    run(talk())


def test_no_upstream_resets_the_client_and_says_so() -> None:
    async def talk() -> Recording:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            async with RecordingGateways(Upstream(host="127.0.0.1", port=taken.getsockname()[1])) as gateways:
                endpoint = await gateways.open()
                with pytest.raises(grpc.aio.AioRpcError) as error:
                    await unary(endpoint.address, timeout=5)
                assert error.value.code() is grpc.StatusCode.UNAVAILABLE
                return await endpoint.close()

    assert run(talk()).complete


def test_a_slow_reader_holds_the_sender_back_instead_of_filling_the_memory() -> None:
    async def talk() -> int:
        server = RawServer()
        async with raw_upstream(server, record=False) as gateways:
            endpoint = await gateways.open()
            host, port = endpoint.address.split(":")
            client = socket.create_connection((host, int(port)))
            client.sendall(b"x")
            await until(lambda: bool(server.peers))
            server.peers[0].transport.pause_reading()
            client.setblocking(False)
            sent, quiet_since = 0, time.monotonic()
            while time.monotonic() - quiet_since < 0.3:
                try:
                    sent += client.send(b"y" * 65536)
                    quiet_since = time.monotonic()
                except BlockingIOError:
                    await asyncio.sleep(0.01)
            client.close()
            return sent

    assert run(talk()) < 32 * 1024 * 1024

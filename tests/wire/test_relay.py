"""The harness's end of a relay, against the relay's own program as a process of this machine."""

import asyncio
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milvus_parity.wire.gateway import GatewayError, RecordingGateways, Upstream
from milvus_parity.wire.relay import WINDOW, Frames, frame
from relays import LocalRelay
from wire_fakes import Peer, RawServer, raw_upstream, run, until

frames = st.lists(st.tuples(st.sampled_from([b"d", b"c", b"o"]), st.integers(0, 2**32 - 1), st.binary(max_size=50)))


@given(frames, st.lists(st.integers(1, 23), min_size=1, max_size=20))
def test_frames_come_apart_however_they_are_cut(sent: list[tuple[bytes, int, bytes]], cuts: list[int]) -> None:
    wire = b"".join(frame(*one) for one in sent)
    taken, got, turn = Frames(), [], 0
    while wire:
        size = cuts[turn % len(cuts)]
        got += taken.feed(wire[:size])
        wire, turn = wire[size:], turn + 1
    assert got == sent


def test_many_connections_at_once_keep_their_bytes_apart(relay: LocalRelay) -> None:
    async def one(port: int, number: int) -> None:
        sent = os.urandom(1_000_000 + number)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def send() -> None:
            writer.write(sent)
            await writer.drain()
            writer.write_eof()

        _, received = await asyncio.gather(send(), reader.read())
        assert received == sent
        writer.close()

    async def talk() -> None:
        server = RawServer(lambda peer, data: peer.transport.write(data))
        async with raw_upstream(server, record=False) as gateways:
            doors = [await gateways.open(relay) for _ in range(4)]
            assert len({door.port for door in doors}) == 4
            await asyncio.gather(*(one(doors[number % 4].port, number) for number in range(24)))
            for door in doors:
                await door.close()

    run(talk())


def test_a_client_that_does_not_read_holds_back_its_own_connection_only(relay: LocalRelay) -> None:
    pushed = 0

    def push(peer: Peer, data: bytes) -> None:
        peer.transport.set_write_buffer_limits(high=1 << 16)
        peer.transport.write(data)

    async def pump(peer: Peer) -> None:
        nonlocal pushed
        while True:
            if peer.transport.get_write_buffer_size() < 1 << 16:
                peer.transport.write(bytes(1 << 16))
                pushed += 1 << 16
            await asyncio.sleep(0)

    async def talk() -> None:
        server = RawServer(push)
        async with raw_upstream(server, record=False) as gateways:
            endpoint = await gateways.open(relay)
            lazy = socket.create_connection(("127.0.0.1", endpoint.port))
            lazy.sendall(b"x")
            await until(lambda: bool(server.peers))
            pumping = asyncio.create_task(pump(server.peers[0]))
            await asyncio.sleep(1)
            before = pushed
            await asyncio.sleep(0.3)
            assert pushed == before, "nothing more is taken"
            # What the kernel holds on four sockets, besides the window and the buffers of the harness.
            assert WINDOW < pushed < 32 << 20
            reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
            writer.write(b"lively")
            assert await reader.readexactly(6) == b"lively"
            lazy.settimeout(10)
            received = await asyncio.to_thread(lambda: sum(len(lazy.recv(1 << 16)) for _ in range(50)))
            assert received > 50_000
            await until(lambda: pushed > before)
            pumping.cancel()
            lazy.close()
            writer.close()
            await endpoint.close()

    run(talk())


def test_a_port_is_never_given_out_again(relay: LocalRelay) -> None:
    async def talk() -> None:
        async with RecordingGateways(Upstream(host="127.0.0.1", port=1), record=False) as gateways:
            ports = []
            for _ in range(60):
                endpoint = await gateways.open(relay)
                ports.append(endpoint.port)
                await endpoint.close()
            assert len(set(ports)) == 60

    run(talk())


def test_a_relay_that_is_killed_resets_what_stands_and_opens_nothing(tmp_path: Path) -> None:
    relay = LocalRelay()

    async def talk() -> None:
        server = RawServer()
        async with raw_upstream(server) as gateways:
            endpoint = await gateways.open(relay)
            client = socket.create_connection(("127.0.0.1", endpoint.port))
            client.sendall(b"x")
            await until(lambda: bool(server.peers) and bool(server.peers[0].received))
            relay.process.kill()
            await until(server.peers[0].lost.is_set)
            assert isinstance(server.peers[0].error, ConnectionResetError)
            await endpoint.set_step(1)
            await endpoint.cut()
            await endpoint.restore()
            with pytest.raises(GatewayError, match="the relay of a worker is gone"):
                await gateways.open(relay)
            recording = await endpoint.close()
            assert recording.connections == 1
            client.close()

    run(talk())
    assert relay.close() == -9


def test_a_harness_that_goes_takes_the_program_along() -> None:
    relay = LocalRelay()
    assert relay.process.stdin is not None
    relay.process.stdin.close()
    assert relay.process.wait(10) == 0

"""A gateway lets everything through unchanged, records it, and can be cut or go silent."""

import asyncio
import os
import socket
import ssl
import subprocess
import time
from pathlib import Path

import grpc
import psutil
import pytest
from milvus_parity.model.wire import RecordedCall, Recording
from milvus_parity.wire.gateway import GatewayError, RecordingGateways, Upstream
from wire_fakes import (
    DROP,
    GrpcServer,
    Peer,
    RawServer,
    Script,
    channel,
    grpc_upstream,
    raw_upstream,
    run,
    unary,
    until,
)


def test_what_is_recorded_of_a_call() -> None:
    async def record() -> RecordedCall:
        async with grpc_upstream() as (_, gateways):
            endpoint = await gateways.open()
            await endpoint.set_step(3)
            metadata = (("dbname", "db7"), ("authorization", "cm9vdDpNaWx2dXM="))
            # collection_name "book", partition_name "novel"
            await unary(endpoint.address, body=b'\x1a\x04book"\x05novel', metadata=metadata, timeout=7)
            recording = await endpoint.close()
            (call,) = recording.calls
            return call

    call = run(record())
    assert (call.method, call.name, call.step, call.background) == (DROP, "DropPartition", 3, False)
    assert call.metadata == {"dbname": "db7", "authorization": "(redacted)"}
    assert call.request == {"collection_name": "book", "partition_name": "novel"}
    assert (call.requests, call.request_size, call.request_base64) == (1, 13, "GgRib29rIgVub3ZlbA==")
    assert call.status == 0
    assert call.user_agent is not None
    assert call.user_agent.startswith("grpc-python")
    assert call.deadline_ms is not None
    assert 6000 < call.deadline_ms <= 7000
    assert call.ended is not None
    assert 0 <= call.started < call.ended < 30


def test_calls_belong_to_the_execution_and_step_they_came_from() -> None:
    async def record() -> dict[str, list[tuple[int | None, str]]]:
        async with grpc_upstream() as (_, gateways):

            async def execution(name: str) -> tuple[str, list[tuple[int | None, str]]]:
                endpoint = await gateways.open()
                async with channel(endpoint.address) as of:
                    for step in (None, 1, 2):
                        await endpoint.set_step(step)
                        calls = (of.unary_unary(f"/p.S/{name}{step}n{number}")(b"") for number in range(5))
                        await asyncio.gather(*calls)
                recording = await endpoint.close()
                return name, [(call.step, call.name) for call in recording.calls]

            return dict(await asyncio.gather(*(execution(f"e{number}") for number in range(8))))

    for name, calls in run(record()).items():
        assert len(calls) == 15
        assert all(called.startswith(f"{name}{step}n") for step, called in calls)


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


def test_tls_to_the_server_cleartext_to_the_worker(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=milvus.test", "-addext", "subjectAltName=DNS:milvus.test"]
    subprocess.run(["openssl", *request, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)

    async def talk() -> Recording:
        server = GrpcServer()
        await server.start(grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())]))
        upstream = Upstream.to("127.0.0.1", server.port, tls=True, ca=str(certificate), server_name="milvus.test")
        async with RecordingGateways(upstream) as gateways:
            endpoint = await gateways.open()
            body = os.urandom(300_000)
            async with channel(endpoint.address) as of:
                await endpoint.set_step(1)
                assert await of.unary_unary("/p.S/Echo")(body) == body
                await asyncio.gather(*(of.unary_unary("/p.S/Echo")(b"x") for _ in range(50)))
            recording = await endpoint.close()
        distrusted = Upstream.to("127.0.0.1", server.port, tls=True, server_name="milvus.test")
        async with RecordingGateways(distrusted) as gateways:
            endpoint = await gateways.open()
            with pytest.raises(grpc.aio.AioRpcError):
                await unary(endpoint.address, timeout=5)
            await endpoint.close()
        await server.stop()
        return recording

    recording = run(talk())
    assert recording.complete
    assert [call.status for call in recording.calls] == [0] * 51
    assert {call.step for call in recording.calls} == {1}


def test_a_server_without_alpn_is_not_taken_for_one_that_speaks_http2() -> None:
    context = Upstream.to("milvus.test", 1, tls=True).tls
    assert isinstance(context, ssl.SSLContext)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_an_address_that_is_not_ours() -> None:
    async def attempt() -> None:
        async with RecordingGateways(Upstream(host="127.0.0.1", port=1), host="192.0.2.1") as gateways:
            await gateways.open()

    with pytest.raises(GatewayError, match=r"no address for workers can be opened on 192\.0\.2\.1"):
        run(attempt())


def test_closing_twice_returns_the_same_and_nothing_is_left() -> None:
    async def talk() -> tuple[int, int]:
        process = psutil.Process()
        async with grpc_upstream() as (_, gateways):
            warm = await gateways.open()
            await unary(warm.address)
            await warm.close()
            before = process.num_fds()
            for _ in range(20):
                endpoint = await gateways.open()
                await unary(endpoint.address)
                assert await endpoint.close() == await endpoint.close()
            left_open = [await gateways.open() for _ in range(5)]
            del left_open
            between = process.num_fds()
        return between - before, threads()

    def threads() -> int:
        import threading

        return sum(thread.name.startswith("wire-gateway") for thread in threading.enumerate())

    grown, running = run(talk())
    assert grown <= 5 + 2
    assert running == 0


def test_opening_and_closing_costs_little() -> None:
    async def talk() -> float:
        async with RecordingGateways(Upstream(host="127.0.0.1", port=1)) as gateways:
            await (await gateways.open()).close()
            times = []
            for _ in range(200):
                start = time.perf_counter()
                await (await gateways.open()).close()
                times.append(time.perf_counter() - start)
            return sorted(times)[len(times) // 2]

    assert run(talk()) < 0.005

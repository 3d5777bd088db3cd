"""Gateways give out addresses and return what went through them."""

import asyncio
import os
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
    channel,
    grpc_upstream,
    run,
    unary,
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


def test_gateways_that_were_never_used_close() -> None:
    async def talk() -> None:
        async with RecordingGateways(Upstream(host="127.0.0.1", port=1)):
            pass

    run(talk())


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

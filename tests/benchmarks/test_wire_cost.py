"""What recording costs: milliseconds a call at eight at once, and memory over 100,000 calls.

Server, client and gateways are processes of their own, as in a run. The bounds are the project's; a machine that is
busy with other things can't hold them.
"""

import asyncio
import contextlib
import statistics
import sys
from collections.abc import AsyncIterator

import psutil
import pytest
from milvus_parity.wire.gateway import RecordingGateways, Upstream

pytestmark = pytest.mark.benchmark

AT_ONCE = 8
ROUNDS = 24
CALLS_A_ROUND = 400
MOST_ADDED_MS = 0.3
CALLS = 100_000
MOST_GROWTH = 16 * 1024 * 1024

SERVER = """
import asyncio, grpc

async def answer(request, context):
    return b""

class Every(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(answer)

async def main():
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((Every(),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()

asyncio.run(main())
"""

CLIENT = """
import asyncio, grpc, statistics, sys, time

REQUEST = b'\\x1a\\x04book"\\x05novel'
METADATA = (("dbname", "parity_0"), ("authorization", "cm9vdDpNaWx2dXM="))

async def lane(method, count, times):
    for _ in range(count):
        start = time.perf_counter()
        await method(REQUEST, metadata=METADATA, timeout=20)
        times.append(time.perf_counter() - start)

async def main():
    for line in sys.stdin:
        address, count, at_once = line.split()
        times = []
        async with grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            method = channel.unary_unary("/milvus.proto.milvus.MilvusService/DropPartition")
            await method(REQUEST, wait_for_ready=True)
            await asyncio.gather(*(lane(method, int(count) // int(at_once), times) for _ in range(int(at_once))))
        print(statistics.median(times) * 1000, flush=True)

asyncio.run(main())
"""


class Client:
    """A process that calls an address and says how long a call took."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def median_ms(self, address: str, calls: int, at_once: int) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{address} {calls} {at_once}\n".encode())
        return float(await self._process.stdout.readline())


@contextlib.asynccontextmanager
async def _place() -> AsyncIterator[tuple[int, Client]]:
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVER, stdout=pipe)
    client = await asyncio.create_subprocess_exec(sys.executable, "-c", CLIENT, stdin=pipe, stdout=pipe)
    try:
        assert server.stdout is not None
        yield int(await server.stdout.readline()), Client(client)
    finally:
        for process in (server, client):
            process.kill()
            await process.wait()


def test_a_recorded_call_costs_at_most_so_many_milliseconds(capsys: pytest.CaptureFixture[str]) -> None:
    """Of each way the median call of a calm round counts: the quarter of rounds that others disturbed least."""

    async def medians() -> tuple[list[float], list[float]]:
        direct, through = [], []
        async with _place() as (port, client), RecordingGateways(Upstream(host="127.0.0.1", port=port)) as gateways:
            for _ in range(ROUNDS):
                direct.append(await client.median_ms(f"127.0.0.1:{port}", CALLS_A_ROUND, AT_ONCE))
                endpoint = await gateways.open()
                through.append(await client.median_ms(endpoint.address, CALLS_A_ROUND, AT_ONCE))
                recording = await endpoint.close()
                assert recording.complete
                assert len(recording.calls) == CALLS_A_ROUND + 1
        return direct, through

    direct, through = (statistics.quantiles(times, n=4)[0] for times in asyncio.run(medians()))
    with capsys.disabled():
        print(f"\n{AT_ONCE} at once: {direct:.3f} ms a call directly, {through:.3f} ms recorded")
    assert through - direct <= MOST_ADDED_MS


@pytest.mark.parametrize("calls_an_address", [100, CALLS], ids=["many executions", "one execution"])
def test_memory_stays_flat(calls_an_address: int, capsys: pytest.CaptureFixture[str]) -> None:
    async def grown() -> tuple[int, int]:
        process = psutil.Process()
        async with _place() as (port, client), RecordingGateways(Upstream(host="127.0.0.1", port=port)) as gateways:
            endpoint = await gateways.open()
            after_warm_up, peak, made = 0, 0, 0
            while made < CALLS:
                batch = min(calls_an_address, 5_000)
                await client.median_ms(endpoint.address, batch, AT_ONCE)
                made += batch
                if calls_an_address < CALLS:
                    await endpoint.close()
                    endpoint = await gateways.open()
                if made <= CALLS // 5:
                    after_warm_up = process.memory_info().rss
                peak = max(peak, process.memory_info().rss)
            recording = await endpoint.close()
            assert (recording.problem is not None) == (calls_an_address == CALLS)
        return after_warm_up, peak

    before, peak = asyncio.run(grown())
    with capsys.disabled():
        print(f"\nmemory after {CALLS // 5} calls {before >> 20} MiB, at most {peak >> 20} MiB until {CALLS}")
    assert peak - before <= MOST_GROWTH


def test_decoding_keeps_up_with_a_run() -> None:
    """Decoding takes less time than the calls did, so it ends with the run and not after it."""

    async def seconds() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        async with _place() as (port, client), RecordingGateways(Upstream(host="127.0.0.1", port=port)) as gateways:
            endpoint = await gateways.open()
            await client.median_ms(endpoint.address, 100, 1)
            start = loop.time()
            await client.median_ms(endpoint.address, 2_000, AT_ONCE)
            between = loop.time()
            await endpoint.close()
            return between - start, loop.time() - between

    running, closing = asyncio.run(seconds())
    assert closing <= running

"""Recorded calls are sent again as they were."""

from milvus_parity.model.wire import RecordedCall
from milvus_parity.wire.replay import ReplayCall, replay, replayable
from wire_fakes import DROP, grpc_upstream, run, unary


def test_what_was_recorded_arrives_again() -> None:
    async def both() -> None:
        async with grpc_upstream() as (server, gateways):
            endpoint = await gateways.open()
            secret = ("authorization", "cm9vdDpNaWx2dXM=")
            for name in (b"one", b"two"):
                body = b"\x1a\x03" + name
                await unary(endpoint.address, body=body, metadata=(("dbname", "x"), secret))
            await unary(endpoint.address, "/milvus.proto.milvus.MilvusService/Connect")
            recording = await endpoint.close()
            server.seen.clear()
            calls = replayable(recording.calls, {"authorization": "again"})
            replayed = await replay(f"127.0.0.1:{server.port}", [calls], concurrency=1)
            assert (replayed.calls, replayed.failed) == (2, 0)
            assert replayed.seconds > 0
            assert [(seen.method, seen.requests) for seen in server.seen] == [
                (DROP, [b"\x1a\x03one"]),
                (DROP, [b"\x1a\x03two"]),
            ]
            assert all(("authorization", "again") in seen.metadata for seen in server.seen)
            assert all(("dbname", "x") in seen.metadata for seen in server.seen)

    run(both())


def test_order_within_an_execution_and_so_many_executions_at_once() -> None:
    async def replayed() -> None:
        async with grpc_upstream() as (server, _):
            executions = [[ReplayCall(f"/p.S/e{one}n{number}", b"") for number in range(5)] for one in range(12)]
            await replay(f"127.0.0.1:{server.port}", executions, concurrency=3)
            for one in range(12):
                order = [seen.method for seen in server.seen if f"/e{one}n" in seen.method]
                assert order == [f"/p.S/e{one}n{number}" for number in range(5)]

    run(replayed())


def test_what_cannot_be_sent_again_is_left_out() -> None:
    kept = RecordedCall(method=DROP, name="DropPartition", request_base64="", status=0)
    large = RecordedCall(method=DROP, name="DropPartition", status=0)
    unanswered = RecordedCall(method=DROP, name="DropPartition", request_base64="")
    assert replayable([large, kept, unanswered]) == (ReplayCall(DROP, b""),)


def test_calls_that_the_server_refuses_are_counted() -> None:
    async def replayed() -> None:
        async with grpc_upstream() as (server, _):
            calls = [ReplayCall("/p.S/Refuse", b"x"), ReplayCall("/p.S/Echo", b"x")]
            result = await replay(f"127.0.0.1:{server.port}", [calls], concurrency=4)
            assert (result.calls, result.failed) == (2, 1)

    run(replayed())


def test_polls_become_one_that_waits_for_what_they_waited_for() -> None:
    path = "/milvus.proto.milvus.MilvusService/GetLoadingProgress"

    def poll(progress: int, at: float) -> RecordedCall:
        return RecordedCall(
            method=path,
            name="GetLoadingProgress",
            request_base64="GgRib29r",
            response={"progress": progress},
            status=0,
            started=at,
            ended=at + 0.5,
        )

    drop = RecordedCall(method=DROP, name="DropPartition", request_base64="", status=0, started=9.0, ended=9.1)
    assert replayable([poll(0, 1.0), poll(50, 2.0), poll(100, 3.0), drop, poll(100, 10.0)]) == (
        ReplayCall(path, b"\x1a\x04book", until={"progress": 100}, patience=2.5),
        ReplayCall(DROP, b""),
        ReplayCall(path, b"\x1a\x04book", until={"progress": 100}, patience=0.5),
    )


def test_a_poll_is_sent_until_the_answer_is_there_or_patience_ends() -> None:
    async def replayed() -> None:
        async with grpc_upstream() as (server, _):
            path = "/milvus.proto.milvus.MilvusService/GetLoadingProgress"
            # The server echoes: field 2 of the request is field 2, progress, of the response.
            done = ReplayCall(path, b"\x10\x64", until={"progress": 100}, patience=5)
            never = ReplayCall(path, b"\x10\x32", until={"progress": 100}, patience=0.2)
            result = await replay(f"127.0.0.1:{server.port}", [[done]], concurrency=1)
            assert len(server.seen) == 1
            result = await replay(f"127.0.0.1:{server.port}", [[never]], concurrency=1)
            assert 0.2 <= result.seconds < 2
            assert len(server.seen) > 3

    run(replayed())

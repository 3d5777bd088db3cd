import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milvus_parity.runtime.base import Exit
from milvus_parity.runtime.containers.attach import PENDING_BYTES, Lines, exit_from
from milvus_parity.runtime.containers.streams import HEADER, STDERR, STDOUT, Frames

GIB = 1 << 30

pieces = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(max_size=40)), max_size=8)


@given(pieces, st.lists(st.integers(1, 17), min_size=1, max_size=20))
def test_frames_come_apart_however_they_are_cut(sent: list[tuple[int, bytes]], cuts: list[int]) -> None:
    wire = b"".join(HEADER.pack(stream, len(data)) + data for stream, data in sent)
    frames, got = Frames(), {STDOUT: b"", STDERR: b""}
    turn = 0
    while wire:
        size = cuts[turn % len(cuts)]
        for stream, data in frames.feed(wire[:size]):
            got[stream] += data
        wire, turn = wire[size:], turn + 1
    for stream in (STDOUT, STDERR):
        assert got[stream] == b"".join(data for name, data in sent if name == stream)


def test_lines_arrive_in_order_and_end() -> None:
    async def main() -> list[bytes | None]:
        lines = Lines(asyncio.get_running_loop())

        def feed() -> None:
            for number in range(100):
                lines.put([b"%d" % number])
            lines.end()

        thread = threading.Thread(target=feed)
        thread.start()
        got = [await lines.get() for _ in range(101)]
        thread.join()
        return got

    assert asyncio.run(main()) == [*(b"%d" % number for number in range(100)), None]


def test_a_flood_waits_until_it_is_read() -> None:
    async def main() -> None:
        lines = Lines(asyncio.get_running_loop())
        put = 0

        def flood() -> None:
            nonlocal put
            for _ in range(40):
                lines.put([b"x" * (1 << 20)])
                put += 1

        thread = threading.Thread(target=flood, daemon=True)
        thread.start()
        await asyncio.sleep(0.3)
        assert put <= PENDING_BYTES // (1 << 20) + 1
        for _ in range(40):
            assert await lines.get()
        await asyncio.to_thread(thread.join, 5)
        assert put == 40

    asyncio.run(main())


def test_the_end_frees_a_flood_that_nobody_reads() -> None:
    async def main() -> None:
        lines = Lines(asyncio.get_running_loop())

        def flood() -> None:
            for _ in range(40):
                lines.put([b"x" * (1 << 20)])

        thread = threading.Thread(target=flood, daemon=True)
        thread.start()
        await asyncio.sleep(0.1)
        lines.end()
        await asyncio.to_thread(thread.join, 5)
        assert not thread.is_alive()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("state", "killed", "expected"),
    [
        ({"ExitCode": 0}, False, Exit(status=0)),
        ({"ExitCode": 3, "OOMKilled": False}, False, Exit(status=3)),
        ({"ExitCode": 137, "OOMKilled": True}, False, Exit(status=137, by_limit="memory limit of 1 GiB")),
        ({"ExitCode": 137, "OOMKilled": True}, True, Exit(signal=9)),
        ({"ExitCode": 139, "OOMKilled": False}, False, Exit(signal=11)),
        ({"ExitCode": 255}, False, Exit(status=255)),
    ],
)
def test_how_a_container_ended(state: dict[str, object], killed: bool, expected: Exit) -> None:
    assert exit_from(state, killed=killed, memory=GIB) == expected

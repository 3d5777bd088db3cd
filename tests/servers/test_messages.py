from hypothesis import given, settings
from hypothesis import strategies as st
from milvus_parity.servers.messages import INSERT_ROWS, Rows, given_rows

COUNTS = st.lists(st.tuples(st.text(min_size=1, max_size=3), st.integers(0, 3 * INSERT_ROWS)), max_size=5)


def ids(rows: Rows) -> range:
    return range(rows.first, rows.first + rows.count)


@settings(deadline=None)
@given(COUNTS)
def test_ids_run_from_one_over_the_partitions_as_written(partitions: list[tuple[str, int]]) -> None:
    rows = given_rows(partitions)
    assert [number for part in rows for number in ids(part)] == list(
        range(1, 1 + sum(count for _, count in partitions))
    )
    assert [(part.partition, part.count) for part in rows] == [pair for pair in partitions if pair[1]]


@settings(deadline=None)
@given(st.integers(1, 4 * INSERT_ROWS), st.integers(1, 100))
def test_chunks_are_the_rows_in_parts(count: int, first: int) -> None:
    rows = Rows("p", first, count)
    chunks = list(rows.chunks())
    assert [number for chunk in chunks for number in ids(chunk)] == list(ids(rows))
    assert all(chunk.count <= INSERT_ROWS and chunk.partition == "p" for chunk in chunks)

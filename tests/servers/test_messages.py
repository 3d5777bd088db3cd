from hypothesis import given, settings
from hypothesis import strategies as st
from milvus_parity.servers import messages
from milvus_parity.servers.messages import INSERT_ROWS, Rows, given_rows, vector_of

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


def test_an_insert_carries_ids_and_vectors_that_can_be_told_apart() -> None:
    sent = messages.insert("book", Rows("novel", 7, 2), partition_key=False)
    numbers, vectors = sent.fields_data
    assert sent.partition_name == "novel"
    assert sent.num_rows == 2
    assert list(numbers.scalars.long_data.data) == [7, 8]
    assert list(vectors.vectors.float_vector.data) == vector_of(7) + vector_of(8)


def test_with_a_partition_key_the_server_chooses_the_partition() -> None:
    sent = messages.insert("book", Rows("_default", 1, 12), partition_key=True)
    assert sent.partition_name == ""
    assert len(set(sent.fields_data[2].scalars.long_data.data)) == 10


def test_only_a_keyed_collection_has_a_key() -> None:
    from pymilvus.grpc_gen import schema_pb2

    for keyed in (False, True):
        request = messages.create_collection("book", partition_key=keyed)
        schema = schema_pb2.CollectionSchema.FromString(request.schema)
        assert [field.name for field in schema.fields] == ["id", "vec", *(["group"] if keyed else [])]
        assert any(field.is_partition_key for field in schema.fields) is keyed
        assert bool(request.num_partitions) is keyed

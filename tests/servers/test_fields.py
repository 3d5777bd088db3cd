"""Collections of given fields as requests."""

import pytest
from milvus_parity.model.scenario import GivenCollection, GivenField
from milvus_parity.servers import fields
from milvus_parity.servers.fields import SCALARS
from milvus_parity.servers.messages import Rows, vector_of


def test_an_insert_carries_ids_and_vectors_that_can_be_told_apart() -> None:
    sent = fields.insert("book", GivenCollection(), Rows("novel", 7, 2))
    numbers, vectors = sent.fields_data
    assert sent.partition_name == "novel"
    assert sent.num_rows == 2
    assert list(numbers.scalars.long_data.data) == [7, 8]
    assert list(vectors.vectors.float_vector.data) == vector_of(7) + vector_of(8)


def test_with_a_partition_key_the_server_chooses_the_partition() -> None:
    sent = fields.insert("book", GivenCollection(partition_key=True), Rows("_default", 1, 12))
    assert sent.partition_name == ""
    assert len(set(sent.fields_data[2].scalars.long_data.data)) == 10


def test_only_a_keyed_collection_has_a_key() -> None:
    from pymilvus.grpc_gen import schema_pb2

    for keyed in (False, True):
        request = fields.create_collection("book", GivenCollection(partition_key=keyed))
        schema = schema_pb2.CollectionSchema.FromString(request.schema)
        assert [field.name for field in schema.fields] == ["id", "vec", *(["group"] if keyed else [])]
        assert any(field.is_partition_key for field in schema.fields) is keyed
        assert bool(request.num_partitions) is keyed


@pytest.mark.parametrize("kind", sorted(SCALARS))
def test_each_type_has_a_value_for_each_row(kind: str) -> None:
    given = GivenCollection(fields=(GivenField(name="a", type=kind, length=3),))
    (column,) = fields.insert("films", given, Rows("_default", 1, 3)).fields_data
    values = next(getattr(column.scalars, one.name) for one, _ in column.scalars.ListFields())
    assert len(values.data) == 3


def test_what_the_server_makes_is_not_sent_and_vectors_are_of_their_size() -> None:
    given = GivenCollection(
        fields=(
            GivenField(name="film", type="Int64", primary=True, auto_id=True),
            GivenField(name="scene", type="FloatVector", dimension=3),
            GivenField(name="bits", type="BinaryVector", dimension=16),
        ),
        metric="IP",
    )
    sent = fields.insert("films", given, Rows("_default", 1, 2)).fields_data
    assert [one.field_name for one in sent] == ["scene", "bits"]
    assert list(sent[0].vectors.float_vector.data) == vector_of(1, 3) + vector_of(2, 3)
    assert len(sent[1].vectors.binary_vector) == 4
    metrics = [
        next(pair.value for pair in one.extra_params if pair.key == "metric_type")
        for one in fields.create_indexes("films", given)
    ]
    assert metrics == ["IP", "HAMMING"]

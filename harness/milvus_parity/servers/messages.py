"""The requests that the observer sends, in pymilvus's generated messages. Pure.

The messages are imported where they are made: the import takes half a second, which only a run shall pay.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

DEFAULT_PARTITION = "_default"

ID = "id"
VECTOR = "vec"
KEY = "group"
DIMENSIONS = 4
KEY_PARTITIONS = 4
"""Physical partitions behind a partition key; the server's own 16 or 64 would only make it slower."""
KEY_VALUES = 10
"""How many different values the partition key takes."""
INSERT_ROWS = 5000
"""Rows of one insert: well below the server's limit of 64 MB."""

STRONG = 0
"""ConsistencyLevel.Strong: a read sees every write that was answered before it."""


class Rows(msgspec.Struct, frozen=True):
    """Rows for one partition: consecutive ids from ``first``."""

    partition: str
    first: int
    count: int

    def chunks(self) -> Iterator["Rows"]:
        """The same rows in parts that fit into one insert."""
        for offset in range(0, self.count, INSERT_ROWS):
            yield Rows(self.partition, self.first + offset, min(INSERT_ROWS, self.count - offset))


def given_rows(partitions: Sequence[tuple[str, int]]) -> list[Rows]:
    """Which ids go where: from 1 on, over the partitions in the order written."""
    rows, first = [], 1
    for partition, count in partitions:
        if count:
            rows.append(Rows(partition, first, count))
        first += count
    return rows


def vector_of(row_id: int) -> list[float]:
    """The vector of a row: its id in the first place, so that the nearest neighbour of any id is known."""
    return [float(row_id), *[0.0] * (DIMENSIONS - 1)]


def _pb() -> Any:
    from pymilvus.grpc_gen import milvus_pb2

    return milvus_pb2


def create_collection(name: str, *, partition_key: bool) -> Any:
    """A collection of ids, vectors and, where asked for, a partition key.

    One shard, as that is enough, and strong consistency, so that an SDK which leaves the level to the collection
    reads what was written.
    """
    from pymilvus.grpc_gen import common_pb2, schema_pb2

    fields = [
        schema_pb2.FieldSchema(name=ID, is_primary_key=True, data_type=schema_pb2.Int64),
        schema_pb2.FieldSchema(
            name=VECTOR,
            data_type=schema_pb2.FloatVector,
            type_params=[common_pb2.KeyValuePair(key="dim", value=str(DIMENSIONS))],
        ),
    ]
    if partition_key:
        fields.append(schema_pb2.FieldSchema(name=KEY, data_type=schema_pb2.Int64, is_partition_key=True))
    return _pb().CreateCollectionRequest(
        collection_name=name,
        schema=schema_pb2.CollectionSchema(name=name, fields=fields).SerializeToString(),
        shards_num=1,
        consistency_level=STRONG,
        num_partitions=KEY_PARTITIONS if partition_key else 0,
    )


def insert(collection: str, rows: Rows, *, partition_key: bool) -> Any:
    """An insert of these rows; with a partition key the server chooses the partition."""
    from pymilvus.grpc_gen import schema_pb2

    ids = range(rows.first, rows.first + rows.count)

    def numbers(name: str, values: Sequence[int]) -> Any:
        data = schema_pb2.ScalarField(long_data=schema_pb2.LongArray(data=values))
        return schema_pb2.FieldData(field_name=name, type=schema_pb2.Int64, scalars=data)

    floats = schema_pb2.FloatArray(data=[value for row_id in ids for value in vector_of(row_id)])
    vectors = schema_pb2.VectorField(dim=DIMENSIONS, float_vector=floats)
    fields = [
        numbers(ID, ids),
        schema_pb2.FieldData(field_name=VECTOR, type=schema_pb2.FloatVector, vectors=vectors),
    ]
    if partition_key:
        fields.append(numbers(KEY, [row_id % KEY_VALUES for row_id in ids]))
    return _pb().InsertRequest(
        collection_name=collection,
        partition_name="" if partition_key else rows.partition,
        num_rows=rows.count,
        fields_data=fields,
    )


def create_index(collection: str, field: str) -> Any:
    """The simplest index there is; a collection without one cannot be loaded."""
    from pymilvus.grpc_gen import common_pb2

    parameters = {"index_type": "FLAT", "metric_type": "L2", "params": "{}"}
    return _pb().CreateIndexRequest(
        collection_name=collection,
        field_name=field,
        extra_params=[common_pb2.KeyValuePair(key=key, value=value) for key, value in parameters.items()],
    )


def show_loaded(collection: str) -> Any:
    """The partitions that are loaded or being loaded, with how far (in percent): one call for all of them."""
    return _pb().ShowPartitionsRequest(collection_name=collection, type=_pb().InMemory)


def count_rows(collection: str, partition: str) -> Any:
    """How many rows a partition has.

    With an expression that holds for all, as milvus-lite does not look at the partition when there is none.
    """
    return _pb().QueryRequest(
        collection_name=collection,
        partition_names=[partition],
        expr=f"{ID} >= 0",
        output_fields=["count(*)"],
        consistency_level=STRONG,
    )


def request(name: str, **fields: Any) -> Any:
    """The message of a call that needs no more than its fields."""
    return getattr(_pb(), f"{name}Request")(**fields)

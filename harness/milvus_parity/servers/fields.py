"""The requests that make a collection of given fields: its schema, its rows, its indexes. Pure.

The messages are imported where they are made: the import takes half a second, which only a run shall pay.
"""

from collections.abc import Sequence
from typing import Any

from milvus_parity.model.scenario import GivenCollection, GivenField
from milvus_parity.servers.messages import (
    DIMENSIONS,
    ID,
    KEY,
    KEY_PARTITIONS,
    KEY_VALUES,
    STRONG,
    VECTOR,
    Rows,
    pb,
    vector_of,
)

PLAIN = (
    GivenField(name=ID, type="Int64", primary=True),
    GivenField(name=VECTOR, type="FloatVector", dimension=DIMENSIONS),
)
"""The fields of a collection of which nothing is said."""

VECTORS = frozenset({"FloatVector", "BinaryVector"})
SCALARS = frozenset({"Bool", "Int8", "Int16", "Int32", "Int64", "Float", "Double", "VarChar", "JSON"})
TYPES = VECTORS | SCALARS
"""The types that rows can be made for."""

LENGTH = 512
"""The most bytes of a text of which no length is said."""
BINARY_METRIC = "HAMMING"


def fields_of(given: GivenCollection) -> tuple[GivenField, ...]:
    """The fields of a collection, its partition key left out."""
    return given.fields or PLAIN


def create_collection(name: str, given: GivenCollection) -> Any:
    """A collection with its fields and, where asked for, a partition key.

    One shard, as that is enough, and strong consistency, so that an SDK which leaves the level to the collection
    reads what was written.
    """
    from pymilvus.grpc_gen import schema_pb2

    fields = [_field(one) for one in fields_of(given)]
    if given.partition_key:
        fields.append(schema_pb2.FieldSchema(name=KEY, data_type=schema_pb2.Int64, is_partition_key=True))
    schema = schema_pb2.CollectionSchema(name=name, fields=fields)
    if given.dynamic:
        schema.enable_dynamic_field = True
    return pb().CreateCollectionRequest(
        collection_name=name,
        schema=schema.SerializeToString(),
        shards_num=1,
        consistency_level=STRONG,
        num_partitions=KEY_PARTITIONS if given.partition_key else 0,
    )


def _field(field: GivenField) -> Any:
    from pymilvus.grpc_gen import common_pb2, schema_pb2

    parameters: dict[str, int] = {}
    if field.type in VECTORS:
        parameters["dim"] = field.dimension or DIMENSIONS
    if field.type == "VarChar":
        parameters["max_length"] = field.length or LENGTH
    return schema_pb2.FieldSchema(
        name=field.name,
        data_type=schema_pb2.DataType.Value(field.type),
        is_primary_key=field.primary,
        autoID=field.auto_id,
        type_params=[common_pb2.KeyValuePair(key=key, value=str(value)) for key, value in parameters.items()],
    )


def insert(collection: str, given: GivenCollection, rows: Rows) -> Any:
    """An insert of these rows; with a partition key the server chooses the partition."""
    from pymilvus.grpc_gen import schema_pb2

    ids = range(rows.first, rows.first + rows.count)
    fields = [_data(one, ids) for one in fields_of(given) if not one.auto_id]
    if given.partition_key:
        keys = schema_pb2.ScalarField(long_data=schema_pb2.LongArray(data=[row_id % KEY_VALUES for row_id in ids]))
        fields.append(schema_pb2.FieldData(field_name=KEY, type=schema_pb2.Int64, scalars=keys))
    return pb().InsertRequest(
        collection_name=collection,
        partition_name="" if given.partition_key else rows.partition,
        num_rows=rows.count,
        fields_data=fields,
    )


def _data(field: GivenField, ids: Sequence[int]) -> Any:
    """A column: each value says which row it is in."""
    from pymilvus.grpc_gen import schema_pb2

    kind = schema_pb2.DataType.Value(field.type)
    size = field.dimension or DIMENSIONS
    if field.type == "FloatVector":
        floats = schema_pb2.FloatArray(data=[value for row_id in ids for value in vector_of(row_id, size)])
        vectors = schema_pb2.VectorField(dim=size, float_vector=floats)
        return schema_pb2.FieldData(field_name=field.name, type=kind, vectors=vectors)
    if field.type == "BinaryVector":
        binary = b"".join(row_id.to_bytes(8, "little").ljust(size // 8, b"\0")[: size // 8] for row_id in ids)
        vectors = schema_pb2.VectorField(dim=size, binary_vector=binary)
        return schema_pb2.FieldData(field_name=field.name, type=kind, vectors=vectors)
    scalars = schema_pb2.ScalarField()
    if field.type == "Bool":
        scalars.bool_data.data.extend(row_id % 2 == 0 for row_id in ids)
    elif field.type == "Float":
        scalars.float_data.data.extend(float(row_id) for row_id in ids)
    elif field.type == "Double":
        scalars.double_data.data.extend(float(row_id) for row_id in ids)
    elif field.type == "VarChar":
        scalars.string_data.data.extend(f"{field.name}_{row_id}"[: field.length or LENGTH] for row_id in ids)
    elif field.type == "JSON":
        scalars.json_data.data.extend(b'{"id": %d}' % row_id for row_id in ids)
    elif field.type == "Int64":
        scalars.long_data.data.extend(ids)
    else:
        scalars.int_data.data.extend(row_id % 100 for row_id in ids)
    return schema_pb2.FieldData(field_name=field.name, type=kind, scalars=scalars)


def create_indexes(collection: str, given: GivenCollection) -> list[Any]:
    """An index for each vector; a collection without one cannot be loaded."""
    made = []
    for field in fields_of(given):
        if field.type == "FloatVector":
            made.append(create_index(collection, field.name, given.metric or "L2"))
        elif field.type == "BinaryVector":
            metric = given.metric if given.metric in ("HAMMING", "JACCARD") else BINARY_METRIC
            made.append(create_index(collection, field.name, metric, "BIN_FLAT"))
    return made


def create_index(collection: str, field: str, metric: str = "L2", index: str = "FLAT") -> Any:
    """The simplest index there is."""
    from pymilvus.grpc_gen import common_pb2

    parameters = {"index_type": index, "metric_type": metric, "params": "{}"}
    return pb().CreateIndexRequest(
        collection_name=collection,
        field_name=field,
        extra_params=[common_pb2.KeyValuePair(key=key, value=value) for key, value in parameters.items()],
    )

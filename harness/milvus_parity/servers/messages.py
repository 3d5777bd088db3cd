"""The requests that the observer sends, in pymilvus's generated messages. Pure.

Those that make collections stand in `fields`. The messages are imported where they are made: the import takes half a
second, which only a run shall pay.
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


def vector_of(row_id: int, dimensions: int = DIMENSIONS) -> list[float]:
    """The vector of a row: its id in the first place, so that the nearest neighbour of any id is known."""
    return [float(row_id), *[0.0] * (dimensions - 1)]


def pb() -> Any:
    """The generated messages."""
    from pymilvus.grpc_gen import milvus_pb2

    return milvus_pb2


def show_loaded(collection: str) -> Any:
    """The partitions that are loaded or being loaded, with how far (in percent): one call for all of them."""
    return pb().ShowPartitionsRequest(collection_name=collection, type=pb().InMemory)


def count_rows(collection: str, partition: str) -> Any:
    """How many rows a partition has.

    With an expression that holds for all, as milvus-lite does not look at the partition when there is none.
    """
    return pb().QueryRequest(
        collection_name=collection,
        partition_names=[partition],
        expr=f"{ID} >= 0",
        output_fields=["count(*)"],
        consistency_level=STRONG,
    )


def request(name: str, **fields: Any) -> Any:
    """The message of a call that needs no more than its fields."""
    return getattr(pb(), f"{name}Request")(**fields)

"""The operations that a step can be: the vocabulary of scenarios and of packs' templates."""

from collections.abc import Mapping
from typing import Literal

from milvus_parity.model.scenario import Frozen

ArgumentKind = Literal["collection", "partition", "partitions", "database", "text", "number", "ids"]
"""``collection``, ``partition`` and ``partitions`` are names (or None, to see what null does)."""


class Operation(Frozen, frozen=True, kw_only=True):
    """What a step does: its arguments, and what kind of value it reads."""

    name: str
    required: Mapping[str, ArgumentKind] = {}
    optional: Mapping[str, ArgumentKind] = {}
    reads: Literal["flag", "names", "number", "word", "ids", "text"] | None = None
    feature: str | None = None
    """The feature of a server without which it cannot work."""
    about: str

    @property
    def arguments(self) -> dict[str, ArgumentKind]:
        """All arguments, required ones first."""
        return {**self.required, **self.optional}


_COLLECTION: dict[str, ArgumentKind] = {"collection": "collection"}
_PARTITION: dict[str, ArgumentKind] = {**_COLLECTION, "partition": "partition"}
_PARTITIONS: dict[str, ArgumentKind] = {**_COLLECTION, "partitions": "partitions"}
_LOADING = "load_partitions"

OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation(
            name="connect",
            optional={"database": "database", "user": "text", "password": "text", "timeout": "number"},
            about="Connect a client; without a database, to the execution's own",
        ),
        Operation(name="close", about="Close the client"),
        Operation(name="use", required={"database": "database"}, about="Switch the client to another database"),
        Operation(name="create", required=_PARTITION, about="Create a partition"),
        Operation(name="drop", required=_PARTITION, optional={"timeout": "number"}, about="Drop a partition"),
        Operation(name="has", required=_PARTITION, reads="flag", about="Ask whether a partition exists"),
        Operation(name="list", required=_COLLECTION, reads="names", about="List the partitions of a collection"),
        Operation(
            name="load", required=_PARTITIONS, feature=_LOADING, about="Load partitions, and wait until they are"
        ),
        Operation(name="release", required=_PARTITIONS, feature=_LOADING, about="Release partitions"),
        Operation(name="load_collection", required=_COLLECTION, about="Load a whole collection, and wait until it is"),
        Operation(name="release_collection", required=_COLLECTION, about="Release a whole collection"),
        Operation(
            name="load_state",
            required=_PARTITION,
            reads="word",
            feature=_LOADING,
            about="Ask how far a partition is loaded",
        ),
        Operation(
            name="insert",
            required={**_COLLECTION, "ids": "ids"},
            optional={"partition": "partition"},
            about="Insert a row for each id",
        ),
        Operation(
            name="count",
            required=_COLLECTION,
            optional={"partitions": "partitions"},
            reads="number",
            about="Count rows by a strongly consistent query",
        ),
        Operation(
            name="query",
            required={**_COLLECTION, "filter": "text"},
            optional={"partitions": "partitions"},
            reads="ids",
            about="Find the ids that a filter matches, strongly consistent",
        ),
        Operation(
            name="echo", required={"text": "text"}, reads="text", about="Give a literal back: for tests of packs"
        ),
    )
}

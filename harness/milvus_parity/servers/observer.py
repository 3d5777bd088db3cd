"""The observer: makes the starting state of an execution and reads back what the server holds.

It has a connection of its own and never goes through an SDK under test. Every call names its database. What it reads
costs a handful of small calls, made at the same time; only counting rows that are not loaded takes seconds, as they
have to be loaded for it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from msgspec.structs import replace

from milvus_parity.model.scenario import GivenCollection
from milvus_parity.model.trace import CollectionSnapshot, Snapshot
from milvus_parity.servers import fields, messages
from milvus_parity.servers.base import ServerError, ServerInfo
from milvus_parity.servers.errors import (
    ObserverError,
    database_missing,
    has_aliases,
    not_empty,
    not_loaded,
    something_missing,
)
from milvus_parity.servers.messages import DEFAULT_PARTITION, VECTOR, request

if TYPE_CHECKING:
    from milvus_parity.servers.rpc import Rpc

LoadState = Literal["absent", "not loaded", "loading", "loaded"]
LOAD_STATES: tuple[LoadState, ...] = ("absent", "not loaded", "loading", "loaded")
"""In the order of the server's numbers."""

POLL_SECONDS = 0.05
LONGEST_POLL_SECONDS = 0.15
LOAD_SECONDS = 120.0
"""How long a load may take; 2 s are usual, 16 at once on two cores take many times that."""

DROP_ATTEMPTS = 10
"""How often a database that is not empty yet is tried again."""

NO_ROWS: Mapping[str, Mapping[str, Sequence[str]]] = {}


class Observer:
    """See the module. Use as ``async with Observer(info) as observer``, or `connect` and `close`."""

    def __init__(self, info: ServerInfo) -> None:
        self._info = info
        self._connection: Rpc | None = None
        self._made: dict[str, list[str]] = {}

    async def connect(self) -> None:
        """Open the connection and look that the server answers. Raises `ObserverError`."""
        from milvus_parity.servers.rpc import Rpc

        self._connection = Rpc(self._info)
        await self.server_version()

    async def close(self) -> None:
        """Close the connection; may be called again."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def server_version(self) -> str:
        """What the server calls its version, without a leading ``v``."""
        from milvus_parity.servers.probe import plain_version

        return plain_version((await self._call("GetVersion")).version)

    # databases

    async def list_databases(self) -> list[str]:
        """The names of all databases, sorted."""
        return sorted((await self._call("ListDatabases")).db_names)

    async def create_database(self, name: str) -> None:
        """Make a database."""
        await self._call("CreateDatabase", request("CreateDatabase", db_name=name))

    async def drop_database(self, name: str) -> None:
        """Remove a database with all that is in it; one that is not there is no error.

        Looks again where something appeared meanwhile: a call that was cut off may still be at work in the server.
        """
        for attempt in range(DROP_ATTEMPTS):
            collections = self._made.pop(name, None)  # mostly there is nothing else in it: a call less
            if collections is None:
                collections = await self._collections(name)
            if collections is None:
                return
            await self.drop_collections(name, collections)
            try:
                await self._call("DropDatabase", request("DropDatabase", db_name=name))
                return
            except ObserverError as error:
                if database_missing(error):
                    return
                if not not_empty(error) or attempt == DROP_ATTEMPTS - 1:
                    raise
            await asyncio.sleep(POLL_SECONDS)

    async def drop_collections(self, database: str, collections: Sequence[str]) -> None:
        """Remove these collections and their aliases; those that are not there are no error.

        All are tried before the first failure is raised.
        """
        drops = (self._drop_collection(database, name) for name in collections)
        for failure in await asyncio.gather(*drops, return_exceptions=True):
            if failure is not None:
                raise failure

    async def _drop_collection(self, database: str, collection: str) -> None:
        drop = request("DropCollection", collection_name=collection)
        try:
            try:
                await self._call("DropCollection", drop, database)
            except ObserverError as error:  # since 2.4 an alias keeps its collection
                if not has_aliases(error):
                    raise
                await self._drop_aliases(database, collection)
                await self._call("DropCollection", drop, database)
        except ObserverError as error:
            if not something_missing(error):
                raise

    async def _drop_aliases(self, database: str, collection: str) -> None:
        described = await self._describe(database, collection)
        await _together(
            self._call("DropAlias", request("DropAlias", alias=alias), database) for alias in described.aliases
        )

    # the starting state

    async def create_given(self, database: str, collections: Mapping[str, GivenCollection]) -> None:
        """Make collections with their partitions, rows, aliases and load state; returns when it is all there.

        Row ids run from 1 over a collection's partitions in the order written. Rows stay in growing segments: they
        count in reads, and a flush would take seconds.
        """
        self._made.setdefault(database, []).extend(collections)
        await _together(self._create_collection(database, name, given) for name, given in collections.items())

    async def _create_collection(self, database: str, name: str, given: GivenCollection) -> None:
        await self._call("CreateCollection", fields.create_collection(name, given), database)
        rows = messages.given_rows(list(given.partitions.items()))
        if rows or given.loaded or given.metric is not None:
            await _together(self._call("CreateIndex", one, database) for one in fields.create_indexes(name, given))
        for alias in ((given.alias,) if given.alias is not None else ()) + given.aliases:
            await self._call("CreateAlias", request("CreateAlias", collection_name=name, alias=alias), database)
        for partition in given.partitions:
            if partition != DEFAULT_PARTITION:
                wanted = request("CreatePartition", collection_name=name, partition_name=partition)
                await self._call("CreatePartition", wanted, database)
        await _together(
            self._call("Insert", fields.insert(name, given, chunk), database)
            for part in rows
            for chunk in part.chunks()
        )
        if given.loaded is True:
            await self.load(database, name)
        elif given.loaded:
            await self.load(database, name, given.loaded)

    async def load(self, database: str, collection: str, partitions: Sequence[str] | None = None) -> None:
        """Load a whole collection (``partitions`` None) or some partitions; returns when they are loaded.

        A server that loads only whole collections loads the whole one. Raises `ObserverError`, also when it takes
        longer than ``LOAD_SECONDS``.
        """
        if partitions is None or not self._by_partition:
            load = request("LoadCollection", collection_name=collection, replica_number=1)
            await self._call("LoadCollection", load, database)
        else:
            load = request(
                "LoadPartitions", collection_name=collection, partition_names=list(partitions), replica_number=1
            )
            await self._call("LoadPartitions", load, database)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LOAD_SECONDS
        pause = POLL_SECONDS
        while await self.load_state(database, collection, partitions or ()) != "loaded":
            if loop.time() > deadline:
                raise ObserverError("GetLoadState", database, "not loaded", f"still loading after {LOAD_SECONDS:g} s")
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, LONGEST_POLL_SECONDS)  # many loads at once take a second and more

    async def release(self, database: str, collection: str, partitions: Sequence[str] | None = None) -> None:
        """Release a whole collection (``partitions`` None) or some partitions."""
        if partitions is None or not self._by_partition:
            await self._call("ReleaseCollection", request("ReleaseCollection", collection_name=collection), database)
        else:
            wanted = request("ReleasePartitions", collection_name=collection, partition_names=list(partitions))
            await self._call("ReleasePartitions", wanted, database)

    # what is there

    async def load_state(self, database: str, collection: str, partitions: Sequence[str] = ()) -> LoadState:
        """The state of a collection, or of these partitions taken together."""
        wanted = request("GetLoadState", collection_name=collection, partition_names=list(partitions))
        try:
            answer = await self._call("GetLoadState", wanted, database)
            return LOAD_STATES[int(answer.state)]
        except ObserverError as error:
            if something_missing(error):
                return "absent"
            if not_loaded(error):
                return "not loaded"
            raise

    async def partition_row_count(self, database: str, collection: str, partition: str) -> int | None:
        """The rows of a partition, counted with strong consistency; None when there is no such partition."""
        return (await self._row_counts(database, collection, [partition])).get(partition)

    async def snapshot(
        self,
        databases: Sequence[str],
        rows: Mapping[str, Mapping[str, Sequence[str]]] = NO_ROWS,
        *,
        details: bool = False,
    ) -> Snapshot:
        """What these databases hold: collections, partitions, which of them are loaded, and rows where asked for.

        ``details``: aliases and indexed fields, too.

        ``rows`` maps database to collection to the partitions whose rows are counted; what is not there is absent.
        A partition that is not loaded is loaded for counting after everything else was read, and released again:
        the state that the next step meets is the one that was found.
        """
        found = await _together(self._database(name) for name in databases)
        snapshots = {name: content for name, content in zip(databases, found, strict=True) if content is not None}
        wanted = [
            (database, collection, partitions)
            for database, by_collection in rows.items()
            for collection, partitions in by_collection.items()
            if collection in snapshots.get(database, {}) and partitions
        ]
        counted = await _together(self._row_counts(*where) for where in wanted)
        for (database, collection, _), counts in zip(wanted, counted, strict=True):
            snapshots[database][collection] = replace(snapshots[database][collection], rows=counts)
        if details:
            for database, held in snapshots.items():
                looked = await _together(self._details(database, *one) for one in held.items())
                snapshots[database] = dict(zip(held, looked, strict=True))
        return Snapshot(databases=snapshots)

    async def _details(self, database: str, name: str, held: CollectionSnapshot) -> CollectionSnapshot:
        """With aliases and indexed fields; as it is when it is gone meanwhile."""
        try:
            aliases = tuple(sorted((await self._describe(database, name)).aliases))
        except ObserverError as error:
            if something_missing(error):
                return held
            raise
        return replace(held, aliases=aliases, indexed=tuple(sorted(await self._indexed(database, name))))

    async def _database(self, database: str) -> dict[str, CollectionSnapshot] | None:
        names = await self._collections(database)
        if names is None:
            return None
        found = await _together(self._collection(database, name) for name in names)
        return {name: content for name, content in zip(names, found, strict=True) if content is not None}

    async def _collections(self, database: str) -> list[str] | None:
        try:
            return sorted((await self._call("ShowCollections", database=database)).collection_names)
        except ObserverError as error:
            if database_missing(error):
                return None
            raise

    async def _collection(self, database: str, collection: str) -> CollectionSnapshot | None:
        show = request("ShowPartitions", collection_name=collection)
        try:
            shown, loaded = await _together(
                [self._call("ShowPartitions", show, database), self._loaded(database, collection)]
            )
        except ObserverError as error:
            if something_missing(error):
                return None
            raise
        return CollectionSnapshot(partitions=tuple(sorted(shown.partition_names)), loaded=tuple(sorted(loaded)))

    async def _loaded(self, database: str, collection: str) -> list[str]:
        """The loaded partitions; waits for those that are just being loaded, so that the answer does not depend on
        the moment. (milvus-lite says 0 percent of what is not loaded, and loads at once: there is nothing to wait
        for.)"""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LOAD_SECONDS
        while True:
            try:
                shown = await self._call("ShowPartitions", messages.show_loaded(collection), database)
            except ObserverError as error:
                if not_loaded(error):
                    return []
                raise
            progress = dict(zip(shown.partition_names, shown.inMemory_percentages, strict=True))
            if not self._by_partition or all(percent >= 100 for percent in progress.values()):
                return [name for name, percent in progress.items() if percent >= 100]
            if loop.time() > deadline:
                raise ObserverError("ShowPartitions", database, "loading", f"still loading after {LOAD_SECONDS:g} s")
            await asyncio.sleep(POLL_SECONDS)

    async def _row_counts(self, database: str, collection: str, partitions: Sequence[str]) -> dict[str, int]:
        shown = await self._call("ShowPartitions", request("ShowPartitions", collection_name=collection), database)
        there = [name for name in dict.fromkeys(partitions) if name in set(shown.partition_names)]
        async with self._loaded_for_counting(database, collection, there):
            counts = await _together(self._count(database, collection, name) for name in there)
        return dict(zip(there, counts, strict=True))

    async def _count(self, database: str, collection: str, partition: str) -> int:
        answer = await self._call("Query", messages.count_rows(collection, partition), database)
        return int(answer.fields_data[0].scalars.long_data.data[0])

    @asynccontextmanager
    async def _loaded_for_counting(
        self, database: str, collection: str, partitions: Sequence[str]
    ) -> AsyncIterator[None]:
        """See to it that these partitions are loaded inside, and as before afterwards, the index included."""
        before = await self._loaded(database, collection)
        missing = [name for name in partitions if name not in before]
        if not missing:
            yield
            return
        field = await self._field_without_index(database, collection)
        if field is not None:
            await self._call("CreateIndex", fields.create_index(collection, field), database)
        try:
            await self.load(database, collection, missing)
            yield
        finally:
            await self.release(database, collection, missing if before else None)
            if field is not None:
                drop = request("DropIndex", collection_name=collection, field_name=field)
                await self._call("DropIndex", drop, database)

    async def _field_without_index(self, database: str, collection: str) -> str | None:
        """The vector field, if it has no index yet."""
        from pymilvus.grpc_gen import schema_pb2

        if await self._indexed(database, collection):
            return None
        described = await self._describe(database, collection)
        vectors = (field.name for field in described.schema.fields if field.data_type == schema_pb2.FloatVector)
        return next(vectors, VECTOR)

    async def _indexed(self, database: str, collection: str) -> set[str]:
        """The fields that have an index."""
        try:
            found = await self._call("DescribeIndex", request("DescribeIndex", collection_name=collection), database)
        except ObserverError as error:  # this is how a server says that there is none
            if not something_missing(error):
                raise
            return set()
        return {one.field_name for one in found.index_descriptions}

    async def _describe(self, database: str, collection: str) -> Any:
        return await self._call(
            "DescribeCollection", request("DescribeCollection", collection_name=collection), database
        )

    @property
    def _by_partition(self) -> bool:
        return "load_partitions" in self._info.features

    async def _call(self, name: str, message: Any = None, database: str = "") -> Any:
        if self._connection is None:
            raise ServerError("The observer was asked something before it was connected, or after it was closed.")
        return await self._connection.call(name, request(name) if message is None else message, database=database)


async def _together(calls: Iterable[Any]) -> list[Any]:
    """Make calls at the same time; the first that fails ends the others and is raised as it is."""
    calls = list(calls)
    if len(calls) == 1:
        return [await calls[0]]
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise

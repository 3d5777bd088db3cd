"""The observer against real servers: what it makes is what it finds."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from milvus_parity.model.scenario import GivenCollection, GivenField
from milvus_parity.model.trace import CollectionSnapshot
from milvus_parity.servers.base import Server
from milvus_parity.servers.errors import ObserverError
from milvus_parity.servers.messages import request
from milvus_parity.servers.observer import Observer

pytestmark = pytest.mark.e2e

Test = Callable[[Observer, str], Awaitable[Any]]


def with_database(server: Server, test: Test) -> Any:
    """Run a test with an observer and a database that is gone afterwards."""

    async def run() -> Any:
        name = f"test_{secrets.token_hex(4)}"
        async with Observer(server.info) as observer:
            await observer.create_database(name)
            try:
                return await test(observer, name)
            finally:
                await observer.drop_database(name)
                assert name not in await observer.list_databases()

    return asyncio.run(run())


def given(**fields: Any) -> Mapping[str, GivenCollection]:
    return {"book": GivenCollection(**fields)}


def test_an_empty_database_a_missing_one_and_one_with_a_collection(either: Server) -> None:
    async def test(observer: Observer, db: str) -> None:
        assert (await observer.snapshot([db, "no_such_database"])).databases == {db: {}}
        await observer.create_given(db, given())
        found = (await observer.snapshot([db])).databases[db]
        assert found["book"].partitions == ("_default",)
        assert found["book"].rows == {}

    with_database(either, test)


def test_partitions_rows_and_alias(either: Server) -> None:
    async def test(observer: Observer, db: str) -> None:
        await observer.create_given(
            db, given(partitions={"novel": 12, "_default": 3, "poem": 0}, loaded=True, alias="novels")
        )
        rows = {"book": ["novel", "_default", "poem", "no_such_partition"], "no_such_collection": ["novel"]}
        found = (await observer.snapshot([db], {db: rows})).databases[db]["book"]
        assert found == CollectionSnapshot(
            partitions=("_default", "novel", "poem"),
            loaded=("_default", "novel", "poem"),
            rows={"novel": 12, "_default": 3, "poem": 0},
        )
        assert await observer.partition_row_count(db, "novels", "novel") == 12
        assert await observer.partition_row_count(db, "book", "no_such_partition") is None

    with_database(either, test)


def test_ids_run_over_the_partitions_as_written(either: Server) -> None:
    async def test(observer: Observer, db: str) -> None:
        await observer.create_given(db, given(partitions={"novel": 2, "_default": 1, "poem": 2}, loaded=True))
        ids = {}
        for partition in ("novel", "_default", "poem"):
            query = request(
                "Query", collection_name="book", partition_names=[partition], expr="id >= 0", output_fields=["id"]
            )
            answer = await observer._call("Query", query, db)
            (field,) = [field for field in answer.fields_data if field.field_name == "id"]
            ids[partition] = sorted(field.scalars.long_data.data)
        assert ids == {"novel": [1, 2], "_default": [3], "poem": [4, 5]}

    with_database(either, test)


def test_a_collection_with_a_partition_key(either: Server) -> None:
    async def test(observer: Observer, db: str) -> None:
        await observer.create_given(db, given(partitions={"_default": 30}, partition_key=True))
        found = (await observer.snapshot([db])).databases[db]["book"]
        assert len(found.partitions) > 1

    with_database(either, test)


def test_whole_collections_are_loaded_and_released(either: Server) -> None:
    async def test(observer: Observer, db: str) -> None:
        await observer.create_given(db, given(partitions={"novel": 1}, loaded=True))
        assert await observer.load_state(db, "book") == "loaded"
        await observer.release(db, "book")
        assert await observer.load_state(db, "book") == "not loaded"
        assert (await observer.snapshot([db])).databases[db]["book"].loaded == ()
        assert await observer.load_state(db, "no_such_collection") == "absent"

    with_database(either, test)


def test_partitions_are_loaded_and_released_one_by_one(embedded: Server) -> None:
    async def test(observer: Observer, db: str) -> None:
        await observer.create_given(
            db, given(partitions={"novel": 2, "poem": 2, "essay": 0}, loaded=("novel", "essay"))
        )
        assert (await observer.snapshot([db])).databases[db]["book"].loaded == ("essay", "novel")
        assert await observer.load_state(db, "book", ["novel"]) == "loaded"
        assert await observer.load_state(db, "book", ["poem"]) == "not loaded"
        assert await observer.load_state(db, "book", ["no_such_partition"]) == "absent"
        await observer.release(db, "book", ["essay"])
        assert (await observer.snapshot([db])).databases[db]["book"].loaded == ("novel",)

    with_database(embedded, test)


def test_counting_what_is_not_loaded_changes_nothing(embedded: Server) -> None:
    """Neither the load state nor the indexes are others afterwards: the next step meets what it would have met."""

    async def test(observer: Observer, db: str) -> None:
        await observer.create_given(
            db,
            {
                "partly": GivenCollection(partitions={"novel": 2, "poem": 3}, loaded=("novel",)),
                "not": GivenCollection(partitions={"novel": 4}),
                "bare": GivenCollection(partitions={"novel": 0}),
            },
        )
        before = await observer.snapshot([db])
        rows = {"partly": ["novel", "poem"], "not": ["novel"], "bare": ["novel"]}
        counted = (await observer.snapshot([db], {db: rows})).databases[db]
        assert {name: dict(found.rows) for name, found in counted.items()} == {
            "partly": {"novel": 2, "poem": 3},
            "not": {"novel": 4},
            "bare": {"novel": 0},
        }
        assert {name: found.loaded for name, found in counted.items()} == {"partly": ("novel",), "not": (), "bare": ()}
        assert await observer.snapshot([db]) == before
        with pytest.raises(ObserverError, match="index"):
            await observer._call("DescribeIndex", request("DescribeIndex", collection_name="bare"), db)

    with_database(embedded, test)


def test_a_load_that_was_just_asked_for_is_seen_done(embedded: Server) -> None:
    async def test(observer: Observer, db: str) -> None:
        await observer.create_given(db, given(partitions={"novel": 1, "poem": 1}))
        load = request("LoadPartitions", collection_name="book", partition_names=["novel"], replica_number=1)
        await observer._call("LoadPartitions", load, db)
        assert (await observer.snapshot([db])).databases[db]["book"].loaded == ("novel",)

    with_database(embedded, test)


def test_errors_say_where(either: Server) -> None:
    async def test(observer: Observer, db: str) -> None:
        with pytest.raises(ObserverError, match="CreateCollection in database `no_such_database` failed") as raised:
            await observer.create_given("no_such_database", given())
        assert (raised.value.rpc, raised.value.database) == ("CreateCollection", "no_such_database")
        with pytest.raises(ObserverError, match="DescribeCollection"):
            await observer._describe(db, "no_such_collection")

    with_database(either, test)


def test_given_fields_rows_index_and_alias_are_looked_at_in_detail(embedded: Server) -> None:
    fields = (
        GivenField(name="film", type="VarChar", primary=True, length=64),
        GivenField(name="year", type="Int32"),
        GivenField(name="scene", type="FloatVector", dimension=2),
    )

    async def test(observer: Observer, db: str) -> None:
        made = GivenCollection(fields=fields, dynamic=True, metric="IP", alias="movies")
        full = GivenCollection(fields=fields, partitions={"_default": 5}, loaded=True)
        await observer.create_given(db, {"films": made, "full": full, "bare": GivenCollection(fields=fields)})
        found = (await observer.snapshot([db], details=True)).databases[db]
        assert (found["films"].aliases, found["films"].indexed) == (("movies",), ("scene",))
        assert (found["bare"].aliases, found["bare"].indexed) == ((), ())
        assert found["full"].loaded == ("_default",)
        assert (await observer.snapshot([db])).databases[db]["films"].indexed is None

    with_database(embedded, test)


def test_dropping_takes_what_is_loaded_and_aliased_along(either: Server) -> None:
    async def test(observer: Observer, db: str) -> None:
        await observer.create_given(
            db,
            {
                "book": GivenCollection(partitions={"novel": 1}, loaded=True, alias="al"),
                "other": GivenCollection(alias="az"),
            },
        )
        await observer.drop_collections(db, ["other", "no_such_collection"])
        assert list((await observer.snapshot([db])).databases[db]) == ["book"]
        await observer.drop_database(db)
        await observer.drop_database(db)
        assert (await observer.snapshot([db])).databases == {}

    with_database(either, test)


def test_sixteen_executions_at_once(embedded: Server) -> None:
    """Each makes its database, looks at it twice and drops it, as the engine does."""

    async def execution(observer: Observer, number: int) -> None:
        db = f"test_many_{number}"
        await observer.create_database(db)
        await observer.create_given(db, given(partitions={"novel": 0, "poem": 0}, alias=f"alias_{number}"))
        for _ in range(2):
            found = (await observer.snapshot([db])).databases[db]["book"]
            assert found.partitions == ("_default", "novel", "poem")
        await observer.drop_database(db)

    async def run() -> float:
        async with Observer(embedded.info) as observer:
            started = time.monotonic()
            await asyncio.gather(*(execution(observer, number) for number in range(16)))
            seconds = time.monotonic() - started
            assert not any(name.startswith("test_many") for name in await observer.list_databases())
            return seconds

    assert asyncio.run(run()) < 20


def test_sixteen_loads_at_once(embedded: Server) -> None:
    async def execution(observer: Observer, number: int) -> None:
        db = f"test_load_{number}"
        await observer.create_database(db)
        await observer.create_given(db, given(partitions={"novel": 10}, loaded=("novel",)))
        found = (await observer.snapshot([db], {db: {"book": ["novel"]}})).databases[db]["book"]
        assert found == CollectionSnapshot(partitions=("_default", "novel"), loaded=("novel",), rows={"novel": 10})
        await observer.drop_database(db)

    async def run() -> None:
        async with Observer(embedded.info) as observer:
            await asyncio.gather(*(execution(observer, number) for number in range(16)))

    asyncio.run(run())

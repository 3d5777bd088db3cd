"""What the observer makes of answers that a real server gives rarely, or only in other versions."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from milvus_parity.model.trace import CollectionSnapshot
from milvus_parity.servers import observer as module
from milvus_parity.servers.base import ServerError, ServerInfo
from milvus_parity.servers.errors import ObserverError
from milvus_parity.servers.observer import Observer
from pymilvus.grpc_gen import common_pb2, milvus_pb2

from servers.fake_milvus import FakeMilvus, failed

Collections = milvus_pb2.ShowCollectionsResponse
Partitions = milvus_pb2.ShowPartitionsResponse


def observe(milvus: FakeMilvus, test: Callable[[Observer], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with milvus.running() as info, Observer(info) as observer:
            return await test(observer)

    return asyncio.run(run())


def names(milvus: FakeMilvus) -> list[str]:
    return [name for name, _, _ in milvus.calls if name != "GetVersion"]


def book(*_: object) -> Any:
    return Collections(collection_names=["book"])


def test_an_alias_that_keeps_its_collection_goes_first() -> None:
    """Milvus 2.4 and later."""
    aliases = ["al", "az"]

    def drop(request: Any, database: str) -> Any:
        if aliases:
            return failed(
                common_pb2.Status, 65535, "unable to drop the collection [book] because it has associated aliases"
            )
        return common_pb2.Status()

    def drop_alias(request: Any, database: str) -> Any:
        aliases.remove(request.alias)
        return common_pb2.Status()

    milvus = FakeMilvus(
        {
            "ShowCollections": book,
            "DropCollection": drop,
            "DescribeCollection": lambda *_: milvus_pb2.DescribeCollectionResponse(aliases=aliases),
            "DropAlias": drop_alias,
            "DropDatabase": lambda *_: common_pb2.Status(),
        }
    )
    observe(milvus, lambda observer: observer.drop_database("db"))
    assert aliases == []
    assert names(milvus).count("DropCollection") == 2
    assert names(milvus)[-1] == "DropDatabase"


def test_dropping_what_goes_meanwhile_is_no_error() -> None:
    gone = failed(common_pb2.Status, 800, "database not found[database=db]")
    milvus = FakeMilvus({"ShowCollections": book, "DropCollection": lambda *_: gone, "DropDatabase": lambda *_: gone})
    observe(milvus, lambda observer: observer.drop_database("db"))
    assert names(milvus) == ["ShowCollections", "DropCollection", "DropDatabase"]


def test_a_collection_that_appears_while_its_database_is_dropped_goes_too() -> None:
    """Of a call that was cut off, and that the server finished all the same."""
    late = ["book"]

    def show(*_: object) -> Any:
        return Collections(collection_names=late if "DropDatabase" in names(milvus) else [])

    def drop(request: Any, database: str) -> Any:
        late.remove(request.collection_name)
        return common_pb2.Status()

    def drop_database(*_: object) -> Any:
        return failed(common_pb2.Status, 65535, "database:db not empty") if late else common_pb2.Status()

    milvus = FakeMilvus({"ShowCollections": show, "DropCollection": drop, "DropDatabase": drop_database})
    observe(milvus, lambda observer: observer.drop_database("db"))
    assert late == []
    assert names(milvus)[-1] == "DropDatabase"


def test_a_database_that_stays_full_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0)
    full = failed(common_pb2.Status, 65535, "database:db not empty")
    milvus = FakeMilvus({"ShowCollections": lambda *_: Collections(), "DropDatabase": lambda *_: full})
    with pytest.raises(ObserverError, match="not empty"):
        observe(milvus, lambda observer: observer.drop_database("db"))


def test_one_collection_that_cannot_be_dropped_keeps_no_other() -> None:
    dropped = []

    def drop(request: Any, database: str) -> Any:
        if request.collection_name == "a":
            return failed(common_pb2.Status, 65535, "no")
        dropped.append(request.collection_name)
        return common_pb2.Status()

    async def test(observer: Observer) -> None:
        with pytest.raises(ObserverError, match="no"):
            await observer.drop_collections("db", ["a", "b", "c"])

    observe(FakeMilvus({"DropCollection": drop}), test)
    assert sorted(dropped) == ["b", "c"]


def test_dropping_what_is_refused_is_an_error() -> None:
    no = failed(common_pb2.Status, 65535, "permission denied")
    milvus = FakeMilvus({"ShowCollections": book, "DropCollection": lambda *_: no})
    with pytest.raises(ObserverError, match="DropCollection in database `db` failed with 65535: permission denied"):
        observe(milvus, lambda observer: observer.drop_database("db"))


def test_a_snapshot_waits_for_partitions_that_are_being_loaded() -> None:
    progress = iter([0, 50, 100])

    def show(request: Any, database: str) -> Any:
        if request.type == milvus_pb2.InMemory:
            return Partitions(partition_names=["b", "a"], inMemory_percentages=[next(progress), 100])
        return Partitions(partition_names=["b", "a", "_default"])

    milvus = FakeMilvus({"ShowCollections": book, "ShowPartitions": show})
    found = observe(milvus, lambda observer: observer.snapshot(["db"]))
    assert found.databases["db"]["book"] == CollectionSnapshot(partitions=("_default", "a", "b"), loaded=("a", "b"))


def test_not_loaded_may_be_said_as_an_error() -> None:
    def show(request: Any, database: str) -> Any:
        if request.type == milvus_pb2.InMemory:
            return failed(Partitions, 101, "collection not loaded[collection=book]")
        return Partitions(partition_names=["_default"])

    milvus = FakeMilvus({"ShowCollections": book, "ShowPartitions": show})
    found = observe(milvus, lambda observer: observer.snapshot(["db"]))
    assert found.databases["db"]["book"].loaded == ()


def test_a_collection_that_goes_while_it_is_looked_at_is_absent() -> None:
    gone = failed(Partitions, 100, "collection not found[database=db][collection=book]")
    milvus = FakeMilvus({"ShowCollections": book, "ShowPartitions": lambda *_: gone})
    assert observe(milvus, lambda observer: observer.snapshot(["db"])).databases == {"db": {}}


def test_a_load_that_never_ends_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOAD_SECONDS", 0.1)
    loading = milvus_pb2.GetLoadStateResponse(state=common_pb2.LoadStateLoading)
    milvus = FakeMilvus({"LoadCollection": lambda *_: common_pb2.Status(), "GetLoadState": lambda *_: loading})
    with pytest.raises(ObserverError, match=r"still loading after 0.1 s"):
        observe(milvus, lambda observer: observer.load("db", "book"))


def test_a_failure_among_calls_at_the_same_time_ends_the_others() -> None:
    ended = []

    async def slow(request: Any, database: str) -> Any:
        if database == "bad":
            return failed(Collections, 65535, "no")
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(database)

    async def test(observer: Observer) -> None:
        with pytest.raises(ObserverError, match="`bad`"):
            await observer.snapshot(["a", "b", "bad"])
        for _ in range(100):
            if len(ended) == 2:
                break
            await asyncio.sleep(0.01)
        assert sorted(ended) == ["a", "b"]

    observe(FakeMilvus({"ShowCollections": slow}), test)


def test_asked_before_it_is_connected_it_says_so() -> None:
    observer = Observer(ServerInfo(kind="external", host="h", port=1))
    with pytest.raises(ServerError, match="before it was connected"):
        asyncio.run(observer.list_databases())
    asyncio.run(observer.close())

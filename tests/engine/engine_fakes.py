"""A server that is none: what the engine asks of an observer and of gateways, kept in memory."""

import asyncio
from collections.abc import Mapping, Sequence

from milvus_parity.model.scenario import GivenCollection
from milvus_parity.model.trace import CollectionSnapshot, Snapshot
from milvus_parity.model.wire import Recording
from milvus_parity.runtime.base import Channel
from milvus_parity.servers.errors import ServerGone


class FakeKeeper:
    """Databases in memory. With ``gone_after``, the server dies after so many databases were made."""

    def __init__(self, gone_after: int | None = None) -> None:
        self.databases: dict[str, dict[str, GivenCollection]] = {"default": {}}
        self.most = 0
        self.made = 0
        self.gone_after = gone_after

    def _check(self) -> None:
        if self.gone_after is not None and self.made >= self.gone_after:
            raise ServerGone("CreateDatabase", "", "connection refused", address="127.0.0.1:1")

    async def list_databases(self) -> list[str]:
        return list(self.databases)

    async def create_database(self, name: str) -> None:
        self._check()
        self.made += 1
        self.databases[name] = {}
        self.most = max(self.most, len(self.databases) - 1)
        await asyncio.sleep(0)

    async def drop_database(self, name: str) -> None:
        await asyncio.sleep(0)
        self.databases.pop(name, None)

    async def create_given(self, database: str, collections: Mapping[str, GivenCollection]) -> None:
        self.databases[database] |= collections

    async def drop_collections(self, database: str, collections: Sequence[str]) -> None:
        for name in collections:
            self.databases[database].pop(name, None)

    async def snapshot(
        self,
        databases: Sequence[str],
        rows: Mapping[str, Mapping[str, Sequence[str]]] = {},
        *,
        details: bool = False,
    ) -> Snapshot:
        return Snapshot(
            databases={
                name: {
                    collection: CollectionSnapshot(partitions=tuple(sorted(("_default", *given.partitions))))
                    for collection, given in self.databases[name].items()
                }
                for name in databases
                if name in self.databases
            }
        )


class FakeEndpoint:
    """An address that nobody connects to; notes what happens to it."""

    def __init__(self, happened: list[str]) -> None:
        self.happened = happened
        self.address = "127.0.0.1:9"

    async def set_step(self, step: int | None) -> None:
        self.happened.append(f"step {step}")

    async def cut(self) -> None:
        self.happened.append("cut")

    async def mute(self) -> None:
        self.happened.append("mute")

    async def restore(self) -> None:
        self.happened.append("restore")

    async def close(self) -> Recording:
        self.happened.append("close")
        return Recording()


class FakeGateway:
    """Gives out such addresses."""

    def __init__(self) -> None:
        self.happened: list[str] = []

    async def open(self, relay: Channel | None = None) -> FakeEndpoint:
        return FakeEndpoint(self.happened)

    async def close(self) -> None:
        self.happened.append("all closed")

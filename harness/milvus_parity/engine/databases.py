"""The databases of executions: a pool, since a server allows 64 of them by default."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from milvus_parity.engine.database_names import abandoned, database_name, name_prefix
from milvus_parity.model.errors import ParityError
from milvus_parity.model.scenario import Case, GivenCollection
from milvus_parity.model.trace import Snapshot

SERVER_DEFAULT = "default"
"""The database that every server has."""


class StateKeeper(Protocol):
    """What the engine needs of the observer."""

    async def list_databases(self) -> list[str]: ...
    async def create_database(self, name: str) -> None: ...
    async def drop_database(self, name: str) -> None: ...
    async def create_given(self, database: str, collections: Mapping[str, GivenCollection]) -> None: ...
    async def drop_collections(self, database: str, collections: Sequence[str]) -> None: ...
    async def snapshot(
        self,
        databases: Sequence[str],
        rows: Mapping[str, Mapping[str, Sequence[str]]] = {},
        *,
        details: bool = False,
    ) -> Snapshot: ...


class TakenError(ParityError):
    """The server has what a case wants to make: collections in its own database, or databases."""


async def sweep(keeper: StateKeeper) -> list[str]:
    """Remove the databases that killed runs have left on a server that stays. Returns their names."""
    names = abandoned(await keeper.list_databases())
    for name in names:
        await keeper.drop_database(name)
    return names


class DatabasePool:
    """Makes the databases of an execution with what is given in them, and removes them after it."""

    def __init__(self, keeper: StateKeeper, *, size: int) -> None:
        self.keeper = keeper
        self._free = asyncio.Semaphore(size)
        self._size = size
        self._shared = asyncio.Lock()
        self._prefix = name_prefix()
        self._count = 0
        self._made: set[str] = set()

    @asynccontextmanager
    async def databases(self, case: Case) -> AsyncIterator[dict[str, str]]:
        """Logical -> real names of a case's databases, made and filled; gone afterwards."""
        own = [logical for logical in case.databases if logical != SERVER_DEFAULT]
        if len(own) > self._size:
            raise TakenError(f"The scenario wants {len(own)} databases, the server has room for {self._size}.")
        async with _all_of(self._free, len(own)):
            shared = self._shared if case.exclusive or case.public else contextlib.nullcontext()
            async with shared, self._filled(case, own) as names:
                yield names

    @asynccontextmanager
    async def _filled(self, case: Case, own: list[str]) -> AsyncIterator[dict[str, str]]:
        self._count += 1
        names = {logical: database_name(self._prefix, self._count, logical) for logical in own}
        if case.exclusive:
            names[SERVER_DEFAULT] = SERVER_DEFAULT
            await self._check_default(case)
        if case.public:
            await self._check_public(case)
        self._made |= {names[logical] for logical in own} | set(case.public)
        names |= {name: name for name in case.public}
        try:
            await asyncio.gather(*(self._make(case, logical, name) for logical, name in names.items()))
            yield names
        finally:
            await asyncio.shield(self._remove(case, names))

    async def _check_default(self, case: Case) -> None:
        wanted = case.databases[SERVER_DEFAULT].collections
        found = (await self.keeper.snapshot([SERVER_DEFAULT])).databases.get(SERVER_DEFAULT, {})
        taken = sorted(set(found) & set(wanted))
        if taken:
            raise TakenError(
                f"The server's database 'default' already has {', '.join(taken)}, which this scenario makes there.",
                hint="Use a server without data of that name.",
            )

    async def _check_public(self, case: Case) -> None:
        taken = sorted(set(await self.keeper.list_databases()) & set(case.public))
        if taken:
            raise TakenError(f"The server already has the database {', '.join(taken)}, which this makes or drops.")

    async def _make(self, case: Case, logical: str, name: str) -> None:
        if logical in case.public:
            if case.public[logical]:
                await self.keeper.create_database(name)
            return
        if logical != SERVER_DEFAULT:
            await self.keeper.create_database(name)
        given = case.databases[logical].collections
        if given:
            await self.keeper.create_given(name, given)

    async def _remove(self, case: Case, names: Mapping[str, str]) -> None:
        for logical, name in names.items():
            if logical == SERVER_DEFAULT:
                await self.keeper.drop_collections(name, list(case.databases[logical].collections))
            else:
                await self.keeper.drop_database(name)
                self._made.discard(name)

    async def close(self) -> None:
        """Remove what interrupted executions have left."""
        await asyncio.gather(*(self.keeper.drop_database(name) for name in list(self._made)), return_exceptions=True)


@asynccontextmanager
async def _all_of(semaphore: asyncio.Semaphore, count: int) -> AsyncIterator[None]:
    taken = 0
    try:
        for _ in range(count):
            await semaphore.acquire()
            taken += 1
        yield
    finally:
        for _ in range(taken):
            semaphore.release()

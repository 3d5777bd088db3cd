"""States: what the harness makes (``given``) and what the observer shall find (``then``)."""

from milvus_parity.model.scenario import MAIN_DATABASE, GivenCollection, GivenDatabase, Then, ThenCollection
from milvus_parity.scenarios.yaml_source import (
    Fields,
    Item,
    as_flag,
    as_integer,
    as_text,
    as_texts,
    nearest,
    wrong,
)

ELSEWHERE = "databases"
"""The key under which ``given`` and ``then`` name further databases; ``default`` is the server's own."""


def databases(item: Item | None) -> dict[str, GivenDatabase]:
    """Read ``given``. The execution's own database is always there and comes first."""
    if item is None:
        return {MAIN_DATABASE: GivenDatabase()}
    if item.mapping is None:
        raise wrong(item, f"'given' must be a mapping of collections, this is {item.kind}.")
    made = {MAIN_DATABASE: _database({name: value for name, value in item.mapping.items() if name != ELSEWHERE})}
    elsewhere = item.mapping.get(ELSEWHERE)
    if elsewhere is not None:
        if elsewhere.mapping is None:
            raise wrong(elsewhere, f"'databases' must be a mapping of databases, this is {elsewhere.kind}.")
        for name, value in elsewhere.mapping.items():
            if name == MAIN_DATABASE:
                raise wrong(
                    elsewhere.keys[name], f"{MAIN_DATABASE!r} is the execution's own; its collections stand above."
                )
            if value.mapping is None and value.scalar is not None:
                raise wrong(value, f"A database must be a mapping of collections, this is {value.kind}.")
            made[name] = _database(dict(value.mapping or {}))
    return made


def _database(collections: dict[str, Item]) -> GivenDatabase:
    return GivenDatabase(collections={name: _collection(name, item) for name, item in collections.items()})


def _collection(name: str, item: Item) -> GivenCollection:
    if item.mapping is None and item.items is None and item.scalar is None:
        return GivenCollection()
    fields = Fields(item, f"The collection {name!r}", ["partitions", "rows", "loaded", "alias", "partition_key"])
    partitions: dict[str, int] = {}
    listed = fields.get("partitions")
    if listed is not None and listed.mapping is not None:
        partitions = {part: as_integer(rows, "A number of rows") for part, rows in listed.mapping.items()}
    elif listed is not None:
        partitions = dict.fromkeys(as_texts(listed, "'partitions'"), 0)
    rows = fields.get("rows")
    if rows is not None:
        if rows.mapping is None:
            raise wrong(rows, f"'rows' must map partitions to numbers, this is {rows.kind}.")
        for part, number in rows.mapping.items():
            if part not in partitions and part != "_default":
                raise wrong(rows.keys[part], f"There is no partition {part!r} to have rows.", nearest(part, partitions))
            partitions[part] = as_integer(number, "A number of rows")
    loaded: tuple[str, ...] | bool = ()
    wanted = fields.get("loaded")
    if wanted is not None:
        loaded = wanted.scalar if isinstance(wanted.scalar, bool) else as_texts(wanted, "'loaded'")
        for part in loaded if isinstance(loaded, tuple) else ():
            if part not in partitions and part != "_default":
                raise wrong(
                    wanted, f"There is no partition {part!r} to load.", nearest(part, [*partitions, "_default"])
                )
    key, alias = fields.get("partition_key"), fields.get("alias")
    return GivenCollection(
        partitions=partitions,
        loaded=loaded,
        alias=as_text(alias, "'alias'") if alias else None,
        partition_key=as_flag(key, "'partition_key'") if key else False,
    )


def then(item: Item | None, given: dict[str, GivenDatabase]) -> Then | None:
    """Read a ``then``; None when there is none."""
    if item is None:
        return None
    if item.mapping is None:
        raise wrong(item, f"'then' must be a mapping of collections, this is {item.kind}.")
    found = {}
    main = {name: value for name, value in item.mapping.items() if name != ELSEWHERE}
    if main:
        found[MAIN_DATABASE] = {name: _found(name, value) for name, value in main.items()}
    elsewhere = item.mapping.get(ELSEWHERE)
    for name, value in ((elsewhere.mapping or {}) if elsewhere else {}).items():
        assert elsewhere is not None
        if name not in given:
            raise wrong(elsewhere.keys[name], f"No database {name!r} was given.", nearest(name, given))
        if value.mapping is None:
            raise wrong(value, f"A database must be a mapping of collections, this is {value.kind}.")
        found[name] = {collection: _found(collection, child) for collection, child in value.mapping.items()}
    return Then(databases=found, location=item.location)


def _found(name: str, item: Item) -> ThenCollection:
    if item.scalar == "absent":
        return ThenCollection(exists=False)
    fields = Fields(item, f"What is so of {name!r}", ["partitions", "loaded", "rows"])
    partitions, loaded, rows = fields.get("partitions"), fields.get("loaded"), fields.get("rows")
    counts = None
    if rows is not None:
        if rows.mapping is None:
            raise wrong(rows, f"'rows' must map partitions to numbers, this is {rows.kind}.")
        counts = {part: as_integer(number, "A number of rows") for part, number in rows.mapping.items()}
    return ThenCollection(
        partitions=tuple(sorted(as_texts(partitions, "'partitions'"))) if partitions else None,
        loaded=tuple(sorted(as_texts(loaded, "'loaded'"))) if loaded else None,
        rows=counts,
    )

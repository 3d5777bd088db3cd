"""What a fence presupposes: the state of the server before it, inferred from its operations (`infer`), or declared.

Beside a page ``drop_partition.md`` a file ``drop_partition.parity.yaml`` can say
otherwise; ``parity.yaml`` in the folder holds for all of its pages.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from milvus_parity.model.errors import BadInputError
from milvus_parity.model.scenario import Frozen, GivenCollection
from milvus_parity.model.trace import CollectionSnapshot

DEFAULT_PARTITION = "_default"


class Fixture(Frozen, frozen=True, kw_only=True):
    """The state before a fence (``given``), and what should be there after it.

    ``expected``: collection -> partition -> loaded (None: no matter). ``absent``: collection -> partitions. ``gone``:
    collections. ``aliases``: alias -> its collection, None when it is gone. ``indexed``: collection -> whether it has
    an index.
    ``fields``: collection -> its fields and where they are from, in words. ``inferred``: a failure may come from what
    was inferred, and not from the page.
    """

    given: Mapping[str, GivenCollection] = {}
    expected: Mapping[str, Mapping[str, bool | None]] = {}
    absent: Mapping[str, tuple[str, ...]] = {}
    gone: tuple[str, ...] = ()
    aliases: Mapping[str, str | None] = {}
    indexed: Mapping[str, bool] = {}
    databases: Mapping[str, bool] = {}
    """Databases that the fence names -> whether they are there before it."""
    databases_after: Mapping[str, bool] = {}
    fields: Mapping[str, str] = {}
    declared: bool = False
    inferred: bool = False
    after: tuple[int, ...] = ()
    """The lines of earlier fences that make the rest of the state."""

    def __str__(self) -> str:
        told = "; ".join(
            [
                *(_sentence(name, given, self.fields.get(name)) for name, given in self.given.items()),
                *(f"the database {name}" for name, there in self.databases.items() if there),
            ]
        )
        if self.after:
            lines = ", ".join(map(str, self.after))
            lines = f"what the fences at {lines} make" if len(self.after) > 1 else f"what the fence at {lines} makes"
            return f"{told}; {lines}" if told else lines
        return told or "an empty database"


class Unknown(Frozen, frozen=True, kw_only=True):
    """Why the state before a fence cannot be inferred."""

    why: str


def _sentence(name: str, given: GivenCollection, fields: str | None) -> str:
    parts = []
    for partition in given.partitions:
        loaded = given.loaded is True or (isinstance(given.loaded, tuple) and partition in given.loaded)
        parts.append(f"{partition} ({'loaded' if loaded else 'released'})")
    told = f"{name} with {', '.join(parts)}" if parts else f"{name} without further partitions"
    if fields is not None:
        indexed = given.metric is not None or given.loaded or any(given.partitions.values())
        told += f", {'' if indexed else 'no '}index, fields {fields}"
    aliases = [alias for alias in (given.alias, *given.aliases) if alias]
    return f"{told}, alias {', '.join(aliases)}" if aliases else told


class StrictCollection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A collection in the YAML."""

    partitions: dict[str, int] = {}
    loaded: list[str] | bool = False
    alias: str | None = None


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The YAML as people write it; an unknown key is an error."""

    schema: int = 1
    given: dict[str, StrictCollection] = {}
    skip: dict[str, str] = {}


class Declared(Frozen, frozen=True, kw_only=True):
    """``*.parity.yaml``: the collections that fences find, and fences (by line) that are not to be run, with why."""

    schema: int = 1
    given: Mapping[str, GivenCollection] = {}
    skip: Mapping[str, str] = {}


def declared_for(path: Path) -> Declared | None:
    """What stands in YAML beside a page. Raises BadInputError when that cannot be used."""
    for beside in (path.with_suffix(".parity.yaml"), path.parent / "parity.yaml"):
        if beside.exists():
            return _read(beside)
    return None


def _read(path: Path) -> Declared:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8")) or {}
        declared = msgspec.convert(content, Strict, strict=True)
    except (YAMLError, msgspec.ValidationError, OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"What is declared for the page is not right: {error}.", where=str(path)) from error
    if declared.schema > 1:
        raise BadInputError(f"The file has version {declared.schema}, this milvus-parity reads 1.", where=str(path))
    return Declared(
        given={
            name: GivenCollection(
                partitions=one.partitions,
                loaded=tuple(one.loaded) if isinstance(one.loaded, list) else one.loaded,
                alias=one.alias,
            )
            for name, one in declared.given.items()
        },
        skip=declared.skip,
    )


def differences(
    fixture: Fixture, found: Mapping[str, CollectionSnapshot], databases: Collection[str] = ()
) -> list[str]:
    """What the server should hold after the fence and does not, a sentence each.

    ``databases``: those that are there.
    """
    wrong = [f"The collection {name} is still there." for name in fixture.gone if name in found]
    for collection, partitions in fixture.expected.items():
        held = found.get(collection)
        if held is None:
            wrong.append(f"The collection {collection} is not there.")
            continue
        for partition, loaded in partitions.items():
            if partition not in held.partitions:
                wrong.append(f"The partition {partition} of {collection} is not there.")
            elif loaded is not None and loaded != (partition in held.loaded):
                wrong.append(f"The partition {partition} of {collection} is {'not ' if loaded else ''}loaded.")
    for collection, gone in fixture.absent.items():
        there = found.get(collection)
        still = [partition for partition in gone if there is not None and partition in there.partitions]
        wrong.extend(f"The partition {partition} of {collection} is still there." for partition in still)
    for collection, wanted in fixture.indexed.items():
        held = found.get(collection)
        if held is not None and held.indexed is not None and bool(held.indexed) != wanted:
            wrong.append(f"The collection {collection} {'has no' if wanted else 'still has an'} index.")
    wrong += [
        f"The database {name} is {'not' if wanted else 'still'} there."
        for name, wanted in fixture.databases_after.items()
        if wanted != (name in databases)
    ]
    return wrong + _wrong_aliases(fixture, found)


def _wrong_aliases(fixture: Fixture, found: Mapping[str, CollectionSnapshot]) -> list[str]:
    owners = {alias: name for name, held in found.items() for alias in held.aliases or ()}
    known = all(held.aliases is not None for held in found.values())
    wrong = []
    for alias, collection in fixture.aliases.items() if known else ():
        owner = owners.get(alias)
        if collection is None and owner is not None:
            wrong.append(f"The alias {alias} is still there.")
        elif collection is not None and owner is None:
            wrong.append(f"The alias {alias} is not there.")
        elif collection is not None and owner != collection:
            wrong.append(f"The alias {alias} is that of {owner}, not of {collection}.")
    return wrong

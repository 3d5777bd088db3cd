"""What a fence presupposes: the state of the server before it, inferred from its operations, or declared.

A fence that drops a partition presupposes that it is there and released; one that releases it, that it is loaded; one
that creates it, that it is absent. Beside a page ``drop_partition.md`` a file ``drop_partition.parity.yaml`` can say
otherwise; ``parity.yaml`` in the folder holds for all of its pages.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from milvus_parity.docs.code import Code, Use
from milvus_parity.model.errors import BadInputError
from milvus_parity.model.scenario import Frozen, GivenCollection
from milvus_parity.model.trace import CollectionSnapshot

DEFAULT_PARTITION = "_default"
_NO_STATE = frozenset({"connect", "has_collection"})
_ONE_PARTITION = frozenset({"create", "drop", "has", "load_state"})
_MANY_PARTITIONS = frozenset({"load", "release"})
_WHOLE = frozenset({"list", "load_collection", "release_collection"})
KNOWN = _NO_STATE | _ONE_PARTITION | _MANY_PARTITIONS | _WHOLE | {"replicas", "create_collection"}
"""The operations whose presuppositions are known."""


class Fixture(Frozen, frozen=True, kw_only=True):
    """The state before a fence, and what should be there after it: collection -> partition -> loaded."""

    given: Mapping[str, GivenCollection] = {}
    expected: Mapping[str, Mapping[str, bool]] = {}
    absent: Mapping[str, tuple[str, ...]] = {}
    declared: bool = False

    def __str__(self) -> str:
        return "; ".join(_sentence(name, given) for name, given in self.given.items()) or "an empty database"


class Unknown(Frozen, frozen=True, kw_only=True):
    """Why the state before a fence cannot be inferred."""

    why: str


def _sentence(name: str, given: GivenCollection) -> str:
    parts = []
    for partition in given.partitions:
        loaded = given.loaded is True or (isinstance(given.loaded, tuple) and partition in given.loaded)
        parts.append(f"{partition} ({'loaded' if loaded else 'released'})")
    return f"{name} with {', '.join(parts)}" if parts else f"{name} without further partitions"


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


class _State:
    """A state as it is inferred, call by call."""

    def __init__(self) -> None:
        self.before: dict[str, dict[str, bool | None]] = {}
        self.now: dict[str, dict[str, bool | None]] = {}
        self.rows: set[str] = set()
        self.gone: dict[str, set[str]] = {}
        self.created: set[str] = set()

    def collection(self, name: str) -> dict[str, bool | None]:
        if name not in self.created:
            self.before.setdefault(name, {})
        return self.now.setdefault(name, {})

    def need(self, name: str, partition: str, loaded: bool | None) -> None:
        """It must be there (and loaded or not) at this moment: if nothing was said of it yet, before the fence."""
        held = self.collection(name)
        if name in self.created:
            return
        if partition not in held:
            self.before[name][partition] = loaded
            held[partition] = loaded
        elif loaded is not None and held[partition] is None:
            self.before[name][partition] = held[partition] = loaded

    def set(self, name: str, partition: str, loaded: bool | None) -> None:
        self.collection(name)[partition] = loaded
        self.gone.setdefault(name, set()).discard(partition)


def infer(codes: Sequence[Code], declared: Declared | None = None, collection: str | None = None) -> Fixture | Unknown:
    """The state before a chain of fences (the earlier ones of the page that the last goes on from).

    ``collection``: the one that the page speaks of, for fences that do not name theirs.
    """
    other = [name for code in codes for name in code.other_calls]
    if declared is not None and declared.given:
        return Fixture(given=declared.given, declared=True)
    if other:
        return Unknown(why=f"what {other[0]} presupposes is not known")
    uses = [use for code in codes for use in code.uses]
    if not any(use.operation not in ("connect",) for use in uses):
        return Unknown(why="it shows no operation on partitions or collections")
    state = _State()
    for use in uses:
        why = _apply(state, use, collection)
        if why is not None:
            return Unknown(why=why)
    return Fixture(
        given={name: _given(partitions, name in state.rows) for name, partitions in state.before.items()},
        expected={
            name: {partition: loaded for partition, loaded in held.items() if loaded is not None}
            for name, held in state.now.items()
        },
        absent={name: tuple(sorted(gone)) for name, gone in state.gone.items() if gone},
    )


def _apply(state: _State, use: Use, default: str | None) -> str | None:
    """Take one operation. A sentence when what it is about is not written in the fence."""
    operation = use.operation
    if operation not in KNOWN:
        return f"what {operation.replace('_', ' ')} presupposes is not known"
    if operation in _NO_STATE:
        return None
    name = use.collection or default
    if name is None:
        return "the fence does not say which collection it means"
    if operation == "create_collection":
        state.created |= {name} - set(state.before)
    state.collection(name)
    names = use.partitions
    if operation in _ONE_PARTITION | _MANY_PARTITIONS and not names:
        return "the fence does not say which partition it means"
    for partition in names[:1] if operation in _ONE_PARTITION else names if operation in _MANY_PARTITIONS else ():
        _apply_to(state, operation, name, partition)
    if operation in ("load_collection", "replicas"):
        state.rows.add(name)
        state.need(name, DEFAULT_PARTITION, None if operation == "load_collection" else True)
        for held in list(state.collection(name)):
            state.set(name, held, True)
    elif operation == "release_collection":
        state.rows.add(name)
        state.need(name, DEFAULT_PARTITION, True)
        for held in list(state.collection(name)):
            state.set(name, held, False)
    return None


def _apply_to(state: _State, operation: str, collection: str, partition: str) -> None:
    if operation == "create":
        state.set(collection, partition, False)
    elif operation == "drop":
        state.need(collection, partition, False)
        state.collection(collection).pop(partition, None)
        state.gone.setdefault(collection, set()).add(partition)
    elif operation == "load":
        state.need(collection, partition, False)
        state.rows.add(collection)
        state.set(collection, partition, True)
    elif operation == "release":
        state.need(collection, partition, True)
        state.rows.add(collection)
        state.set(collection, partition, False)
    else:
        state.need(collection, partition, None)


def _given(partitions: Mapping[str, bool | None], rows: bool) -> GivenCollection:
    """Rows make the observer create the index that loading wants."""
    return GivenCollection(
        partitions={name: 1 if rows else 0 for name in partitions if name != DEFAULT_PARTITION or rows},
        loaded=tuple(name for name, loaded in partitions.items() if loaded),
    )


def differences(fixture: Fixture, found: Mapping[str, CollectionSnapshot]) -> list[str]:
    """What the server should hold after the fence and does not, a sentence each."""
    wrong = []
    for collection, partitions in fixture.expected.items():
        held = found.get(collection)
        if held is None:
            wrong.append(f"The collection {collection} is not there.")
            continue
        for partition, loaded in partitions.items():
            if partition not in held.partitions:
                wrong.append(f"The partition {partition} of {collection} is not there.")
            elif loaded != (partition in held.loaded):
                wrong.append(f"The partition {partition} of {collection} is {'not ' if loaded else ''}loaded.")
    for collection, gone in fixture.absent.items():
        there = found.get(collection)
        still = [partition for partition in gone if there is not None and partition in there.partitions]
        wrong.extend(f"The partition {partition} of {collection} is still there." for partition in still)
    return wrong

"""Infer what a chain of fences presupposes, and what should be there after it, operation by operation. Pure."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from milvus_parity.docs.code import Code, Use
from milvus_parity.docs.fixtures import DEFAULT_PARTITION, Declared, Fixture, Unknown
from milvus_parity.docs.schemas import Schema, Schemas
from milvus_parity.engine.databases import SERVER_DEFAULT
from milvus_parity.model.scenario import MAIN_DATABASE, GivenCollection

_NO_STATE = frozenset({"connect", "has_collection", "list_collections", "list_databases"})
_ONE_PARTITION = frozenset({"create", "drop", "has", "load_state"})
_MANY_PARTITIONS = frozenset({"load", "release"})
_WHOLE = frozenset({"list", "load_collection", "release_collection", "replicas"})
_THERE = frozenset({"describe_collection", "count", "flush"})
_ALIASES = frozenset({"create_alias", "drop_alias", "alter_alias", "describe_alias"})
_COLLECTIONS = frozenset({"create_collection", "drop_collection", "rename_collection"})
_WRITES = frozenset({"insert"})
_READS = frozenset({"search", "query", "delete", "upsert"})
_DATABASES = frozenset({"create_database", "drop_database", "use_database", "describe_database"})
_INDEXES = frozenset({"create_index", "drop_index", "describe_index"})
_COLLECTION_WISE = (
    _ONE_PARTITION | _MANY_PARTITIONS | _WHOLE | _THERE | _ALIASES | _COLLECTIONS | _WRITES | _READS | _INDEXES
)
KNOWN = _NO_STATE | _COLLECTION_WISE | _DATABASES
"""The operations whose presuppositions are known."""

FIELDS_MATTER = _WRITES | _READS | _INDEXES
"""These need a collection of the right fields: it is given as the page says, or as can be guessed."""

DOUBTFUL = FIELDS_MATTER | _DATABASES | _THERE | {"alter_alias", "describe_alias", "rename_collection"}
"""A failure of these may come from a state that was inferred, or from what a server allows how often."""

_ASKING = frozenset({"list", "has", "load_state", "replicas", "query", "search", "describe_index", "describe_alias"})
CHANGING = _COLLECTION_WISE - _THERE - _ASKING
"""These make the state that later fences of a page go on from."""

ROWS = 100
"""Rows for fences that read: more than the usual limits ask for."""


class _Held:
    """A collection as it is inferred: partition -> loaded (None: no matter)."""

    def __init__(self) -> None:
        self.before: dict[str, bool | None] = {}
        self.now: dict[str, bool | None] = {}
        self.gone: set[str] = set()
        self.rows = 0
        self.fields = False
        self.indexed_before = False
        self.indexed: bool | None = None
        self.aliases: list[str] = []


class _State:
    def __init__(self, default: str | None) -> None:
        self.default = default
        self.held: dict[str, _Held] = {}
        self.created: set[str] = set()
        self.dropped: set[str] = set()
        self.aliases: dict[str, str | None] = {}
        self.renamed = False
        self.databases_before: dict[str, bool] = {}
        self.databases: dict[str, bool] = {}
        self.elsewhere = False
        self.again = False
        """It makes what is there, drops what is gone, loads what has no index: alternatives, or what is left out."""

    def collection(self, name: str) -> _Held:
        if name not in self.held:
            self.held[name] = _Held()
            if self.renamed:
                self.created.add(name)
        return self.held[name]

    def need(self, name: str, partition: str, loaded: bool | None) -> None:
        """It must be there (and loaded or not) at this moment: if nothing was said of it yet, before the fence."""
        held = self.collection(name)
        if name in self.created:
            return
        if partition not in held.now or (loaded is not None and held.now[partition] is None):
            held.before[partition] = held.now[partition] = loaded

    def touch(self, name: str, partitions: Sequence[str]) -> None:
        """Partitions that rows are put into or read from: there, unless the fence has dropped them."""
        held = self.collection(name)
        for partition in partitions:
            if partition and partition not in held.gone:
                self.need(name, partition, None)

    def index(self, name: str, there: bool) -> None:
        """An index must be there, or not, at this moment."""
        held = self.collection(name)
        held.fields = True
        if held.indexed is None:
            held.indexed_before = held.indexed = there

    def load(self, name: str, loaded: bool | None) -> None:
        """The whole collection must be loaded, or released; None: it can be loaded."""
        held = self.collection(name)
        held.rows = held.rows or 1
        self.again = self.again or (name in self.created and not held.indexed)
        if held.indexed is None:
            held.indexed_before = held.indexed = True
        self.need(name, DEFAULT_PARTITION, loaded)

    def all(self, name: str, loaded: bool) -> None:
        held = self.collection(name).now
        held.update(dict.fromkeys(held, loaded))


def infer(
    codes: Sequence[Code],
    schemas: Schemas,
    declared: Declared | None = None,
    collection: str | None = None,
    *,
    continued: bool = False,
) -> Fixture | Unknown:
    """The state before a chain of fences (the earlier ones of the page that the last goes on from).

    ``collection``: the one that the page speaks of, for fences that do not name theirs. ``continued``: the chain has
    fences that only make the state.
    """
    if declared is not None and declared.given:
        return _declared(declared.given, codes, schemas)
    other = [name for code in codes for name in code.other_calls]
    if other:
        return Unknown(why=f"what {other[0]} presupposes is not known")
    state = _State(collection)
    for code in codes:
        if not code.uses and code.collections:
            state.default = code.collections[-1]
        for use in code.uses:
            why = _apply(state, use)
            if why is not None:
                return Unknown(why=why)
    return _fixture(state, codes, schemas, continued)


def _declared(given: Mapping[str, GivenCollection], codes: Sequence[Code], schemas: Schemas) -> Fixture:
    """What is declared, with the fields that the page speaks of where they matter."""
    if not any(use.operation in FIELDS_MATTER for code in codes for use in code.uses):
        return Fixture(given=given, declared=True)
    found = {name: schemas.of(name, codes) for name in given}
    return Fixture(
        given={
            name: replace(one, fields=schema.fields, dynamic=schema.dynamic)
            for name, one in given.items()
            for schema in [found[name]]
            if schema is not None
        }
        | {name: one for name, one in given.items() if found[name] is None},
        fields={name: str(schema) for name, schema in found.items() if schema is not None},
        declared=True,
        inferred=True,
    )


def _fixture(state: _State, codes: Sequence[Code], schemas: Schemas, continued: bool) -> Fixture | Unknown:
    given: dict[str, GivenCollection] = {}
    said = {}
    for name, held in state.held.items():
        if name in state.created:
            continue
        schema: Schema | None = None
        if held.fields:
            schema = schemas.of(name, codes)
            if schema is None:
                return Unknown(why=f"the page does not say which fields {name} has")
            said[name] = str(schema)
        given[name] = _given(held, schema)
    doubtful = [use.operation for code in codes for use in code.uses if use.operation in DOUBTFUL]
    text = "\n".join(code.plain for code in codes)
    named = {name: held for name, held in state.held.items() if name in text and name not in state.dropped}
    return Fixture(
        given=given,
        expected={name: dict(held.now) for name, held in named.items()},
        absent={name: tuple(sorted(held.gone)) for name, held in named.items() if held.gone},
        gone=tuple(sorted(name for name in state.dropped if name in text)),
        aliases={alias: name for alias, name in state.aliases.items() if alias in text},
        indexed={name: held.indexed for name, held in named.items() if held.fields and held.indexed is not None},
        databases=state.databases_before,
        databases_after={name: there for name, there in state.databases.items() if name in text},
        fields=said,
        inferred=bool(doubtful)
        or continued
        or state.again
        or all(use.operation == "connect" for code in codes for use in code.uses),
        after=tuple(code.fence.line for code in codes[:-1]) if continued else (),
    )


def _given(held: _Held, schema: Schema | None) -> GivenCollection:
    """Rows make the observer create the index that loading wants; a fence that creates it finds none."""
    rows = 0 if held.indexed is not None and not held.indexed_before else held.rows
    return GivenCollection(
        partitions={name: rows for name in held.before if name != DEFAULT_PARTITION or rows},
        loaded=tuple(name for name, loaded in held.before.items() if loaded),
        aliases=tuple(dict.fromkeys(held.aliases)),
        fields=schema.fields if schema is not None else (),
        dynamic=schema.dynamic if schema is not None else False,
        metric=(schema.metric or "L2") if schema is not None and held.indexed_before else None,
    )


def _apply(state: _State, use: Use) -> str | None:
    """Take one operation. A sentence when what it is about is not written in the fence."""
    operation = use.operation
    if operation not in KNOWN:
        return f"what {operation.replace('_', ' ')} presupposes is not known"
    if operation in _NO_STATE:
        return None
    if operation in _DATABASES:
        return _apply_database(state, use)
    if state.elsewhere:
        return "what it finds in the database that it switches to is not known"
    name = use.collection or state.default
    if name is None:
        return "the fence does not say which collection it means"
    if operation in _ALIASES:
        return _apply_alias(state, use, name)
    if operation in _COLLECTIONS:
        _apply_collection(state, operation, name)
        return None
    held = state.collection(name)
    state.again = state.again or name in state.dropped
    if operation == "load_state" and not use.partitions:
        return None
    if operation in _ONE_PARTITION | _MANY_PARTITIONS:
        if not use.partitions:
            return "the fence does not say which partition it means"
        for partition in use.partitions[:1] if operation in _ONE_PARTITION else use.partitions:
            _apply_partition(state, operation, name, partition)
    elif operation == "load_collection":
        state.load(name, None)
        state.all(name, True)
    elif operation == "replicas":
        if not any(held.now.values()):
            state.load(name, True)
    elif operation == "release_collection":
        state.load(name, True)
        state.all(name, False)
    elif operation in _WRITES:
        held.fields = True
        state.touch(name, use.partitions)
    elif operation in _READS:
        held.fields = True
        held.rows = ROWS
        state.load(name, True)
        state.touch(name, use.partitions)
    elif operation in _INDEXES:
        state.again = state.again or held.indexed is (operation == "create_index")
        state.index(name, operation != "create_index")
        held.indexed = operation != "drop_index"
    return None


def _apply_collection(state: _State, operation: str, name: str) -> None:
    gone = name in state.dropped
    state.again = state.again or (name in state.held and not gone if operation == "create_collection" else gone)
    if operation == "create_collection":
        if name not in state.held:
            state.created.add(name)
        state.collection(name)
        state.dropped.discard(name)
    elif operation == "drop_collection":
        state.collection(name)
        state.dropped.add(name)
    else:
        state.collection(name)
        state.dropped.add(name)
        state.renamed = True


def _apply_database(state: _State, use: Use) -> str | None:
    name = use.database
    if name is None:
        return "the fence does not say which database it means"
    if name in (SERVER_DEFAULT, MAIN_DATABASE):
        return f"it works on the database {name}, which others have too"
    if name not in state.databases:
        state.databases_before[name] = use.operation != "create_database"
    state.databases[name] = use.operation != "drop_database"
    state.elsewhere = state.elsewhere or use.operation == "use_database"
    return None


def _apply_alias(state: _State, use: Use, name: str) -> str | None:
    if use.alias is None and use.operation != "describe_alias":
        return "the fence does not say which alias it means"
    if use.operation == "drop_alias" or (use.operation == "describe_alias" and use.alias is not None):
        assert use.alias is not None
        if use.alias not in state.aliases:
            state.collection(name).aliases.append(use.alias)
        if use.operation == "drop_alias":
            state.again = state.again or state.aliases.get(use.alias, name) is None
            state.aliases[use.alias] = None
    elif use.operation == "alter_alias":
        assert use.alias is not None
        if use.alias not in state.aliases:
            state.collection(f"{name}_2").aliases.append(use.alias)
        state.collection(name)
        state.aliases[use.alias] = name
    else:
        state.collection(name)
        if use.operation == "create_alias":
            assert use.alias is not None
            state.again = state.again or state.aliases.get(use.alias) is not None
            state.aliases[use.alias] = name
    return None


def _apply_partition(state: _State, operation: str, name: str, partition: str) -> None:
    held = state.collection(name)
    if operation == "create":
        state.again = state.again or partition in held.now
        held.now[partition] = None if name in state.created else False
        held.gone.discard(partition)
    elif operation == "drop":
        state.again = state.again or partition in held.gone
        state.need(name, partition, False)
        held.now.pop(partition, None)
        held.gone.add(partition)
    elif operation in ("load", "release"):
        state.again = state.again or (name in state.created and not held.indexed)
        state.need(name, partition, operation == "release")
        held.rows = held.rows or 1
        held.now[partition] = operation == "load"
    else:
        state.need(name, partition, None)


def makers(code: Code, earlier: Sequence[Code], default: str | None) -> list[Code]:
    """The earlier fences that make the collections a fence works on, from where each is created.

    None where no fence of its language creates it, or the fence creates it itself.
    """
    wanted: dict[str, None] = {}
    made: set[str] = set()
    for use in code.uses:
        name = use.collection or default
        if name is None or use.operation in _NO_STATE:
            continue
        if use.operation == "create_collection":
            made.add(name)
        elif name not in made:
            wanted.setdefault(name, None)
    found: dict[int, Code] = {}
    for name in wanted:
        chain: list[Code] | None = None
        for one in earlier:
            for operation in _operations_on(one, name, default):
                if operation == "create_collection":
                    chain = [one]
                elif operation == "drop_collection":
                    chain = None
                elif chain is not None and operation in CHANGING and one is not chain[-1]:
                    chain.append(one)
        for one in chain or ():
            found[one.fence.index] = one
    return [found[index] for index in sorted(found)]


def _operations_on(code: Code, name: str, default: str | None) -> list[str]:
    return [use.operation for use in code.uses if (use.collection or default) == name]

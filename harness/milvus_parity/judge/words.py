"""Values of facets as people read them."""

import json
from collections.abc import Mapping

import msgspec

from milvus_parity.model.outcome import Facet
from milvus_parity.model.scenario import MAIN_DATABASE, DatabaseName, Expected, ThenCollection
from milvus_parity.model.trace import CollectionSnapshot, Snapshot

NOT_EXPOSED = "not exposed"
"""A code or a reason that the SDK keeps to itself: a value of its own."""


def value_text(value: object) -> str:
    """A normal value: names in brackets, strings quoted only inside structures."""
    if value is msgspec.UNSET:
        return "no value"
    if isinstance(value, str):
        return _visible(value) if value else '""'
    if isinstance(value, DatabaseName):
        return value.logical
    if isinstance(value, list | tuple):
        return "[" + ", ".join(item_text(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False, default=str)


def facet_text(facet: Facet, value: object) -> str:
    """The value of a facet other than ``effect``."""
    if value is None and facet in ("code", "reason"):
        return NOT_EXPOSED
    if facet == "calls":
        return ", ".join(str(one) for one in value) if isinstance(value, list | tuple) and value else "no call"
    return value_text(value)


def collection_text(found: CollectionSnapshot | None) -> str:
    """What a collection held, or that there is none: ``_default, novel (100 rows, loaded)``."""
    if found is None:
        return "no such collection"
    return ", ".join(_partition_text(name, found) for name in found.partitions) or "no partitions"


def effect_text(snapshot: Snapshot, only: frozenset[tuple[str, str]] | None = None) -> str:
    """What the server held, by collection. ``only``: the (database, collection) pairs that are worth saying."""
    pairs = (
        sorted(only) if only is not None else [(db, name) for db, held in snapshot.databases.items() for name in held]
    )
    parts = [
        f"{collection_name(db, name)}: {collection_text(snapshot.databases.get(db, {}).get(name))}"
        for db, name in pairs
    ]
    return "; ".join(parts) or "no collections"


def effect_value(snapshot: Snapshot) -> object:
    """The whole snapshot as plain JSON, as ledger entries pin it."""
    return msgspec.to_builtins(snapshot.databases)


def collection_name(database: str, collection: str) -> str:
    """A collection as scenarios name it: with its database, unless that is the execution's own."""
    return collection if database == MAIN_DATABASE else f"{database}.{collection}"


def expected_text(expected: Expected) -> str:
    """One allowed outcome, as the scenario says it."""
    facets: tuple[Facet, ...] = ("value", "origin", "code", "reason")
    details = [text for text in (expected_facet_text(expected, facet) for facet in facets) if text]
    return f"{expected.result} ({', '.join(details)})" if details else expected.result


def expected_facet_text(expected: Expected, facet: Facet) -> str:
    """What an allowed outcome says of one facet; empty when it says nothing."""
    if facet == "value" and expected.value is not msgspec.UNSET:
        return value_text(expected.value)
    if facet == "origin" and expected.by is not None:
        return f"by the {expected.by}"
    if facet == "code" and expected.code is not None:
        return f"code {expected.code}"
    if facet == "reason" and expected.reason is not None:
        return f"reason “{expected.reason}”"
    return expected.result if facet == "result" else ""


def then_text(then: ThenCollection) -> str:
    """What the observer shall find of one collection."""
    if not then.exists:
        return "no such collection"
    parts = []
    if then.partitions is not None:
        parts.append(f"partitions {value_text(sorted(then.partitions))}")
    if then.loaded is not None:
        parts.append(f"loaded {value_text(sorted(then.loaded))}")
    if then.rows is not None:
        parts.append(f"rows {_rows_text(then.rows)}")
    return ", ".join(parts) or "there"


def _rows_text(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(rows.items()))


def _partition_text(name: str, found: CollectionSnapshot) -> str:
    details = []
    if name in found.rows:
        details.append(f"{found.rows[name]} rows")
    if name in found.loaded:
        details.append("loaded")
    return f"{item_text(name)} ({', '.join(details)})" if details else item_text(name)


def item_text(value: object) -> str:
    """A value among others: texts that are no plain word are quoted."""
    if isinstance(value, str):
        return value if value.isidentifier() else json.dumps(value, ensure_ascii=False)
    return value_text(value)


def _visible(text: str) -> str:
    """Text on one line, with what cannot be seen made visible."""
    return text if text.isprintable() and text == text.strip() else json.dumps(text, ensure_ascii=False)

"""The JSON Schema of the ledger: what editors check and complete while one writes."""

from collections.abc import Sequence
from typing import Any

from milvus_parity.judge.ledger import LEDGER_SCHEMA, PINNABLE, REASON_CLASSES

_TEXTS: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
_MILVUS: dict[str, Any] = {"type": "string", "description": "A range of server versions, as in >=2.3,<2.4, or lite"}
_SHARED: dict[str, Any] = {
    "class": {"enum": list(REASON_CLASSES), "description": "The class of the reason"},
    "why": {"type": "string", "minLength": 1, "description": "The reason, in a sentence"},
    "link": {"type": "string", "description": "Where it is told"},
    "review": {"type": "string", "format": "date", "description": "From then on the entry is warned about"},
    "milvus": _MILVUS,
}


def ledger_schema(kinds: Sequence[str]) -> dict[str, Any]:
    """JSON Schema (2020-12) of a ledger. ``kinds``: those of findings on pages."""
    difference = {
        "case": {**_TEXTS, "description": "Ids of cases, or patterns with *"},
        "targets": {**_TEXTS, "description": "Targets, with a version or a range where it matters"},
        "step": {"type": ["integer", "string"], "description": "The number of the step, or its operation"},
        "facet": {"enum": list(PINNABLE)},
        "actual": {"description": "The pinned value, or {matches: 'pattern'} for its whole text"},
        **_SHARED,
    }
    finding = {
        "page": {**_TEXTS, "description": "Names or paths of pages, or patterns with *"},
        "kind": {"enum": list(kinds)},
        "language": {"type": "string"},
        "message": {"type": "string", "format": "regex", "description": "What is found in the message"},
        **_SHARED,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A ledger of milvus-parity",
        "type": "object",
        "additionalProperties": False,
        "required": ["schema"],
        "properties": {
            "schema": {"const": LEDGER_SCHEMA, "description": "Version of the format"},
            "milvus": _MILVUS,
            "differences": _entries(difference, ["case", "targets", "facet", "actual", "class", "why"]),
            "findings": _entries(finding, ["page", "kind", "why"]),
        },
    }


def _entries(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    entry = {"type": "object", "additionalProperties": False, "required": required, "properties": properties}
    return {"type": ["array", "null"], "items": entry}

"""The JSON Schema of scenario files: what editors check and complete while one writes."""

from typing import Any

from milvus_parity.model.operations import OPERATIONS, ArgumentKind, Operation
from milvus_parity.model.scenario import RESULTS
from milvus_parity.scenarios.load import FEATURES, SCHEMA

_NAMES: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_COUNTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
_PARAMETER: dict[str, Any] = {"type": "string", "pattern": r"^\$[a-z][a-z0-9_]*$"}
_KINDS: dict[ArgumentKind, dict[str, Any]] = {
    "collection": {"type": ["string", "null"]},
    "partition": {"type": ["string", "null"]},
    "partitions": {"anyOf": [*_NAMES["anyOf"], {"type": "null"}]},
    "database": {"type": ["string", "null"]},
    "text": {"type": ["string", "null"]},
    "number": {"type": "number"},
    "ids": {"type": "array", "items": {"type": "integer"}},
}


def scenario_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a scenario file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A milvus-parity scenario",
        "type": "object",
        "additionalProperties": False,
        "required": ["schema", "title", "steps"],
        "properties": {
            "schema": {"const": SCHEMA, "description": "Version of the format"},
            "title": {"type": "string", "description": "One sentence: what is so"},
            "about": {"type": "string", "description": "What a reader should know besides"},
            "docs": {**_NAMES, "description": "Pages of the documentation that this is about"},
            "requires": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "milvus": {"type": "string", "description": "A version range, as in >=2.2.9"},
                    "features": {"type": "array", "items": {"enum": list(FEATURES)}},
                },
            },
            "parameters": {"type": "object", "description": "A matrix: parameter -> values, or label -> value"},
            "cases": {
                "type": "object",
                "description": "Rows: label -> parameters",
                "additionalProperties": {"type": "object"},
            },
            "given": {"$ref": "#/$defs/given"},
            "unknown": {**_NAMES, "description": "Names that nobody makes, on purpose"},
            "steps": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}},
            "then": {"$ref": "#/$defs/then"},
            "expect": {"const": "same", "description": "Nothing is promised but that all SDKs do the same"},
            "ordered": {"type": "boolean", "description": "Whether the order of names in a value matters"},
            "timeout": {"type": "number", "exclusiveMinimum": 0, "description": "Seconds for one execution"},
        },
        "$defs": {
            "given": _databases("givenCollection"),
            "then": _databases("thenCollection"),
            "givenCollection": {
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": {
                    "partitions": {"anyOf": [*_NAMES["anyOf"], _COUNTS]},
                    "rows": _COUNTS,
                    "loaded": {"anyOf": [*_NAMES["anyOf"], {"type": "boolean"}]},
                    "alias": {"type": "string"},
                    "partition_key": {"type": "boolean"},
                },
            },
            "thenCollection": {
                "anyOf": [
                    {"const": "absent"},
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {"partitions": _NAMES, "loaded": _NAMES, "rows": _COUNTS},
                    },
                ]
            },
            "expect": _expect(),
            "step": {"anyOf": [{"enum": ["connect", "close"]}, *(_step(one) for one in _operations()), _fault()]},
        },
    }


def _operations() -> list[Operation]:
    return [operation for operation in OPERATIONS.values() if operation.name != "echo"]


def _databases(collection: str) -> dict[str, Any]:
    of = {"$ref": f"#/$defs/{collection}"}
    inner = {"type": ["object", "null"], "additionalProperties": of}
    return {
        "type": "object",
        "properties": {"databases": {"type": "object", "additionalProperties": inner}},
        "additionalProperties": of,
    }


def _expect() -> dict[str, Any]:
    words = [word for word in RESULTS if word not in ("unknown", "not run")]
    refused = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"by": {"enum": ["client", "server"]}, "code": {"type": "integer"}, "reason": {"type": "string"}},
    }
    one: dict[str, Any] = {
        "anyOf": [
            {"enum": [*words, "same"]},
            _PARAMETER,
            {"type": "object", "additionalProperties": False, "required": ["value"], "properties": {"value": {}}},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["refused"],
                "properties": {"refused": refused},
            },
        ]
    }
    many = {
        "type": "object",
        "additionalProperties": False,
        "required": ["any of"],
        "properties": {"any of": {"type": "array", "minItems": 2, "items": one}},
    }
    return {"anyOf": [*one["anyOf"], many]}


def _step(operation: Operation) -> dict[str, Any]:
    arguments = {
        "type": ["object", "null"] if not operation.required else "object",
        "additionalProperties": False,
        "required": list(operation.required),
        "properties": {name: {"anyOf": [_KINDS[kind], _PARAMETER]} for name, kind in operation.arguments.items()},
    }
    return {
        "type": "object",
        "description": operation.about,
        "additionalProperties": False,
        "required": [operation.name],
        "properties": {
            operation.name: arguments,
            "as": {"type": "string", "pattern": "^[A-Z]$"},
            "expect": {"$ref": "#/$defs/expect"},
            "then": {"$ref": "#/$defs/then"},
        },
    }


def _fault() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "What happens to the server, as the clients of this execution see it",
        "additionalProperties": False,
        "required": ["server"],
        "properties": {"server": {"enum": ["gone", "mute", "back"]}, "then": {"$ref": "#/$defs/then"}},
    }

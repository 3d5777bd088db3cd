"""Takes out of recorded calls what differs by nature, so that two SDKs, or two runs, can be compared.

Pure. Ids, timestamps, message bases, request ids, who asked and the order of columns are no part of what an SDK does. A
database has a real name of its own in each execution: the names given as ``names`` (real -> logical) are put back,
wherever they stand.
"""

import re
from collections.abc import Mapping
from typing import Final

from milvus_parity.model.wire import RecordedCall, Value

ID: Final = "(id)"
"""Stands for a number that the server gave."""

_DROPPED_FIELDS: Final = frozenset({"base", "client_info", "hash_keys", "(cut)"})
_TIME: Final = re.compile(r"timestamp|(^|_)ts$|_time$|^time_", re.IGNORECASE)
_ID_FIELD: Final = re.compile(r"(^id|[a-z]ID|_id)s?$")
_NOISE: Final = re.compile(
    r"request[-_.]?id|unixmsec|^traceparent$|^tracestate$|^baggage$|^x-b3-|^uber-trace|^grpc-previous",
    re.IGNORECASE,
)
_CONNECTION_ID: Final = "identifier"
_COLUMNS: Final = "fields_data"
"""Columns of rows are known by their names; the Go SDK sends them in the order of a map, which is no order."""


def normal_request(call: RecordedCall, names: Mapping[str, str] = {}) -> Value:
    """The request as it is compared."""
    return _normal(call.request, names)


def normal_metadata(call: RecordedCall, names: Mapping[str, str] = {}) -> dict[str, str]:
    """The metadata as they are compared; a credential is only there or not."""
    return {
        key: ID if key == _CONNECTION_ID else _named(value, names)
        for key, value in sorted(call.metadata.items())
        if not _NOISE.search(key)
    }


def normal_database(call: RecordedCall, names: Mapping[str, str] = {}) -> str | None:
    """The database the call was made in: what the request says, else the metadata; None where neither does."""
    request = call.request if isinstance(call.request, dict) else {}
    real = request.get("db_name") or call.metadata.get("dbname")
    return names.get(real, real) if isinstance(real, str) else None


def fields(value: Value, prefix: str = "") -> dict[str, Value]:
    """A normalised value by paths (``schema.fields[0].name``); an empty dict or list is a value of its own."""
    if isinstance(value, dict) and value:
        found: dict[str, Value] = {}
        for key, held in value.items():
            found |= fields(held, f"{prefix}.{key}" if prefix else str(key))
        return found
    if isinstance(value, list) and value:
        found = {}
        for index, held in enumerate(value):
            found |= fields(held, f"{prefix}[{index}]")
        return found
    return {prefix: value}


def _normal(value: Value, names: Mapping[str, str], key: str = "") -> Value:
    if isinstance(value, dict):
        return {
            name: _normal(held, names, name)
            for name, held in sorted(value.items())
            if name not in _DROPPED_FIELDS and not _TIME.search(name)
        }
    if isinstance(value, list):
        items = [_normal(item, names, key) for item in value]
        return sorted(items, key=_column_name) if key == _COLUMNS else items
    if isinstance(value, str):
        return _named(value, names)
    if isinstance(value, int) and not isinstance(value, bool) and _ID_FIELD.search(key):
        return ID
    return value


def _column_name(column: Value) -> str:
    return str(column.get("field_name", "")) if isinstance(column, dict) else ""


def _named(text: str, names: Mapping[str, str]) -> str:
    if text in names:
        return names[text]
    for real, logical in names.items():
        text = text.replace(real, logical)
    return text

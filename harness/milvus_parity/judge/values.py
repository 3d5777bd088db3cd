"""What reads return, in one form for all languages."""

from collections.abc import Mapping
from typing import Literal

from milvus_parity.judge.rules import text_of
from milvus_parity.model.operations import OPERATIONS
from milvus_parity.model.outcome import NormalValue

Kind = Literal["flag", "names", "word", "number", "ids", "text", "any", "none"]


def kind_of(operation: str) -> Kind:
    """What an operation returns; ``any`` for one that this version does not know."""
    known = OPERATIONS.get(operation)
    if known is None:
        return "any"
    return known.reads or "none"


def normal_value(value: object, kind: Kind, words: Mapping[str, str], *, ordered: bool) -> NormalValue:
    """The value of a read. ``words`` maps the SDK's words to the harness's; ``ordered``: the order of names matters.

    A value of another shape than the operation promises stays as it is, so that it shows as a difference.
    """
    if words:
        word = words.get(text_of(value))
        if word is not None:
            value = word
    if kind == "flag" and value in ("true", "false"):
        return value == "true"
    if kind == "number":
        return _number(value)
    if kind in ("names", "ids") and isinstance(value, list | tuple):
        items = [_number(item) if kind == "ids" else _plain(item) for item in value]
        # Rows of a query have no order; names do where the scenario says so.
        return tuple(items) if kind == "names" and ordered else tuple(sorted(items, key=_sort_key))
    return _plain(value)


def _number(value: object) -> NormalValue:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.removeprefix("-").isdecimal() and len(value) < 20:
        return int(value)
    return _plain(value)


def _plain(value: object) -> NormalValue:
    if isinstance(value, Mapping):
        return {str(key): _plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return text_of(value)


def _sort_key(value: NormalValue) -> tuple[str, float, str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return ("", float(value), "")
    return (type(value).__name__, 0.0, str(value))

"""What a step shall give, as in ``expect: ok`` or ``expect: {refused: {by: server, code: 100}}``."""

import msgspec

from milvus_parity.model.scenario import RESULTS, Argument, Expectation, Expected, Result
from milvus_parity.scenarios.yaml_source import Fields, Item, as_integer, as_list, as_text, nearest, wrong

_WORDS = tuple(word for word in RESULTS if word not in ("unknown", "not run"))


def expectation(item: Item) -> Expectation | None:
    """Read an ``expect``; None for ``same``, which promises nothing."""
    if item.scalar == "same":
        return None
    if item.mapping is not None and "any of" in item.mapping:
        fields = Fields(item, "This expectation", ["any of"])
        allowed = tuple(_expected(child) for child in as_list(fields.need("any of"), "'any of'"))
        if len(allowed) < 2:
            raise wrong(item, "'any of' needs at least two outcomes to choose from.")
        return Expectation(any_of=allowed, location=item.location)
    return Expectation(any_of=(_expected(item),), location=item.location)


def _result(word: str, item: Item) -> Result:
    for known in _WORDS:
        if word == known:
            return known
    raise wrong(item, f"There is no outcome {word!r}.", nearest(word, [*_WORDS, "value", "any of", "same"]))


def _expected(item: Item) -> Expected:
    if isinstance(item.scalar, str):
        return Expected(result=_result(item.scalar, item))
    if item.mapping is None or len(item.mapping) != 1:
        raise wrong(item, "An expectation is one outcome, such as: ok, {value: true} or {refused: {by: server}}.")
    ((word, detail),) = item.mapping.items()
    if word == "value":
        return Expected(result="ok", value=_value(detail))
    result = _result(word, item)
    if result != "refused":
        raise wrong(detail, f"{word!r} has no details.", f"expect: {word}")
    fields = Fields(detail, "'refused'", ["by", "code", "reason"])
    by, code, reason = fields.get("by"), fields.get("code"), fields.get("reason")
    who = as_text(by, "'by'") if by else None
    if who not in (None, "client", "server"):
        assert by is not None
        raise wrong(by, f"A step is refused by 'client' or 'server', not by {who!r}.")
    return Expected(
        result="refused",
        by="client" if who == "client" else "server" if who == "server" else None,
        code=as_integer(code, "'code'") if code else None,
        reason=as_text(reason, "'reason'") if reason else None,
    )


def _value(item: Item) -> Argument | msgspec.UnsetType:
    if item.mapping is not None:
        raise wrong(item, "A value is a text, a number, true, false or a list of names.")
    if item.items is not None:
        values = [child.scalar for child in item.items]
        if all(isinstance(value, str | int) and not isinstance(value, bool) for value in values):
            return tuple(value for value in values if isinstance(value, str | int))
        raise wrong(item, "A list of values has names or whole numbers.")
    return item.scalar

"""Steps: operations of the SDK under test, and what happens to the server meanwhile."""

import msgspec

from milvus_parity.model.operations import OPERATIONS, ArgumentKind
from milvus_parity.model.scenario import (
    MAIN_CLIENT,
    MAIN_DATABASE,
    Argument,
    DatabaseName,
    Expectation,
    Expected,
    FaultName,
    FaultStep,
    GivenDatabase,
    SdkStep,
    Step,
)
from milvus_parity.scenarios.expectations import expectation
from milvus_parity.scenarios.state import then
from milvus_parity.scenarios.yaml_source import (
    Fields,
    Item,
    as_integer,
    as_list,
    as_number,
    as_text,
    as_texts,
    nearest,
    wrong,
)

FAULT = "server"
"""The key of a step that the harness makes."""
MODIFIERS = ("as", "expect", "then")
_FAULTS: tuple[FaultName, ...] = ("gone", "mute", "back")
_WORDS = tuple(name for name in OPERATIONS if name != "echo")


def steps(item: Item, given: dict[str, GivenDatabase]) -> tuple[Step, ...]:
    """Read ``steps``. A client that no step connects is connected before its first step; ids count from 1."""
    children = as_list(item, "'steps'")
    if not children:
        raise wrong(item, "The scenario has no steps.")
    made: list[Step] = []
    connected: set[str] = set()
    for child in children:
        step = _step(child, given)
        if isinstance(step, SdkStep):
            if step.client not in connected and step.operation != "connect":
                promise = Expectation(any_of=(Expected(result="ok"),))
                made.append(
                    SdkStep(id=0, operation="connect", client=step.client, expect=promise, location=child.location)
                )
            connected.add(step.client)
        made.append(step)
    return tuple(msgspec.structs.replace(step, id=number) for number, step in enumerate(made, 1))


def _step(item: Item, given: dict[str, GivenDatabase]) -> Step:
    if isinstance(item.scalar, str) and item.mapping is None and item.items is None:
        return _sdk_step(item, item.scalar, None, item, given)
    if item.mapping is None:
        raise wrong(item, f"A step is an operation with its arguments, this is {item.kind}.")
    words = [key for key in item.mapping if key not in MODIFIERS]
    if len(words) != 1:
        found = ", ".join(words) or "none"
        raise wrong(
            item,
            f"A step has exactly one operation, this one has: {found}.",
            nearest(words[-1] if words else "", _WORDS),
        )
    word = words[0]
    if word == FAULT:
        fields = Fields(item, "A step of the server", [FAULT, "then"])
        name = as_text(fields.need(FAULT), "'server'")
        for fault in _FAULTS:
            if name == fault:
                return FaultStep(id=0, fault=fault, then=then(fields.get("then"), given), location=item.keys[word])
        raise wrong(fields.need(FAULT), f"A server cannot be {name!r} here.", nearest(name, _FAULTS))
    return _sdk_step(item, word, item.mapping[word], item, given)


def _sdk_step(item: Item, word: str, arguments: Item | None, whole: Item, given: dict[str, GivenDatabase]) -> SdkStep:
    place = item.keys.get(word, item.location)
    if word not in _WORDS:
        raise wrong(place, f"There is no operation {word!r}.", nearest(word, [*_WORDS, FAULT]))
    operation = OPERATIONS[word]
    bound: dict[str, Argument] = {}
    if arguments is not None and not (
        arguments.mapping is None and arguments.items is None and arguments.scalar is None
    ):
        fields = Fields(arguments, f"'{word}'", operation.arguments)
        for name, kind in operation.arguments.items():
            value = fields.get(name)
            if value is not None:
                bound[name] = _argument(value, name, kind, given)
    lacking = [name for name in operation.required if name not in bound]
    if lacking:
        raise wrong(arguments or whole, f"'{word}' lacks {', '.join(repr(name) for name in lacking)}.")
    modifiers = item.mapping or {}
    client = modifiers.get("as")
    promise = modifiers.get("expect")
    return SdkStep(
        id=0,
        operation=word,
        arguments=bound,
        client=_client(client) if client else MAIN_CLIENT,
        expect=expectation(promise) if promise else None,
        then=then(modifiers.get("then"), given),
        location=place,
    )


def _client(item: Item) -> str:
    name = as_text(item, "'as'")
    if len(name) != 1 or not "A" <= name <= "Z":
        raise wrong(item, f"A client is named by one capital letter, not {name!r}.", "as: B")
    return name


def _argument(item: Item, name: str, kind: ArgumentKind, given: dict[str, GivenDatabase]) -> Argument:
    if kind == "number":
        return as_number(item, f"'{name}'")
    if kind == "ids":
        return tuple(as_integer(child, "An id") for child in as_list(item, f"'{name}'"))
    if item.mapping is None and item.items is None and item.scalar is None:
        return None
    if kind == "partitions":
        return as_texts(item, f"'{name}'")
    text = as_text(item, f"'{name}'")
    if kind == "database" and text in given and text != "default":
        return DatabaseName(logical=text)
    if kind == "database" and text == MAIN_DATABASE:
        return DatabaseName(logical=MAIN_DATABASE)
    return text

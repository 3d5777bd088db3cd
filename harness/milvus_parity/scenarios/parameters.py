"""Parameters: one file says many cases."""

import itertools
import re
from collections.abc import Mapping

import msgspec

from milvus_parity.scenarios.yaml_source import Fields, Item, as_integer, as_list, as_text, wrong

Binding = Mapping[str, Item]
"""Parameter -> its value in one case."""

_LABEL = re.compile(r"[^\x00-\x1f\x7f\[\],=]+")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def bindings(parameters: Item | None, cases: Item | None) -> list[tuple[str, Binding]]:
    """All cases that ``parameters`` (a matrix) and ``cases`` (rows) make, as label and binding.

    Without either there is one case with an empty label.
    """
    rows: list[tuple[str, Binding]] = _rows(cases) if cases else [("", {})]
    axes: list[tuple[str, list[tuple[str, Item]]]] = _axes(parameters) if parameters else []
    made: list[tuple[str, Binding]] = []
    for label, row in rows:
        for chosen in itertools.product(*(values for _, values in axes)):
            names = [f"{name}={text}" for (name, _), (text, _) in zip(axes, chosen, strict=True)]
            binding = {**row, **{name: item for (name, _), (_, item) in zip(axes, chosen, strict=True)}}
            made.append((",".join([label, *names] if label else names), binding))
    return made


def _axes(parameters: Item) -> list[tuple[str, list[tuple[str, Item]]]]:
    axes: list[tuple[str, list[tuple[str, Item]]]] = []
    if parameters.mapping is None:
        raise wrong(parameters, f"'parameters' must be a mapping, this is {parameters.kind}.")
    for name, item in parameters.mapping.items():
        _check_name(name, parameters, name)
        if item.mapping is not None:
            values = [(_label(label, item.keys[label]), _value(value)) for label, value in item.mapping.items()]
        else:
            values = [(_label(str(value.scalar), value.location), value) for value in as_list(item, f"'{name}'")]
        if not values:
            raise wrong(item, f"The parameter {name!r} has no values, so there is no case.")
        axes.append((name, values))
    return axes


def _rows(cases: Item) -> list[tuple[str, Binding]]:
    if not cases.mapping:
        raise wrong(cases, f"'cases' must be a mapping of labels to parameters, this is {cases.kind}.")
    rows: list[tuple[str, Binding]] = []
    names: set[str] | None = None
    for label, item in cases.mapping.items():
        if item.mapping is None:
            raise wrong(item, f"The case {label!r} must be a mapping of parameters, this is {item.kind}.")
        if names is not None and names != set(item.mapping):
            odd = sorted(names ^ set(item.mapping))
            raise wrong(cases.keys[label], f"The case {label!r} has other parameters than the first: {', '.join(odd)}.")
        names = set(item.mapping)
        for name in item.mapping:
            _check_name(name, item, name)
        rows.append((_label(label, cases.keys[label]), {name: _value(value) for name, value in item.mapping.items()}))
    return rows


def _check_name(name: str, item: Item, key: str) -> None:
    if not _NAME.fullmatch(name):
        raise wrong(item.keys[key], f"A parameter is named by a lower-case word, not {name!r}.")


def _label(text: str, place: object) -> str:
    if not _LABEL.fullmatch(text):
        from milvus_parity.model.scenario import Location

        assert isinstance(place, Location)
        raise wrong(
            place, f"{text!r} cannot be a label: it becomes part of an id.", "Give the value a label: label: value."
        )
    return text


def _value(item: Item) -> Item:
    """A value; ``{text: a, times: 255}`` repeats a text."""
    if item.mapping is not None and set(item.mapping) == {"text", "times"}:
        fields = Fields(item, "A repeated text", ["text", "times"])
        times = as_integer(fields.need("times"), "'times'")
        return Item(location=item.location, scalar=as_text(fields.need("text"), "'text'") * times)
    return item


def bind(item: Item, binding: Binding) -> Item:
    """Replace ``$name`` by the parameter's value; ``$$`` is a dollar sign. Only whole texts are replaced."""
    if item.mapping is not None:
        return msgspec.structs.replace(item, mapping={key: bind(value, binding) for key, value in item.mapping.items()})
    if item.items is not None:
        return msgspec.structs.replace(item, items=tuple(bind(value, binding) for value in item.items))
    text = item.scalar
    if isinstance(text, str) and text.startswith("$"):
        if text.startswith("$$"):
            return msgspec.structs.replace(item, scalar=text[1:])
        if text[1:] not in binding:
            known = ", ".join(f"${name}" for name in binding) or "none"
            raise wrong(
                item, f"There is no parameter {text!r}.", f"Known: {known}. A text that starts with $ is written $$."
            )
        return binding[text[1:]]
    return item

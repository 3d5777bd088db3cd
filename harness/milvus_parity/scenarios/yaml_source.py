"""YAML with places: every value knows its file, line and column."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from milvus_parity.model.errors import BadInputError
from milvus_parity.model.scenario import Frozen, Location

Plain = str | int | float | bool | None


class Item(Frozen, frozen=True, kw_only=True):
    """A value of a YAML file: a mapping, a list or a scalar, with where it stands.

    ``keys`` are the places of a mapping's keys.
    """

    location: Location
    mapping: "Mapping[str, Item] | None" = None
    keys: Mapping[str, Location] = {}
    items: "tuple[Item, ...] | None" = None
    scalar: Plain = None

    @property
    def kind(self) -> str:
        """In words, for error messages."""
        if self.mapping is not None:
            return "a mapping"
        if self.items is not None:
            return "a list"
        if self.scalar is None:
            return "nothing"
        return {bool: "true or false", int: "a number", float: "a number", str: "a text"}[type(self.scalar)]

    def plain(self) -> Any:
        """The value without places."""
        if self.mapping is not None:
            return {key: item.plain() for key, item in self.mapping.items()}
        if self.items is not None:
            return [item.plain() for item in self.items]
        return self.scalar


def wrong(item: Item | Location, what: str, hint: str | None = None) -> BadInputError:
    """An error at a place of a file."""
    location = item.location if isinstance(item, Item) else item
    return BadInputError(what, where=str(location), hint=hint)


def nearest(word: str, known: Iterable[str]) -> str:
    """A sentence with the nearest right word, or all of them."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(known)}."


def read_yaml(path: Path, name: str | None = None) -> Item:
    """Read a YAML file; ``name`` is what errors call it. Raises BadInputError with a place."""
    shown = name or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise BadInputError(
            "The file is no UTF-8 text.", where=f"{shown}:{line}:1", hint="Save it as UTF-8."
        ) from error
    except OSError as error:
        raise BadInputError(f"The file cannot be read: {error.strerror}.", where=shown) from error
    return parse_yaml(text, shown)


def parse_yaml(text: str, shown: str) -> Item:
    """Parse the text of a YAML file with one document."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(text)
        if node is None:
            raise BadInputError("The file is empty.", where=f"{shown}:1:1")
        return _item(node, yaml.constructor, shown, set())
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{shown}:{mark.line + 1}:{mark.column + 1}" if mark else shown
        words = " ".join(str(part) for part in (error.context, error.problem) if part)
        raise BadInputError(f"The file is no valid YAML: {words}.", where=where) from error
    except YAMLError as error:
        first = str(error).strip().splitlines()
        raise BadInputError(f"The file is no valid YAML: {first[0] if first else error}.", where=shown) from error
    except RecursionError as error:
        raise BadInputError("The file is nested too deeply.", where=shown) from error


def _place(node: Any, shown: str) -> Location:
    return Location(file=shown, line=node.start_mark.line + 1, column=node.start_mark.column + 1)


def _item(node: Any, constructor: Any, shown: str, above: set[int]) -> Item:
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    location = _place(node, shown)
    if id(node) in above:
        raise wrong(location, "The value contains itself.")
    below = above | {id(node)}
    if isinstance(node, MappingNode):
        mapping: dict[str, Item] = {}
        keys: dict[str, Location] = {}
        for key_node, value_node in node.value:
            key_place = _place(key_node, shown)
            if isinstance(key_node, MappingNode | SequenceNode):
                raise wrong(key_place, "A key must be a word.")
            key = str(key_node.value)
            if key in mapping:
                raise wrong(
                    key_place, f"The key {key!r} stands here a second time; the first is in line {keys[key].line}."
                )
            mapping[key] = _item(value_node, constructor, shown, below)
            keys[key] = key_place
        return Item(location=location, mapping=mapping, keys=keys)
    if isinstance(node, SequenceNode):
        return Item(location=location, items=tuple(_item(child, constructor, shown, below) for child in node.value))
    value = constructor.construct_object(node)
    if isinstance(value, str) and any(0xD800 <= ord(character) <= 0xDFFF for character in value):
        raise wrong(location, "The text has half of a surrogate pair, which no SDK can send.")
    if not isinstance(value, str | int | float | bool | None):
        return Item(location=location, scalar=str(node.value))
    return Item(location=location, scalar=value)


class Fields:
    """Takes a mapping apart: asks for each key once, and refuses what nobody asked for."""

    def __init__(self, item: Item, what: str, known: Iterable[str]) -> None:
        if item.mapping is None:
            raise wrong(item, f"{what} must be a mapping, this is {item.kind}.")
        self.item = item
        self.what = what
        known = list(known)
        for key, place in item.keys.items():
            if key not in known:
                raise wrong(place, f"{what} has no {key!r}.", nearest(key, known))
        self._mapping = item.mapping

    def get(self, key: str) -> Item | None:
        """The value of a key, None when it is absent."""
        return self._mapping.get(key)

    def need(self, key: str) -> Item:
        """The value of a key that must be there."""
        found = self._mapping.get(key)
        if found is None:
            raise wrong(self.item, f"{self.what} lacks {key!r}.")
        return found

    def text(self, key: str) -> str | None:
        """A text, None when absent."""
        found = self.get(key)
        return None if found is None else as_text(found, repr(key))


def as_text(item: Item, what: str) -> str:
    """A text."""
    if not isinstance(item.scalar, str) or item.mapping is not None or item.items is not None:
        raise wrong(item, f"{what} must be a text, this is {item.kind}.", "Quote it, if it is meant as text.")
    return item.scalar


def as_number(item: Item, what: str) -> float:
    """A number."""
    if isinstance(item.scalar, bool) or not isinstance(item.scalar, int | float):
        raise wrong(item, f"{what} must be a number, this is {item.kind}.")
    return item.scalar


def as_integer(item: Item, what: str) -> int:
    """A whole number."""
    if isinstance(item.scalar, bool) or not isinstance(item.scalar, int):
        raise wrong(item, f"{what} must be a whole number, this is {item.kind}.")
    return item.scalar


def as_flag(item: Item, what: str) -> bool:
    """True or false."""
    if not isinstance(item.scalar, bool):
        raise wrong(item, f"{what} must be true or false, this is {item.kind}.")
    return item.scalar


def as_list(item: Item, what: str) -> tuple[Item, ...]:
    """A list."""
    if item.items is None:
        raise wrong(item, f"{what} must be a list, this is {item.kind}.")
    return item.items


def as_texts(item: Item, what: str) -> tuple[str, ...]:
    """A list of texts; one text alone is a list of it."""
    if isinstance(item.scalar, str) and item.items is None and item.mapping is None:
        return (item.scalar,)
    return tuple(as_text(child, what) for child in as_list(item, what))

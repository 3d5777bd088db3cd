"""The ledger as text: where its entries stand, and edits that leave everything else byte for byte as it was."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

from milvus_parity.model.errors import BadInputError
from milvus_parity.model.scenario import Frozen

EMPTY = """\
# Known differences: each pins one, says why, and is told in every report.
# An entry that is found with another value fails the run; one that is not found any more is stale.
schema: 1
differences:
"""

_PLAIN = re.compile(r"[A-Za-z_](?:[\w./@*-]| (?! |#))*(?<! )", re.ASCII)
_SPREAD = ("case", "page")
"""Keys whose lists are written an item a line."""
_WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


class Span(Frozen, frozen=True, kw_only=True):
    """A part of a text, by offsets."""

    start: int
    end: int

    def within(self, outer: "Span") -> "Span":
        """The same part, counted from the start of another that holds it."""
        return Span(start=self.start - outer.start, end=self.end - outer.start)


class EntryText(Frozen, frozen=True, kw_only=True):
    """Where an entry stands: its lines whole (``block``), and for each key what stands after its colon.

    ``lines``: for a list that is written an item a line, the lines of each item.
    """

    block: Span
    indent: int
    values: Mapping[str, Span]
    lines: Mapping[str, tuple[Span, ...]] = {}

    def replacing(self, key: str, value: object) -> tuple[Span, str]:
        """The change that gives a key another value."""
        return self.values[key], f" {flow(value)}"

    def keeping(self, key: str, kept: Sequence[bool], items: Sequence[object]) -> list[tuple[Span, str]]:
        """The changes that leave of a list the items that are kept."""
        if key in self.lines:
            return [(span, "") for span, keep in zip(self.lines[key], kept, strict=True) if not keep]
        left = [item for item, keep in zip(items, kept, strict=True) if keep]
        return [self.replacing(key, left)] if len(left) < len(items) else []


Section = Literal["differences", "findings"]
"""The lists of a ledger."""


class LedgerText:
    """One list of a ledger's text taken apart. Raises BadInputError for what cannot be edited by lines."""

    def __init__(self, text: str, name: str, section: Section = "differences") -> None:
        self.text = text if text.strip() else EMPTY
        self._name = name
        self._section = section
        self.entries: tuple[EntryText, ...] = ()
        self._insert_at: int
        self._replace: Span | None = None
        self._take_apart(_compose(self.text))

    def inserted(self, entries: Sequence[Mapping[str, object]]) -> str:
        """The text with entries added at the end of the list."""
        if not entries:
            return self.text
        indent = self.entries[0].indent if self.entries else 2
        added = "".join(entry_text(entry, indent) for entry in entries)
        if self._replace is not None:
            head = self.text[: self._replace.start].rstrip()
            return f"{head}\n{added}{self.text[self._replace.end :].lstrip(' ').removeprefix(chr(10))}"
        head = self.text[: self._insert_at]
        gap = "" if head.endswith("\n") else "\n"
        return f"{head}{gap}{added}{self.text[self._insert_at :]}"

    def _take_apart(self, root: Any) -> None:
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        listed = None
        if isinstance(root, MappingNode):
            listed = next((value for key, value in root.value if key.value == self._section), None)
        if listed is None:
            self._insert_at = len(self.text)
            self.text = f"{self.text.rstrip()}\n{self._section}:\n"
            self._insert_at = len(self.text)
            return
        if not isinstance(listed, SequenceNode) or not listed.value:
            self._replace = Span(start=listed.start_mark.index, end=listed.end_mark.index)
            self._insert_at = listed.end_mark.index
            return
        if listed.flow_style:
            raise BadInputError(
                f"The list of {self._section} is written in brackets, which cannot be edited line by line.",
                where=f"{self._name}:{listed.start_mark.line + 1}:{listed.start_mark.column + 1}",
                hint="Write each entry on lines of its own, beginning with a dash.",
            )
        self.entries = tuple(self._entry(node) for node in listed.value)
        self._insert_at = self._line_after(self.entries[-1].block.end - 1)

    def _entry(self, node: Any) -> EntryText:
        from ruamel.yaml.nodes import SequenceNode

        start = self.text.rindex("-", 0, node.start_mark.index)
        line = self.text.rfind("\n", 0, start) + 1
        end = self._line_after(_end_of(node))
        values = {
            key.value: Span(start=self.text.index(":", key.end_mark.index) + 1, end=self._trimmed(value))
            for key, value in node.value
        }
        lines = {
            key.value: tuple(self._lines_of(item) for item in value.value)
            for key, value in node.value
            if isinstance(value, SequenceNode) and not value.flow_style
        }
        return EntryText(block=Span(start=line, end=end), indent=start - line, values=values, lines=lines)

    def _lines_of(self, node: Any) -> Span:
        start = self.text.rfind("\n", 0, node.start_mark.index) + 1
        return Span(start=start, end=self._line_after(_end_of(node)))

    def _trimmed(self, node: Any) -> int:
        end = _end_of(node)
        return int(node.start_mark.index) + len(self.text[node.start_mark.index : end].rstrip())

    def _line_after(self, offset: int) -> int:
        end = self.text.find("\n", max(offset - 1, 0) if self.text[offset - 1 : offset] == "\n" else offset)
        return len(self.text) if end < 0 else end + 1


def edited(text: str, changes: Sequence[tuple[Span, str]]) -> str:
    """The text with parts of it replaced; the parts do not overlap."""
    for span, new in sorted(changes, key=lambda change: change[0].start, reverse=True):
        text = text[: span.start] + new + text[span.end :]
    return text


def entry_text(entry: Mapping[str, object], indent: int = 2) -> str:
    """An entry as lines of YAML; keys without a value are left out."""
    lines = []
    for key, value in entry.items():
        if value is None and key != "actual":
            continue
        if key in _SPREAD and isinstance(value, list | tuple) and len(value) > 1:
            lines += [f"{key}:", *(f"  - {flow(item)}" for item in value)]
        else:
            lines.append(f"{key}: {flow(_single(value) if key in _SPREAD else value)}")
    first, *rest = lines
    pad = " " * indent
    return "\n".join([f"{pad}- {first}", *(f"{pad}  {line}" for line in rest)]) + "\n"


def flow(value: object) -> str:
    """A value as YAML on one line, safe inside brackets."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(str(key))}: {flow(held)}" for key, held in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return json.dumps(value)


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML:
        return text
    if text.isprintable() and text:
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _single(value: object) -> object:
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _compose(text: str) -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).compose(text)


def _end_of(node: Any) -> int:
    """Where a node's own text ends: a block's mark stands at the next token, after comments."""
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    if isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end_of(last[1] if isinstance(node, MappingNode) else last)
    return int(node.end_mark.index)

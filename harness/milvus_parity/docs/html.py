"""The HTML of a page: tab groups, tables, hidden blocks, admonitions. Takes any text, and keeps every position."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser

import msgspec

from milvus_parity.docs.languages import tab_language
from milvus_parity.docs.page import Problem, Row, Tab

_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_WRAPPER = re.compile(r"(?:^|\s)language-([\w#+-]+)", re.IGNORECASE)
_ADMONITION = re.compile(r"(?:^|\s)(?:alert|admonition)\s+(\w+)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_*][\w.\[\]*-]*")
_TRACKED = ("div", "table", "details", "section")


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """A block of HTML from its opening to its closing tag."""

    tag: str
    first: int
    last: int
    column: int = 1
    hidden: bool = False
    wrapper: str | None = None
    admonition: str | None = None
    tabs: bool = False


class HtmlTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table as it stands there. Each cell: its text, and the position of that text's first character."""

    first: int
    last: int
    language: str | None
    hidden: bool
    headers: tuple[str, ...]
    rows: tuple[Row, ...]


class Html(msgspec.Struct, frozen=True, kw_only=True):
    """What the HTML of a page comes to."""

    regions: tuple[Region, ...]
    groups: tuple[tuple[int, int, tuple[Tab, ...]], ...]
    tables: tuple[HtmlTable, ...]
    problems: tuple[Problem, ...]


class _Open:
    def __init__(self, tag: str, line: int, column: int, attributes: dict[str, str]) -> None:
        classes = attributes.get("class", "")
        self.tag, self.line, self.column = tag, line, column
        self.hidden = bool(_HIDDEN.search(attributes.get("style", "")))
        wrapper = _WRAPPER.search(classes)
        self.wrapper = wrapper[1].lower() if wrapper else None
        admonition = _ADMONITION.search(classes)
        self.admonition = admonition[1].lower() if admonition else None
        self.is_tabs = "multiplecode" in classes.lower()
        self.tabs: list[Tab] = []


class _Cell:
    def __init__(self, head: bool) -> None:
        self.head = head
        self.parts: list[str] = []
        self.place: tuple[int, int] | None = None

    def add(self, text: str, line: int, column: int) -> None:
        if self.place is None and text.strip():
            before = text[: len(text) - len(text.lstrip())]
            line += before.count("\n")
            column = len(before) - before.rfind("\n") if "\n" in before else column + len(before)
            self.place = (line, column)
        self.parts.append(text)

    @property
    def text(self) -> str:
        return " ".join("".join(self.parts).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.open: list[_Open] = []
        self.regions: list[Region] = []
        self.groups: list[tuple[int, int, tuple[Tab, ...]]] = []
        self.tables: list[HtmlTable] = []
        self.problems: list[Problem] = []
        self._rows: list[list[_Cell]] = []
        self._cell: _Cell | None = None
        self._anchor: tuple[str, int, int, list[str]] | None = None

    def _place(self) -> tuple[int, int]:
        line, offset = self.getpos()
        return line, offset + 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line, column = self._place()
        attributes = {name: value or "" for name, value in attrs}
        if tag in _TRACKED:
            if tag == "table":
                self._rows = []
            self.open.append(_Open(tag, line, column, attributes))
        elif tag == "a" and self.open and self.open[-1].is_tabs:
            self._anchor = (attributes.get("href", ""), line, column, [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th") and self._in_table():
            if not self._rows:
                self._rows.append([])
            self._cell = _Cell(tag == "th")
            self._rows[-1].append(self._cell)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """``<br/>`` and its like open nothing; a div closed at once is one that was never closed properly."""
        if tag in _TRACKED:
            return
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        line, column = self._place()
        if self._cell is not None:
            self._cell.add(data, line, column)
        if self._anchor is not None:
            self._anchor[3].append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data("&" if name == "amp" else " ")

    def handle_charref(self, name: str) -> None:  # noqa: ARG002
        self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        line, column = self._place()
        if tag == "a" and self._anchor is not None:
            href, at, offset, label = self._anchor
            self._anchor = None
            if self.open:
                text = " ".join("".join(label).split())
                self.open[-1].tabs.append(Tab(language=tab_language(href), label=text, line=at, column=offset))
        elif tag in ("td", "th"):
            self._cell = None
        elif tag in _TRACKED:
            self._close(tag, line, column)

    def _close(self, tag: str, line: int, column: int) -> None:
        index = next((at for at in range(len(self.open) - 1, -1, -1) if self.open[at].tag == tag), None)
        if index is None:
            self.problems.append(Problem(line=line, column=column, message=f"</{tag}> closes nothing."))
            return
        for left in self.open[index + 1 :]:
            self._unclosed(left)
        self._finish(self.open[index], line)
        del self.open[index:]

    def _unclosed(self, left: _Open) -> None:
        self.problems.append(Problem(line=left.line, column=left.column, message=f"<{left.tag}> is never closed."))
        self._finish(left, left.line)

    def _finish(self, opened: _Open, last: int) -> None:
        self.regions.append(
            Region(
                tag=opened.tag,
                first=opened.line,
                last=last,
                column=opened.column,
                hidden=opened.hidden,
                wrapper=opened.wrapper,
                admonition=opened.admonition,
                tabs=opened.is_tabs,
            )
        )
        if opened.is_tabs:
            self.groups.append((opened.line, last, tuple(opened.tabs)))
        if opened.tag == "table":
            self._cell = None
            self.tables.append(
                HtmlTable(
                    first=opened.line,
                    last=last,
                    language=opened.wrapper,
                    hidden=opened.hidden,
                    headers=tuple(cell.text for row in self._rows for cell in row if cell.head),
                    rows=tuple(_rows(self._rows)),
                )
            )
            self._rows = []

    def _in_table(self) -> bool:
        return any(opened.tag == "table" for opened in self.open)

    def end(self) -> None:
        self.close()
        for left in reversed(self.open):
            self._unclosed(left)
        self.open.clear()


def _rows(rows: Sequence[Sequence[_Cell]]) -> list[Row]:
    found = []
    for cells in rows:
        first = next((cell for cell in cells if not cell.head), None)
        if first is None or first.place is None:
            continue
        names, optional = names_in(first.text)
        if names:
            line, column = first.place
            found.append(Row(names=names, optional=optional, text=first.text, line=line, column=column))
    return found


def names_in(text: str) -> tuple[tuple[str, ...], bool]:
    """The names in a cell: ``partitionName / partitionNames`` has two, ``using (optional)`` one that is optional."""
    optional = "optional" in text.lower()
    plain = re.sub(r"\([^)]*\)", " ", text)
    names = []
    for part in re.split(r"\s*/\s*|\s+or\s+|\s*,\s*", plain):
        words = part.replace("`", "").split()
        if len(words) == 1 and _NAME.fullmatch(words[0]):
            names.append(words[0])
    return tuple(names), optional


def read_html(text: str) -> Html:
    """Read the HTML in a text whose fences were blanked. Never raises for what the text may hold."""
    reader = _Reader()
    try:
        reader.feed(text)
        reader.end()
    except AssertionError:  # html.parser, on a declaration that is none
        reader.problems.append(Problem(line=reader.getpos()[0], message="The HTML from here on cannot be read."))
    return Html(
        regions=tuple(sorted(reader.regions, key=lambda one: (one.first, -one.last))),
        groups=tuple(sorted(reader.groups)),
        tables=tuple(sorted(reader.tables, key=lambda one: one.first)),
        problems=tuple(reader.problems),
    )

"""Parse a documentation page. Any text gives a page; what is not as it should be is among its problems.

Markdown is markdown-it-py's work. Its rules for HTML blocks and indented code are off: an HTML block would swallow a
fence that stands right below a tag, and pages indent tags as they like. The HTML is read in a second pass, over the
lines that are in no fence.
"""

import bisect
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from milvus_parity.docs.html import Html, read_html
from milvus_parity.docs.languages import ALIASES, FRAGMENTS, language_of, tab_language, word_of
from milvus_parity.docs.output import outputs_of
from milvus_parity.docs.page import Admonition, Fence, Heading, Page, Placeholder, Problem, Tab, TabGroup, Table

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_PLACEHOLDER = re.compile(r"\{\{[^{}\n]{1,200}\}\}")
_INCLUDE = re.compile(r"\{\{\s*fragments/([\w./-]+\.md)\s*\}\}")
_FRONT_KEY = re.compile(r"([A-Za-z_][\w-]*)\s*:\s*(.*?)\s*$")
_TAGS = re.compile(r"<[^>\n]*>?|&\w+;")
_LINE_ENDS = re.compile(r"\r\n?|[\n]")


@lru_cache(maxsize=1)
def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt
    from mdit_py_plugins.front_matter import front_matter_plugin

    return MarkdownIt("commonmark").disable(["html_block", "code", "reference", "lheading"]).use(front_matter_plugin)


def parse(text: str, path: str = "", aliases: Mapping[str, str] = ALIASES) -> Page:
    """The page that a text is. ``aliases``: word of an info string -> language."""
    lines = _LINE_ENDS.split(text.removeprefix("\ufeff"))
    plain = "\n".join(lines)
    tokens = _markdown().parse(plain.replace("\0", "\ufffd"))
    problems: list[Problem] = []
    front, front_lines = _front_matter(tokens, problems)
    headings, prose = _headings(tokens), _prose(tokens)
    fences = _fences(tokens, lines, problems, aliases)
    html = read_html(_without_fences(lines, fences, tokens))
    problems += html.problems
    sections = [heading.line for heading in headings]
    groups = _groups(html, lines, fences, sections)
    fences = _placed(fences, html, groups, sections, prose)
    return Page(
        path=path,
        text=text,
        front=front,
        front_lines=front_lines,
        headings=tuple(headings),
        fences=tuple(fences),
        groups=tuple(groups),
        tables=tuple(_tables(html, groups, sections)),
        admonitions=tuple(
            Admonition(
                kind=region.admonition,
                line=region.first,
                last=region.last,
                text=" ".join(_TAGS.sub(" ", " ".join(lines[region.first - 1 : region.last])).split()),
            )
            for region in html.regions
            if region.admonition
        ),
        outputs=tuple(outputs_of(fences)),
        prose=tuple(prose),
        placeholders=tuple(_placeholders(lines)),
        problems=tuple(sorted(problems, key=lambda one: (one.line, one.column))),
    )


def _front_matter(tokens: "Sequence[Token]", problems: list[Problem]) -> tuple[dict[str, str], dict[str, int]]:
    token = next((token for token in tokens if token.type == "front_matter"), None)
    values: dict[str, str] = {}
    places: dict[str, int] = {}
    if token is None or token.map is None:
        return values, places
    for number, line in enumerate(token.content.splitlines(), token.map[0] + 2):
        found = _FRONT_KEY.match(line)
        if found is not None:
            values[found[1]] = found[2].strip("'\"")
            places[found[1]] = number
        elif line.strip() and not line.startswith((" ", "\t", "-", "#")):
            problems.append(Problem(line=number, message="This line of the front matter is no `key: value`."))
    return values, places


def _headings(tokens: "Sequence[Token]") -> list[Heading]:
    found = []
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.map is not None:
            found.append(Heading(text=tokens[at + 1].content.strip(), level=int(token.tag[1:]), line=token.map[0] + 1))
    return found


def _prose(tokens: "Sequence[Token]") -> list[tuple[int, str]]:
    """Paragraphs and list items, without tags; (line, text)."""
    found = []
    for at, token in enumerate(tokens):
        if token.type != "paragraph_open" or token.map is None:
            continue
        text = " ".join(_PLACEHOLDER.sub(" ", _TAGS.sub(" ", tokens[at + 1].content)).split())
        if text:
            found.append((token.map[0] + 1, text))
    return found


def _fences(
    tokens: "Sequence[Token]", lines: list[str], problems: list[Problem], aliases: Mapping[str, str]
) -> list[Fence]:
    found: list[Fence] = []
    for token in tokens:
        if token.type != "fence" or token.map is None:
            continue
        first, end = token.map
        body = token.content.split("\n")[:-1] if token.content else []
        closed = (
            end - 1 > first
            and lines[end - 1].strip(" \t>").startswith(token.markup[:3])
            and (len(body) < end - first - 1)
        )
        column = len(lines[first]) - len(lines[first].lstrip(" \t>*-+0123456789.")) + 1
        if not closed:
            problems.append(Problem(line=first + 1, column=column, message="This fence is never closed."))
        word = word_of(token.info)
        columns = tuple(
            max(len(lines[min(first + 1 + at, len(lines) - 1)]) - len(text), 0) for at, text in enumerate(body)
        )
        found.append(
            Fence(
                index=len(found),
                line=first + 1,
                last=end,
                column=column,
                info=token.info.strip(),
                word=word,
                language=language_of(word, aliases),
                body="\n".join(body) + "\n" if body else "",
                columns=columns,
                placeholders=tuple(_placeholders(body, first + 2, columns)),
            )
        )
    return found


def _placeholders(lines: Sequence[str], first: int = 1, columns: Sequence[int] = ()) -> list[Placeholder]:
    return [
        Placeholder(
            text=found[0], line=first + at, column=(columns[at] if at < len(columns) else 0) + found.start() + 1
        )
        for at, line in enumerate(lines)
        if "{{" in line
        for found in _PLACEHOLDER.finditer(line)
    ]


def _without_fences(lines: list[str], fences: Sequence[Fence], tokens: "Sequence[Token]") -> str:
    """The text with all code blanked, so that no tag is seen in it; positions stay."""
    kept = list(lines)
    for fence in fences:
        for at in range(fence.line - 1, min(fence.last, len(kept))):
            kept[at] = ""
    for token in tokens:
        if token.type == "front_matter" and token.map is not None:
            for at in range(token.map[0], min(token.map[1], len(kept))):
                kept[at] = ""
    return "\n".join(re.sub(r"`[^`]*`", _same_length, line) if "`" in line and "<" in line else line for line in kept)


def _same_length(found: re.Match[str]) -> str:
    return found[0].replace("<", " ").replace(">", " ")


def _section(sections: Sequence[int], line: int) -> int:
    return bisect.bisect_right(sections, line) - 1


def _groups(html: Html, lines: list[str], fences: Sequence[Fence], sections: Sequence[int]) -> list[TabGroup]:
    found = [(first, last, tabs, None) for first, last, tabs in html.groups]
    within = [(fence.line, fence.last) for fence in fences]
    for number, line in enumerate(lines, 1):
        include = _INCLUDE.search(line) if "{{" in line else None
        if include is None or any(first <= number <= last for first, last in within):
            continue
        name = include[1].rpartition("/")[2]
        if name in FRAGMENTS:
            tabs = tuple(
                Tab(language=tab_language(word), label=word, line=number, column=include.start() + 1)
                for word in FRAGMENTS[name]
            )
            found.append((number, number, tabs, include[1]))  # type: ignore[arg-type]
    return [
        TabGroup(index=index, line=first, last=last, tabs=tabs, section=_section(sections, first), include=include)
        for index, (first, last, tabs, include) in enumerate(sorted(found, key=lambda one: one[0]))
    ]


def _group_at(groups: Sequence[TabGroup], line: int, section: int) -> TabGroup | None:
    before = [group for group in groups if group.last < line and group.section == section]
    return before[-1] if before else None


def _placed(
    fences: Sequence[Fence],
    html: Html,
    groups: Sequence[TabGroup],
    sections: Sequence[int],
    prose: Sequence[tuple[int, str]],
) -> list[Fence]:
    """The fences with all that follows from where they stand."""
    from msgspec.structs import replace

    placed: list[Fence] = []
    taken: dict[tuple[int, str], int] = {}
    talk = [line for line, _ in prose]
    for fence in fences:
        around = [region for region in html.regions if region.first <= fence.line and fence.last <= region.last]
        section = _section(sections, fence.line)
        group = _group_at(groups, fence.line, section)
        role = "alone"
        if group is not None:
            language = fence.language or tab_language(fence.word)
            before = taken.get((group.index, language))
            told = before is not None and any(before < line < fence.line for line in talk)
            if any(tab.language == language for tab in group.tabs) and not told:
                role = "tab"
                taken[(group.index, language)] = fence.last
        wrappers = [region.wrapper for region in around if region.wrapper]
        placed.append(
            replace(
                fence,
                hidden=any(region.hidden for region in around),
                wrapper=wrappers[-1] if wrappers else None,
                section=section,
                group=group.index if group is not None else None,
                role=role,
            )
        )
    return placed


def _tables(html: Html, groups: Sequence[TabGroup], sections: Sequence[int]) -> list[Table]:
    found: list[Table] = []
    for table in html.tables:
        around = [region for region in html.regions if region.first <= table.first and table.last <= region.last]
        wrappers = [table.language, *(region.wrapper for region in reversed(around))]
        language = next((word for word in wrappers if word), None)
        if language is None:
            continue
        section = _section(sections, table.first)
        group = _group_at(groups, table.first, section)
        found.append(
            Table(
                index=len(found),
                line=table.first,
                last=table.last,
                language=tab_language(language),
                headers=table.headers,
                rows=table.rows,
                hidden=table.hidden or any(region.hidden for region in around),
                section=section,
                group=group.index if group is not None else None,
            )
        )
    return found

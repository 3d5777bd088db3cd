"""What a fence's code does, read without a compiler: its operations, names, imports, and what it says in comments."""

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence

from milvus_parity.docs.dialect import Dialect
from milvus_parity.docs.page import Fence
from milvus_parity.model.scenario import Frozen

_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"""|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`[^`]*`', re.DOTALL)
_LITERAL = re.compile(r'"([^"\\\n]*)"|\'([^\'\\\n]*)\'|`([^`\n]*)`')
_BRACKET = re.compile(rf"{_STRING.pattern}|[()\[\]{{}}]", re.DOTALL)
_PROMPT = re.compile(r"(?m)^(?:>>>|\.\.\.) ")
_NOTEBOOK = re.compile(r"(?m)^[ \t]*(?:!|%|\$ )\w.*$")
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_NAME = re.compile(r"(?:(?<=\.\.\.)|(?<![\w$.]))[A-Za-z_$][\w$]*")
"""A name by itself: not a member of something, but one that ``...`` spreads."""
_KEY = re.compile(r"[A-Za-z_$][\w$]*(?=[ \t]*:(?![:=]))")
"""The key of a value: no name that is read (but in Python, where it is a string)."""
_OPENS = re.compile(r"\{(?=[ \t]*$)|\{(?![^{}\n]*\}[^\n]*\{)", re.MULTILINE)
"""The bracket of a body: at the end of its line, or with no other pair before it on the line."""
_USE = re.compile(r"(?<![\w.$])([A-Za-z_]\w*)\s*\.(?=\s*[A-Za-z_])")


class Use(Frozen, frozen=True, kw_only=True):
    """An operation in a fence: where its call begins in the body (offset, line and column from 1)."""

    operation: str
    start: int
    line: int
    column: int
    collection: str | None = None
    partitions: tuple[str, ...] = ()
    alias: str | None = None
    database: str | None = None


class Alternative(Frozen, frozen=True, kw_only=True):
    """Code in a comment: another way to do it. ``line`` is that of the body; ``text`` has its lines uncommented."""

    line: int
    text: str
    columns: tuple[int, ...]


class Code(Frozen, frozen=True, kw_only=True):
    """A fence's code. ``plain`` is the body with comments blanked, ``text`` with what is hoisted blanked: the lines
    stay where they are. ``apart``: the classes and functions that a fence of statements has, blanked in ``text``.
    ``other_calls`` are calls of the SDK whose presuppositions are not known. ``collections``: the names of collections
    that are written in it, in their order."""

    fence: Fence
    plain: str
    text: str
    apart: str = ""
    hoisted: tuple[str, ...] = ()
    kind: str = "statements"
    uses: tuple[Use, ...] = ()
    other_calls: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()
    qualifiers: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    connects: bool = False

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations, in their order."""
        return tuple(use.operation for use in self.uses)


def read_code(fence: Fence, dialect: Dialect) -> Code:
    """Read a fence. Pure; takes any text."""
    body = as_typed(fence.body) if dialect.language == "python" else fence.body
    plain = blank_comments(body, dialect.spec.comment)
    hoisted: list[str] = []
    text = body

    def take(found: re.Match[str]) -> str:
        if dialect.hoist_item is not None:
            hoisted.extend(one[0].removeprefix("import ") for one in dialect.hoist_item.finditer(found[0]))
        else:
            hoisted.append(found[0].strip())
        return _blank(found[0])

    if dialect.hoist is not None:
        text = dialect.hoist.sub(take, text)
    if dialect.remove is not None:
        text = dialect.remove.sub(lambda found: _blank(found[0]), text)
    spans = _member_spans(blank_comments(text, dialect.spec.comment), dialect)
    members, apart = bool(spans), ""
    if spans and _without(blank_comments(text, dialect.spec.comment), spans).strip():
        members = False
        text, apart = _without(text, spans), _without(text, _between(spans, len(text)))
    uses = tuple(_uses(plain, dialect))
    operations = {use.operation for use in uses}
    bare = _STRING.sub(" ", plain)
    words = frozenset(_NAME.findall(bare if dialect.language in ("python", "java") else _KEY.sub(" ", bare)))
    return Code(
        fence=fence,
        plain=plain,
        text=text,
        apart=apart,
        hoisted=tuple(dict.fromkeys(hoisted)),
        kind="members" if members else "statements",
        uses=uses,
        other_calls=tuple(
            dict.fromkeys(
                found[1] for found in dialect.calls.finditer(plain) if found[1] not in dialect.spec.calls.known
            )
        ),
        collections=tuple(name for _, names in _named(dialect.collections, plain) for name in names if name),
        declared=declared_names(plain, dialect),
        words=words,
        qualifiers=tuple(sorted({found[1] for found in _USE.finditer(_STRING.sub('""', plain))})),
        alternatives=tuple(_alternatives(body, dialect)),
        connects="connect" in operations,
    )


def _member_spans(plain: str, dialect: Dialect) -> list[tuple[int, int]]:
    """Where the classes and functions of a fence stand, each from its first word to its last bracket."""
    spans: list[tuple[int, int]] = []
    for found in dialect.members.finditer(plain) if dialect.members is not None else ():
        if spans and found.start() < spans[-1][1]:
            continue
        opened = _OPENS.search(plain, found.end() - 1)
        spans.append((found.start(), _closed(plain, opened.start()) if opened is not None else len(plain)))
    return spans


def _between(spans: Sequence[tuple[int, int]], end: int) -> list[tuple[int, int]]:
    starts = [0, *(last for _, last in spans)]
    return list(zip(starts, [*(first for first, _ in spans), end], strict=True))


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    for first, last in spans:
        text = text[:first] + _blank(text[first:last]) + text[last:]
    return text


def as_typed(body: str) -> str:
    """Python as it is typed into a file; lines stay. Prompts of an interactive session go, and what it answered;
    so do commands of a notebook (``!pip install``), and an indentation that all lines have.

    Such code moves to the left: a complaint's column is then no longer that of the page, its line is.
    """
    if re.search(r"(?m)^>>> ", body):
        body = "\n".join(line[4:] if _PROMPT.match(line) else "" for line in body.split("\n"))
    body = _NOTEBOOK.sub(lambda found: _blank(found[0]), body)
    return textwrap.dedent(body) if body[:1] in " \t" else body


def blank_comments(body: str, mark: str) -> str:
    """The body with comments blanked; every offset stays. What looks like one inside a string is none."""
    block = r"/\*.*?\*/|" if mark == "//" else ""
    pattern = re.compile(f"({_STRING.pattern})|({block}{re.escape(mark)}[^\\n]*)", re.DOTALL)
    return pattern.sub(lambda found: found[0] if found[1] is not None else _blank(found[0]), body)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def without_strings(text: str) -> str:
    """The text with what its strings hold blanked; every offset stays."""
    return _STRING.sub(lambda found: found[0][0] + _blank(found[0][1:-1]) + found[0][-1], text)


def literals(text: str) -> list[str]:
    """The strings that are written in a piece of code."""
    return [next((group for group in found.groups() if group is not None), "") for found in _LITERAL.finditer(text)]


def place_in(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of an offset."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def _named(patterns: Sequence[re.Pattern[str]], text: str) -> list[tuple[int, tuple[str, ...]]]:
    found = []
    for pattern in patterns:
        for match in pattern.finditer(text):
            names = tuple(literals(match[1]))
            if names:
                found.append((match.start(), names))
    return sorted(found)


def _uses(plain: str, dialect: Dialect) -> Iterator[Use]:
    starts = sorted(
        (
            found.start() + (len(found[0]) - len(found[0].lstrip(".")) if found[0].startswith(".") else 0),
            _call_end(plain, found),
            name,
        )
        for name, pattern in dialect.operations
        for found in pattern.finditer(plain)
    )
    collections = _named(dialect.collections, plain)
    partitions = _named(dialect.partitions, plain)
    aliases = _named(dialect.aliases, plain)
    databases = _named(dialect.databases, plain)
    for at, (start, close, name) in enumerate(starts):
        span = (start, close, starts[at + 1][0] if at + 1 < len(starts) else len(plain))
        line, column = place_in(plain, start)
        yield Use(
            operation=name,
            start=start,
            line=line,
            column=column,
            collection=next(iter(_nearest(collections, span)), None),
            partitions=_nearest(partitions, span),
            alias=next(iter(_nearest(aliases, span)), None),
            database=next(iter(_nearest(databases, span)), None),
        )


def _call_end(plain: str, found: re.Match[str]) -> int:
    """Where the call that a match opens is closed; the end of the match when it opens none."""
    opened = found[0].rfind("(")
    return _closed(plain, found.start() + opened) if opened >= 0 else found.end()


def _closed(plain: str, opened: int) -> int:
    """Where the bracket that is opened there is closed; the end of the text when it never is."""
    depth = 0
    for part in _BRACKET.finditer(plain, opened):
        if part[0] in "([{":
            depth += 1
        elif part[0] in ")]}":
            depth -= 1
            if depth == 0:
                return part.end()
    return len(plain)


def _nearest(names: Sequence[tuple[int, tuple[str, ...]]], span: tuple[int, int, int]) -> tuple[str, ...]:
    """The names in a call; else the last ones before it, as a request is built before it is sent; else those after
    it, up to the next call (``span``: where the call begins, ends, and the next begins)."""
    start, close, following = span
    within = [found for at, found in names if start - 1 <= at < close]
    if within:
        return within[0]
    before = [found for at, found in names if at < start - 1]
    if before:
        return before[-1]
    return next((found for at, found in names if close <= at < following), ())


def declared_names(plain: str, dialect: Dialect) -> tuple[str, ...]:
    """The names that a fence declares at its top, in their order."""
    names: list[tuple[int, str]] = []
    for pattern in dialect.declares:
        for found in pattern.finditer(plain):
            groups = found.groupdict()
            if groups.get("name"):
                names.append((found.start(), groups["name"]))
            for part in (groups.get("names") or "").replace("(", " ").replace(")", " ").split(","):
                word = re.split(r"\s+as\s+|:", part.strip())[-1].strip()
                if word and word != "_" and _WORD.fullmatch(word):
                    names.append((found.start(), word))
    return tuple(dict.fromkeys(name for _, name in sorted(names)))


def _alternatives(body: str, dialect: Dialect) -> Iterator[Alternative]:
    """Runs of comment lines that are code: from a line with a call of the SDK to where its brackets close."""
    mark = dialect.spec.comment
    lines = body.split("\n")
    at = 0
    while at < len(lines):
        stripped = lines[at].strip()
        if not stripped.startswith(mark) or not _is_call(stripped.removeprefix(mark).strip(), dialect):
            at += 1
            continue
        taken: list[str] = []
        columns: list[int] = []
        depth = 0
        first = at
        while at < len(lines) and lines[at].strip().startswith(mark):
            prefix = re.match(rf"\s*{re.escape(mark)} ?", lines[at])
            offset = prefix.end() if prefix else 0
            taken.append(lines[at][offset:])
            columns.append(offset)
            bare = _STRING.sub('""', taken[-1])
            depth += sum(bare.count(one) for one in "([{") - sum(bare.count(one) for one in ")]}")
            at += 1
            if depth <= 0:
                break
        if depth == 0:
            yield Alternative(line=first + 1, text="\n".join(taken), columns=tuple(columns))


def _is_call(text: str, dialect: Dialect) -> bool:
    """Whether a comment's text is the beginning of a statement that calls the SDK, and no sentence about one."""
    begins = re.match(r"(?:await\s+|return\s+|(?:var|const|let|final)\s+)?[\w.<>\[\]\"'() ,=]*?(?=\.\w+\()", text)
    return bool(begins) and dialect.calls.search(text) is not None and not re.match(r"[A-Z][a-z]+ [a-z]+ ", text)


def rewritten(text: str, dialect: Dialect) -> str:
    """The code with its connections made to the server under test; lines stay."""
    for pattern, replacement in dialect.rewrites:
        text = pattern.sub(_putting(replacement), text)
    return text


def _putting(replacement: str) -> Callable[[re.Match[str]], str]:
    """Puts the replacement, with as many line ends as there were: after its first bracket, where all languages allow
    them."""

    def put(found: re.Match[str]) -> str:
        new = found.expand(replacement)
        ends = "\n" * (found[0].count("\n") - new.count("\n"))
        at = min((new.find(one) for one in "({" if one in new), default=len(new) - 1) + 1
        return new[:at] + ends + new[at:]

    return put

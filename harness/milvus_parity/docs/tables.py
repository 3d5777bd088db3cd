"""Parameter tables against their code: names that neither the fence nor the SDK has, names that are missing.

What an SDK calls its arguments is asked of the SDK itself where that is possible (``Signatures``). Where calls name
their arguments, a table must use those names; where arguments are known by their place (Go) or by a builder's methods
(Java), ``CollectionName`` for ``collName`` is a matter of taste.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from milvus_parity.docs import python_source
from milvus_parity.docs.code import Code
from milvus_parity.docs.dialect import Dialect
from milvus_parity.docs.finding import Finding, Kind, Severity
from milvus_parity.docs.page import Row, Table
from milvus_parity.docs.pages import Ready, ReadyPage
from milvus_parity.model.scenario import Frozen

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
NEAR = 0.7
"""How alike each word of a name must be to be what was meant (difflib's ratio)."""
_SETS = ("with", "add", "set")
_ARGUMENT = re.compile(r"[A-Za-z_]\w*")


class Call(Frozen, frozen=True, kw_only=True):
    """A callable of an SDK (``Collection.load``) and its arguments; ``open`` when it takes any others, too."""

    name: str
    arguments: tuple[str, ...]
    open: bool = False


class Signatures(Frozen, frozen=True, kw_only=True):
    """What is known of an SDK's callables. ``words``: names that its calls take anywhere; empty when nobody knows.

    ``members``: a class, module or enumeration of the SDK -> all that it has.
    """

    calls: Mapping[str, Call] = {}
    words: frozenset[str] = frozenset()
    members: Mapping[str, tuple[str, ...]] = {}


def joined(parts: Iterable[Signatures]) -> Signatures:
    """What several targets of a language know together."""
    known = list(parts)
    return Signatures(
        calls={name: call for one in known for name, call in one.calls.items()},
        words=frozenset(word for one in known for word in one.words),
        members={name: held for one in known for name, held in one.members.items()},
    )


NONE = Signatures()


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, lower-cased and without a plural: ``partitionNames`` is (partition, name)."""
    return tuple(word.lower().removesuffix("s") or word.lower() for word in _WORDS.findall(name))


def check_tables(
    ready: ReadyPage, dialects: Mapping[str, Dialect], signatures: Mapping[str, Signatures] = {}
) -> list[Finding]:
    """The findings of all parameter tables of a page. ``signatures`` by language."""
    found: list[Finding] = []
    for table in ready.page.tables:
        dialect = dialects.get(table.language)
        if dialect is None or not table.of_parameters:
            continue
        members = beside(table, ready)
        if members:
            checker = _Checker(ready, table, members, dialect, signatures.get(table.language, NONE))
            found += checker.findings()
    found += missing_tables(ready, dialects)
    return found


def beside(table: Table, ready: ReadyPage) -> list[Ready]:
    """The fences that a table stands with: those of its language in its tab group, else in its section."""
    same = [one for one in ready.ready.values() if one.code.fence.language == table.language]
    if table.group is not None:
        grouped = [one for one in same if one.code.fence.group == table.group and one.code.fence.line < table.line]
        if grouped:
            return grouped
    return [one for one in same if one.code.fence.section == table.section and one.code.fence.line < table.line]


class _Checker:
    def __init__(
        self, ready: ReadyPage, table: Table, members: Sequence[Ready], dialect: Dialect, signatures: Signatures
    ) -> None:
        self.ready = ready
        self.table = table
        self.codes = [one.code for one in members]
        self.dialect = dialect
        self.text = "\n".join(code.fence.body for code in self.codes)
        self.plain = "\n".join(code.plain for code in self.codes)
        self.calls = calls_of(self.codes, dialect, signatures)
        self.signatures = signatures

    def findings(self) -> Iterator[Finding]:
        listed = {name for row in self.table.rows for name in row.names}
        for row in self.table.rows:
            wrong = [self._name(row, name) for name in row.names]
            if None not in wrong:
                yield from [one for one in wrong if one is not None][:1]
        yield from self._missing(listed)

    def finding(
        self, line: int, column: int, kind: Kind, message: str, severity: Severity, right: str | None = None
    ) -> Finding:
        return Finding(
            path=self.ready.page.path,
            line=line,
            column=column,
            level="table",
            kind=kind,
            severity=severity,
            language=self.table.language,
            message=f"{message} (table at line {self.table.line})",
            right=right,
            table=(self.table.line, self.table.last),
        )

    def _name(self, row: Row, name: str) -> Finding | None:
        arguments = {argument for call in self.calls for argument in call.arguments}
        if name in arguments or "*" in name or "." in name:
            return None
        if re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", _without_strings(self.text)):
            return None
        if not self.dialect.spec.named_arguments:
            return self._by_words(row, name)
        if re.search(rf"""["'`]{re.escape(name)}["'`]""", self.text):
            return None
        near = nearest(name, self.calls)
        calls = ", ".join(dict.fromkeys(call.name for call in self.calls if near is None or near in call.arguments))
        if near is not None:
            text = f"{name} is no argument of {calls}: it is {near}."
            severity: Severity = "note" if name.lower() == near.lower() else "error"
            return self.finding(row.line, row.column, "misnamed parameter", text, severity, near)
        if not self.calls or any(call.open for call in self.calls):
            if self.signatures.words and name not in self.signatures.words:
                text = f"{name} stands neither in the fence nor among the SDK's arguments."
                return self.finding(row.line, row.column, "unknown parameter", text, "warning")
            return None
        text = f"{name} is neither in the fence nor an argument of {calls}."
        return self.finding(row.line, row.column, "unknown parameter", text, "warning")

    def _by_words(self, row: Row, name: str) -> Finding | None:
        """Arguments by place or by a builder's methods: the name's words must be somewhere. What only nearly is there
        is misspelt; what is not there at all may be somebody's own name for an argument."""
        joined = "".join(words_of(name))
        there = {word for identifier in _ARGUMENT.findall(self.text) for word in words_of(identifier)}
        if re.search(rf"{joined}s?(?![a-z0-9])", self.text.lower()) or there.issuperset(words_of(name)):
            return None
        if any(joined in "".join(words_of(argument)) for call in self.calls for argument in call.arguments):
            return None
        held = {bare_words(word) for word in self.signatures.words}
        near = misspelt(name, [argument for call in self.calls for argument in call.arguments])
        if near is not None and bare_words(name) not in held:
            calls = ", ".join(dict.fromkeys(call.name for call in self.calls if near[0] in call.arguments))
            text = f"{name} is no argument of {calls}: it is {near[1]}."
            return self.finding(row.line, row.column, "misnamed parameter", text, "error", near[1])
        text = f"{name} is not in the fence."
        return self.finding(row.line, row.column, "unknown parameter", text, "note")

    def _missing(self, listed: set[str]) -> Iterator[Finding]:
        """Arguments that the fence names and the table does not."""
        if not self.dialect.spec.named_arguments:
            return
        known = {"".join(words_of(name)) for name in listed}
        for name in named_arguments(self.codes, self.dialect):
            if name not in listed and "".join(words_of(name)) not in known:
                text = f"The fence gives {name}, and the table does not tell of it."
                yield self.finding(self.table.line, 1, "missing parameter", text, "note")


def _without_strings(text: str) -> str:
    return re.sub(r'"[^"\n]*"|\'[^\'\n]*\'|`[^`\n]*`', '""', text)


def nearest(name: str, calls: Sequence[Call]) -> str | None:
    """The argument that a name must mean: the same words in another spelling or number; or, of a constructor, what is
    left without the class (``partition_name`` of ``Partition`` is ``name``)."""
    mine = words_of(name)
    for call in calls:
        for argument in call.arguments:
            if words_of(argument) == mine:
                return argument
    for call in calls:
        if len(mine) > 1 and words_of(call.name) == mine[:-1]:
            for argument in call.arguments:
                if words_of(argument) == mine[-1:]:
                    return argument
    return None


def bare_words(name: str) -> tuple[str, ...]:
    """The words of an argument's name, without those that only say that a builder's method sets it."""
    words = words_of(name)
    return words[1:] if len(words) > 1 and words[0] in _SETS else words


def misspelt(name: str, names: Sequence[str]) -> tuple[str, str] | None:
    """The argument of which a name is a misspelling: as many words, each nearly the same; and how a table would write
    it that writes the name so."""
    mine = bare_words(name)
    best, near = max(((alike(bare_words(one), mine), one) for one in names), default=(0.0, ""))
    if best < NEAR or name.isupper():
        return None
    bare = re.sub(rf"^(?:{'|'.join(_SETS)})(?=[A-Z])", "", near)
    return near, (bare[:1].upper() if name[:1].isupper() else bare[:1].lower()) + bare[1:]


def alike(one: Sequence[str], other: Sequence[str]) -> float:
    """How alike the least alike of their words are, from 0 to 1."""
    if len(one) != len(other):
        return 0.0
    return min((difflib.SequenceMatcher(None, *pair).ratio() for pair in zip(one, other, strict=True)), default=0.0)


def calls_of(codes: Sequence[Code], dialect: Dialect, signatures: Signatures) -> list[Call]:
    """The callables that fences call, as far as they are known."""
    if dialect.language == "python":
        return _python_calls(codes, signatures)
    if dialect.api:
        names = {name for code in codes for name in re.findall(r"\b(\w+)\s*\(", code.plain)}
        return [
            Call(name=call.rpartition(".")[2], arguments=arguments)
            for call, arguments in dialect.api.items()
            if call.rpartition(".")[2] in names or (call.rpartition(".")[2] in _renamed(names, dialect))
        ]
    names = {name for code in codes for name in re.findall(r"(?<=\.)\w+(?=\s*\()|\b[A-Z]\w+", code.plain)}
    return [call for call in signatures.calls.values() if call.name.rpartition(".")[2] in names]


def _renamed(names: set[str], dialect: Dialect) -> set[str]:
    return {change.now for change in dialect.spec.renamed if change.name in names}


def _python_calls(codes: Sequence[Code], signatures: Signatures) -> list[Call]:
    found: dict[str, Call] = {}
    made: dict[str, str] = {"collection": "Collection", "partition": "Partition"}
    for code in codes:
        made |= python_source.assigned_from(code.text)
        for receiver, method in python_source.called(code.text):
            owner = made.get(receiver, receiver.removesuffix("()"))
            for name in (method, f"{owner}.{method}") if owner else (method,):
                if name in signatures.calls:
                    found[name] = signatures.calls[name]
    return list(found.values())


def named_arguments(codes: Sequence[Code], dialect: Dialect) -> list[str]:
    """The arguments that fences name in calls of the SDK."""
    found: list[str] = []
    for code in codes:
        for call in dialect.calls.finditer(code.plain):
            rest = code.plain[call.end() : _closing(code.plain, call.end())]
            flat = _flat(rest)
            if dialect.language == "python":
                found += re.findall(r"(?:^|,)\s*([A-Za-z_]\w*)\s*=(?!=)", flat)
            elif dialect.language == "javascript":
                inner = re.match(r"\s*\{(.*)\}\s*$", rest, re.DOTALL)
                if inner:
                    found += re.findall(r"(?:^|,)\s*([A-Za-z_]\w*)\s*(?::|,|$)", _flat(inner[1]))
            else:
                found += re.findall(r"(?:^|,)\s*([A-Za-z_]\w*)\s*:", flat)
    return list(dict.fromkeys(found))


def _closing(text: str, start: int) -> int:
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth == 0:
            return at
    return len(text)


def _flat(text: str) -> str:
    """The text without what stands in brackets or quotes."""
    text = _without_strings(text)
    kept: list[str] = []
    depth = 0
    for char in text:
        depth -= char in ")]}"
        if depth == 0:
            kept.append(char)
        depth += char in "([{"
    return "".join(kept)


def missing_tables(ready: ReadyPage, dialects: Mapping[str, Dialect]) -> Iterator[Finding]:
    """Tabs whose call takes arguments and that have no table, where most of the other tabs have one."""
    page = ready.page
    for group in page.groups:
        tables = {table.language for table in page.tables if table.group == group.index and table.of_parameters}
        fences = [
            one
            for one in ready.ready.values()
            if one.code.fence.group == group.index and one.code.fence.role == "tab" and not one.code.fence.hidden
        ]
        if len(tables) < 2:
            continue
        for one in fences:
            fence = one.code.fence
            language = fence.language or ""
            if language in tables or language not in dialects or not _takes_arguments(one.code, dialects[language]):
                continue
            yield Finding(
                path=page.path,
                line=fence.line,
                level="table",
                kind="missing table",
                severity="warning",
                language=language,
                message=f"There is no parameter table for this tab, while {', '.join(sorted(tables))} have one.",
                fence=(fence.line, fence.last),
            )


def _takes_arguments(code: Code, dialect: Dialect) -> bool:
    for call in dialect.calls.finditer(code.plain):
        rest = code.plain[call.end() : _closing(code.plain, call.end())].strip()
        if (_ARGUMENT.search(rest) or '"' in rest) and not _ARGUMENT.fullmatch(rest):
            return True
    return False

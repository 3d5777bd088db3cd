"""What can be said of fences without a compiler: names nothing defines, calls no release has, missing awaits."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from packaging.version import InvalidVersion, Version

from milvus_parity.docs import python_source
from milvus_parity.docs.code import Code, blank_comments, place_in
from milvus_parity.docs.dialect import Change, Dialect
from milvus_parity.docs.finding import Finding, Kind, Level, Severity

_REPLICAS = re.compile(r"replica_?number\W{1,4}(\d+)|WithReplica(?:Number)?\(\s*(\d+)", re.IGNORECASE)
_ASYNC_CALL = re.compile(r"\.(\w+Async)\s*\(")


def with_one_replica(code: str) -> str:
    """The code with the numbers of replicas that it asks for set to one, as a standalone server allows."""

    def one(found: re.Match[str]) -> str:
        group = 1 if found[1] else 2
        start = found.start(group) - found.start()
        return f"{found[0][:start]}1{found[0][start + len(found[group]) :]}"

    return _REPLICAS.sub(one, code)


class Reader:
    """Finds what is wrong in one fence. ``path``: the page's."""

    def __init__(self, path: str, code: Code, dialect: Dialect, target: str | None = None) -> None:
        self.path = path
        self.code = code
        self.dialect = dialect
        self.target = target

    def finding(
        self,
        level: Level,
        kind: Kind,
        message: str,
        line: int,
        column: int,
        severity: Severity,
        right: str | None = None,
    ) -> Finding:
        """A finding at a place of the body."""
        fence = self.code.fence
        at = fence.place(line, column)
        return Finding(
            path=self.path,
            line=at[0],
            column=at[1],
            level=level,
            kind=kind,
            severity=severity,
            language=self.dialect.language,
            message=message,
            right=right,
            target=self.target,
            fence=(fence.line, fence.last),
        )

    def replicas(self) -> Iterator[Finding]:
        """Loads that want more query nodes than a standalone server has."""
        for found in _REPLICAS.finditer(self.code.plain):
            number = int(found[1] or found[2])
            if number > 1:
                yield self.finding(
                    "runs",
                    "needs more nodes",
                    f"{number} replicas need {number} query nodes; a standalone server has one.",
                    *place_in(self.code.plain, found.start()),
                    severity="warning",
                    right="Say so on the page, or load one replica.",
                )

    def awaits(self) -> Iterator[Finding]:
        """Asynchronous calls that nothing waits for: their failure goes unnoticed."""
        if self.dialect.awaited is None:
            return
        plain = self.code.plain
        for found in self.dialect.awaited.finditer(plain):
            rest = plain[found.end() : _statement_end(plain, found.end())]
            if ".then(" in rest or ".Wait(" in rest or ".Result" in rest or ".GetAwaiter(" in rest:
                continue
            variable = re.match(r"\s*(?:var|const|let)\s+(\w+)\s*=", found[0])
            if variable and re.search(rf"\bawait\s+{variable[1]}\b|\b(?:WhenAll|all)\([^)]*\b{variable[1]}\b", plain):
                continue
            call = re.search(r"(\w+)\($", found[0])
            name = call[1] if call else "the call"
            start = found.start() + len(found[0]) - len(found[0].lstrip())
            what = f"{variable[1]} is what {name} promises, not what it gives, and a" if variable else "A"
            yield self.finding(
                "compiles",
                "missing await",
                f"{name} is not awaited: {what} failure goes unnoticed.",
                *place_in(plain, start),
                severity="error" if variable or self.dialect.language == "csharp" else "warning",
                right="Write await before the call.",
            )

    def semicolons(self) -> Iterator[Finding]:
        """Alternatives in comments that would not compile once a reader uncomments them."""
        end = self.dialect.spec.statement_end
        if not end:
            return
        for alternative in self.code.alternatives:
            text = blank_comments(alternative.text, self.dialect.spec.comment).rstrip()
            if text.endswith((")", "]")):
                lines = text.split("\n")
                at = len(lines) - 1
                column = alternative.columns[at] + len(lines[at]) + 1
                yield self.finding(
                    "compiles",
                    "no semicolon",
                    "The alternative in the comment lacks a semicolon.",
                    alternative.line + at,
                    column,
                    severity="error",
                    right=f"{lines[at].strip()}{end}",
                )

    def calls(self) -> Iterator[Finding]:
        """Calls that the SDK does not have, by the pack's list of its public calls."""
        known = {name.rpartition(".")[2] for name in self.dialect.api}
        if not known:
            return
        renamed = {change.name: change for change in self.dialect.spec.renamed}
        for found in _ASYNC_CALL.finditer(self.code.plain):
            name = found[1]
            if name in known:
                continue
            place = place_in(self.code.plain, found.start(1))
            change = renamed.get(name)
            near = change.now if change else next(iter(difflib.get_close_matches(name, sorted(known), 1, 0.85)), None)
            if change is not None:
                text = f"{name} does not exist since {change.since}: it is {change.now}."
                yield self.finding("compiles", "misnamed call", text, *place, severity="error", right=change.now)
            elif near is not None:
                text = f"The SDK has no {name}; it has {near}."
                yield self.finding("compiles", "misnamed call", text, *place, severity="error", right=near)
            else:
                text = f"{name} is not among the SDK's public calls that are known here."
                yield self.finding("compiles", "unknown call", text, *place, severity="warning")

    def context(self, defined: frozenset[str], right: Mapping[str, str]) -> Iterator[Finding]:
        """Names that a Python fence uses and that neither it nor an earlier one of the page defines.

        ``defined``: what earlier ones define. ``right``: how other pages define a name.
        """
        if self.dialect.language != "python":
            return
        missing = python_source.undefined(self.code.text, defined)
        for name, line, column in missing:
            yield self.finding(
                "context",
                "not self-contained",
                f"{name} is never defined on this page.",
                line,
                column,
                severity="note" if name in self.dialect.spec.clients else "warning",
                right=right.get(name),
            )
        if any(name not in self.dialect.spec.clients for name, _, _ in missing):
            for name, line in python_source.unused_imports(self.code.text):
                text = f"{name} is imported and not used."
                yield self.finding("context", "unused import", text, line, 1, severity="note")

    def clients(self, given: Sequence[str]) -> Iterator[Finding]:
        """Clients that come from elsewhere: told, since pages rely on the page about connecting."""
        if self.dialect.language == "python":
            return
        for name in given:
            found = re.search(rf"(?<![\w.]){re.escape(name)}\b", self.code.plain)
            if found is not None:
                text = f"{name} comes from elsewhere: a fixture gives it."
                place = place_in(self.code.plain, found.start())
                yield self.finding("context", "not self-contained", text, *place, severity="note")

    def all(self) -> list[Finding]:
        """All of it but the context."""
        return [*self.replicas(), *self.awaits(), *self.semicolons(), *self.calls()]


def _statement_end(text: str, start: int) -> int:
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth <= 0 and (text[at] == ";" or (text[at] == "\n" and text[at:].lstrip()[:1] != ".")):
            return at
    return len(text)


def releases(codes: Sequence[tuple[str, Code, Dialect]]) -> list[Finding]:
    """Pages of one docs version whose fences no single release of an SDK can run: (path, code, dialect)."""
    needs: list[tuple[Change, bool, Finding]] = []
    for path, code, dialect in codes:
        reader = Reader(path, code, dialect)
        for change, new in [
            *((one, True) for one in dialect.spec.added),
            *((one, False) for one in dialect.spec.renamed),
        ]:
            found = re.search(rf"\b{re.escape(change.name)}\s*\(", code.plain)
            if found is not None:
                place = place_in(code.plain, found.start())
                needs.append(
                    (change, new, reader.finding("compiles", "no common release", "", *place, severity="warning"))
                )
    findings = []
    for change, new, finding in needs:
        if not new:
            continue
        for older, is_new, other in needs:
            if not is_new and finding.language == other.language and _older(older.since, change.since):
                text = (
                    f"{change.name} needs {change.since} or later, while {other.path}:{other.line} needs a release "
                    f"before {older.since}: none has both."
                )
                findings.append(msgspec.structs.replace(finding, message=text))
                break
    return findings


def _older(until: str, since: str) -> bool:
    try:
        return Version(until.replace("-preview.", "a")) <= Version(since.replace("-preview.", "a"))
    except InvalidVersion:
        return False

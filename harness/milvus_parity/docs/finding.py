"""Findings: what is wrong on a page, where, and what would be right."""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from milvus_parity.model.scenario import Frozen

Level = Literal["page", "parses", "compiles", "runs", "effect", "tabs", "table", "output", "context", "prose"]
"""What was looked at. ``page``: the page's own structure. ``context``: what a fence takes from elsewhere."""

LEVELS: tuple[Level, ...] = (
    "page", "parses", "compiles", "runs", "effect", "tabs", "table", "output", "context", "prose",
)  # fmt: skip

Severity = Literal["error", "warning", "note"]
"""Only an error counts for the exit status. A note is told and no more."""

Kind = Literal[
    "unbalanced", "syntax", "compile error", "unknown call", "misnamed call", "missing await", "no semicolon",
    "raised", "refused", "crashed", "needs more nodes", "no effect", "other effect", "other calls", "other operation",
    "not self-contained",
    "unused import", "misnamed parameter", "unknown parameter", "missing parameter", "missing table", "other output",
    "no common release", "prose", "bad json", "unknown field", "shell syntax",
]  # fmt: skip

OF_AN_SDK: frozenset[Kind] = frozenset(
    [
        *("compile error", "unknown call", "misnamed call", "raised", "refused", "crashed", "no effect"),
        *("other effect", "misnamed parameter", "unknown parameter"),
    ]
)
"""What one release of an SDK says and another may not."""


KINDS: tuple[Kind, ...] = get_args(Kind)


class Finding(Frozen, frozen=True, kw_only=True):
    """One thing that is wrong. ``line`` and ``column`` are the page's, from 1; ``last`` where it ends.

    ``fence`` and ``table`` are the lines (first, last) of what it is in. ``right``: what would be right, a sentence or
    code. ``target``: the SDK and version it was found with. ``known``: why a ledger entry expects it.
    """

    path: str
    line: int
    column: int = 1
    last: int | None = None
    level: Level
    kind: Kind
    severity: Severity = "error"
    language: str | None = None
    message: str
    right: str | None = None
    target: str | None = None
    fence: tuple[int, int] | None = None
    table: tuple[int, int] | None = None
    known: str | None = None

    @property
    def place(self) -> str:
        """``page:line:column``."""
        return f"{self.path}:{self.line}:{self.column}"


State = Literal["passed", "failed", "not checked"]


class FenceResult(Frozen, frozen=True, kw_only=True):
    """What became of one fence. ``levels``: level -> passed, failed, or ``not checked: why``.

    ``skipped``: why it is none of the five languages' or cannot be looked at at all. ``state``: what was there before
    it ran, in a sentence. ``target``: the SDK.
    """

    path: str
    index: int
    line: int
    last: int
    word: str
    language: str | None
    target: str | None = None
    operations: tuple[str, ...] = ()
    levels: Mapping[str, str] = {}
    skipped: str | None = None
    state: str | None = None
    hidden: bool = False


class PageResult(Frozen, frozen=True, kw_only=True):
    """A page with its fences. ``docs_version``: the line of Milvus it is for, where that is known."""

    path: str
    docs_version: str | None = None
    fences: tuple[FenceResult, ...] = ()
    groups: int = 0
    tables: int = 0


class Report(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """All that a check found. ``fences`` = ``checked`` + ``skipped``. ``unavailable``: target -> why it is not here."""

    schema: int = 1
    server: str | None = None
    pages: tuple[PageResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    fences: int = 0
    checked: int = 0
    skipped: Mapping[str, int] = {}
    targets: tuple[str, ...] = ()
    unavailable: Mapping[str, str] = {}
    notes: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What counts: errors that no ledger entry expects."""
        return tuple(one for one in self.findings if one.severity == "error" and one.known is None)


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By page and place, the same thing said once. What only follows from another finding is left out: the compiler's
    words for a misnamed call, the effect of a call that nothing awaits (it may come or not)."""
    rank = {"error": 0, "warning": 1, "note": 2}
    unique: dict[object, Finding] = {}
    listed = list(findings)
    calls = [one for one in listed if one.kind in ("misnamed call", "unknown call")]
    misnamed = {(one.path, one.line) for one in calls if one.severity == "error"}
    refused = {(one.path, one.line) for one in listed if one.kind == "compile error" and one.severity == "error"}
    unawaited = {(one.path, one.fence) for one in listed if one.kind == "missing await"}
    kept = [
        one
        for one in listed
        if not (one.kind in ("compile error", "raised") and (one.path, one.line) in misnamed)
        and not (one.kind == "unknown call" and one.severity != "error" and (one.path, one.line) in refused)
        and not (one.level in ("effect", "tabs") and (one.path, one.fence) in unawaited)
    ]
    for one in sorted(kept, key=lambda f: (f.path, f.line, f.column, rank[f.severity], LEVELS.index(f.level))):
        said = "" if one.kind == "needs more nodes" else one.message
        place = one.fence if one.kind == "not self-contained" else one.line
        unique.setdefault((one.path, place, one.kind, said), one)
    return tuple(unique.values())

"""The ledger of known differences and known findings: scenarios/known_differences.yaml.

schema: 1
milvus: ">=2.3,<2.4"              # optional: for which servers all entries are
differences:
  - case: drop_partition/missing   # an id, or a pattern with *; or a list of them
    targets: [go-v1@2.2.8..2.3.6]  # targets, with a version or a range where it matters
    step: 1                        # optional: the step's number, or its operation
    facet: code                    # result, value, effect, origin, code or reason
    actual: not exposed            # the pinned value; {matches: 'pattern'} for its whole text
    class: by design               # SDK bug, by design, server, docs or flaky
    why: Release 2 of the Go SDK passes on the server's text and no code.
    link: https://example.org/issue/1   # optional
    review: 2026-12-31             # optional: from then on the entry is warned about
    milvus: ">=2.3"                # optional: a range of servers, or lite; instead of the file's
findings:                          # what `docs check` finds on pages
  - page: load_partition.md        # a name or a path, or a pattern with *; or a list of them
    kind: raised
    language: python               # optional
    message: missing 1 required    # optional: a regular expression that is found in the message
    why: Fixed on the branch of 2.3.
    class: docs                    # optional: docs when it is not said; link, review and milvus as above
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Literal, get_args

from milvus_parity.judge.versions import TargetPattern, check_range, glob, target_pattern, within
from milvus_parity.judge.words import NOT_EXPOSED
from milvus_parity.model.outcome import WEIGHTS, Facet
from milvus_parity.model.run import ServerInfo
from milvus_parity.model.scenario import RESULTS, Frozen, Location
from milvus_parity.model.verdict import KnownRef
from milvus_parity.scenarios.yaml_source import (
    Fields,
    Item,
    as_integer,
    as_list,
    as_text,
    as_texts,
    nearest,
    parse_yaml,
    read_yaml,
    wrong,
)

LEDGER_SCHEMA = 1
ReasonClass = Literal["SDK bug", "by design", "server", "docs", "flaky"]
REASON_CLASSES: tuple[ReasonClass, ...] = get_args(ReasonClass)
PINNABLE: tuple[Facet, ...] = tuple(facet for facet, weight in WEIGHTS.items() if weight != "told")
LITE = "lite"

_FINDING_KEYS = ("page", "kind", "language", "message", "class", "why", "link", "review", "milvus")
_KEYS = ("case", "targets", "step", "facet", "actual", "class", "why", "link", "review", "milvus")


class Entry(Frozen, frozen=True, kw_only=True):
    """One pinned difference. ``value`` is what ``actual`` says, ``matches`` its pattern; one of them is used."""

    location: Location
    place: int
    """Its number in the file, from 0."""
    cases: tuple[str, ...]
    targets: tuple[TargetPattern, ...]
    step: int | str | None = None
    facet: Facet
    value: object = None
    matches: str | None = None
    reason_class: ReasonClass
    why: str
    link: str | None = None
    review: date | None = None
    milvus: str | None = None

    def pins(self, value: object, text: str) -> bool:
        """Whether an actual value is the pinned one; ``text`` is the value as people read it."""
        if self.matches is not None:
            return re.compile(self.matches, re.DOTALL).fullmatch(text) is not None
        return canonical(value if value is not None or self.facet == "value" else NOT_EXPOSED) == canonical(self.value)

    def is_at(self, step: int, operation: str | None) -> bool:
        """Whether a step is meant."""
        return self.step is None or self.step == (step if isinstance(self.step, int) else operation)

    def applies_to(self, server: ServerInfo | None) -> bool:
        """Whether the server is one that the entry is about."""
        if self.milvus is None or server is None:
            return True
        if self.milvus == LITE or server.kind == LITE:
            return self.milvus == LITE and server.kind == LITE
        return within(server.version, self.milvus)

    def reference(self, today: date) -> KnownRef:
        """The entry as verdicts show it."""
        return KnownRef(
            location=self.location,
            reason_class=self.reason_class,
            why=self.why,
            link=self.link,
            review=self.review.isoformat() if self.review else None,
            overdue=self.review is not None and self.review < today,
        )


class FindingEntry(Frozen, frozen=True, kw_only=True):
    """One pinned finding on pages. ``message`` is a regular expression that is found in what the finding says."""

    location: Location
    place: int
    """Its number among the findings of the file, from 0."""
    pages: tuple[str, ...]
    kind: str
    language: str | None = None
    message: str = ""
    reason_class: ReasonClass = "docs"
    why: str
    link: str | None = None
    review: date | None = None
    milvus: str | None = None

    def is_on(self, path: str) -> bool:
        """Whether a page is meant: by its path, or by its name alone."""
        return any(glob(page).fullmatch(path) or glob(page).fullmatch(Path(path).name) for page in self.pages)

    def applies_to(self, version: str | None) -> bool:
        """Whether a server of this version is one that the entry is about."""
        return self.milvus is None or version is None or (self.milvus != LITE and within(version, self.milvus))


class Ledger(Frozen, frozen=True, kw_only=True):
    """All entries, in the order of the file: differences in ``entries``, and findings on pages."""

    entries: tuple[Entry, ...] = ()
    findings: tuple[FindingEntry, ...] = ()

    def for_server(self, server: ServerInfo | None) -> tuple[Entry, ...]:
        """The entries that are about this server."""
        return tuple(entry for entry in self.entries if entry.applies_to(server))


def case_matches(pattern: str, case: str) -> bool:
    """Whether a case's id is meant by a pattern in which only ``*`` and ``?`` are special."""
    return glob(pattern).fullmatch(case) is not None


def canonical(value: object) -> str:
    """The same text for the same value, whether it came from YAML, from JSON or from an outcome."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key!r}:{canonical(value[key])}" for key in sorted(value, key=str)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    return repr(value)


def load_ledger(
    path: Path, *, targets: Sequence[str] = (), kinds: Sequence[str] = (), name: str | None = None
) -> Ledger:
    """Read the ledger. ``targets``, ``kinds``: names of all known targets and kinds of findings, to find slips. Raises
    BadInputError with a place."""
    return _ledger(read_yaml(path, name), targets, kinds)


def parse_ledger(text: str, name: str, *, targets: Sequence[str] = (), kinds: Sequence[str] = ()) -> Ledger:
    """The same for a text; ``name`` is what errors call the file."""
    return _ledger(parse_yaml(text, name), targets, kinds)


def _ledger(item: Item, targets: Sequence[str], kinds: Sequence[str]) -> Ledger:
    fields = Fields(item, "The ledger", ("schema", "milvus", "differences", "findings"))
    schema = fields.need("schema")
    version = as_integer(schema, "schema")
    if version > LEDGER_SCHEMA:
        raise wrong(
            schema,
            f"The ledger has format {version}, this version reads up to {LEDGER_SCHEMA}.",
            "Use a newer milvus-parity.",
        )
    if version < 1:
        raise wrong(schema, f"There is no format {version} of ledgers.", f"Write schema: {LEDGER_SCHEMA}")
    default = fields.get("milvus")
    milvus = _milvus(default) if default is not None else None
    differences = enumerate(_listed(fields.get("differences"), "differences"))
    findings = enumerate(_listed(fields.get("findings"), "findings"))
    return Ledger(
        entries=tuple(_entry(one, place, milvus, targets) for place, one in differences),
        findings=tuple(_finding(one, place, milvus, kinds) for place, one in findings),
    )


def _listed(item: Item | None, what: str) -> Sequence[Item]:
    if item is None or (item.items is None and item.mapping is None and item.scalar is None):
        return ()
    return as_list(item, what)


def _finding(item: Item, place: int, milvus: str | None, kinds: Sequence[str]) -> FindingEntry:
    fields = Fields(item, "An entry", _FINDING_KEYS)
    kind, pages, message = fields.need("kind"), fields.need("page"), fields.get("message")
    word = as_text(kind, "kind")
    if kinds and word not in kinds:
        raise wrong(kind, f"There is no kind of findings {word!r}.", nearest(word, kinds))
    names = as_texts(pages, "page")
    if not names:
        raise wrong(pages, "The entry names no page.", "Write a name such as drop_partition.md, or a pattern with *.")
    reason_class, review, own_milvus = fields.get("class"), fields.get("review"), fields.get("milvus")
    return FindingEntry(
        location=item.location,
        place=place,
        pages=names,
        kind=word,
        language=fields.text("language"),
        message=_pattern(message) if message is not None else "",
        reason_class=_reason_class(reason_class) if reason_class is not None else "docs",
        why=_why(fields.need("why")),
        link=fields.text("link"),
        review=_date(review) if review is not None else None,
        milvus=_milvus(own_milvus) if own_milvus is not None else milvus,
    )


def _entry(item: Item, place: int, milvus: str | None, targets: Sequence[str]) -> Entry:
    fields = Fields(item, "An entry", _KEYS)
    facet = _facet(fields.need("facet"))
    value, matches = _actual(fields.need("actual"), facet)
    review, own_milvus = fields.get("review"), fields.get("milvus")
    return Entry(
        location=item.location,
        place=place,
        cases=_cases(fields.need("case")),
        targets=_targets(fields.need("targets"), targets),
        step=_step(fields.get("step")),
        facet=facet,
        value=value,
        matches=matches,
        reason_class=_reason_class(fields.need("class")),
        why=_why(fields.need("why")),
        link=fields.text("link"),
        review=_date(review) if review is not None else None,
        milvus=_milvus(own_milvus) if own_milvus is not None else milvus,
    )


def _why(item: Item) -> str:
    why = as_text(item, "why").strip()
    if not why:
        raise wrong(item, "An entry without a reason explains nothing.", "Say in a sentence why it differs.")
    return why


def _cases(item: Item) -> tuple[str, ...]:
    cases = as_texts(item, "case")
    if not cases:
        raise wrong(
            item, "The entry names no case.", "Write an id such as drop_partition/missing, or a pattern with *."
        )
    return cases


def _targets(item: Item, known: Sequence[str]) -> tuple[TargetPattern, ...]:
    items = item.items if item.items is not None else (item,)
    if not items:
        raise wrong(item, "The entry names no target.", "Write targets such as [go-v1, java-v1@2.3.7..2.4.8].")
    patterns = []
    for one in items:
        try:
            pattern = target_pattern(as_text(one, "A target"))
        except ValueError as error:
            raise wrong(one, str(error)) from error
        if known and not any(glob(pattern.name).fullmatch(name) for name in known):
            raise wrong(one, f"There is no target {pattern.name!r}.", nearest(pattern.name, known))
        patterns.append(pattern)
    return tuple(patterns)


def _step(item: Item | None) -> int | str | None:
    if item is None:
        return None
    if isinstance(item.scalar, str):
        return item.scalar
    return as_integer(item, "step")


def _facet(item: Item) -> Facet:
    word = as_text(item, "facet")
    for facet in PINNABLE:
        if word == facet:
            return facet
    if word in WEIGHTS:
        raise wrong(item, f"The facet {word!r} never counts against a run, so there is nothing to pin.")
    raise wrong(item, f"There is no facet {word!r}.", nearest(word, PINNABLE))


def _actual(item: Item, facet: Facet) -> tuple[object, str | None]:
    if item.mapping is not None and set(item.mapping) == {"matches"}:
        return None, _pattern(item.mapping["matches"])
    value = item.plain()
    if facet == "result" and value not in RESULTS:
        raise wrong(item, f"There is no result {value!r}.", nearest(str(value), RESULTS))
    if facet == "origin" and value not in ("client", "server"):
        raise wrong(item, f"There is no origin {value!r}.", nearest(str(value), ("client", "server")))
    if facet == "effect" and not isinstance(value, dict):
        raise wrong(
            item,
            f"An effect is a mapping of databases to collections, this is {item.kind}.",
            "Write for example {database: {book: {partitions: [_default]}}}, or {matches: 'pattern'}.",
        )
    if facet == "code" and (value is None or isinstance(value, dict | list | bool | float)):
        raise wrong(item, f"A code is a number or a text, this is {item.kind}.", f"Write for example {NOT_EXPOSED}.")
    if facet == "reason" and not isinstance(value, str):
        raise wrong(item, f"A reason is a text, this is {item.kind}.", "Quote it.")
    return value, None


def _pattern(item: Item) -> str:
    text = as_text(item, "A pattern")
    try:
        re.compile(text)
    except re.error as error:
        raise wrong(item, f"The pattern cannot be read: {error}.") from error
    return text


def _reason_class(item: Item) -> ReasonClass:
    word = as_text(item, "class")
    for reason_class in REASON_CLASSES:
        if word == reason_class:
            return reason_class
    raise wrong(item, f"There is no class {word!r}.", nearest(word, REASON_CLASSES))


def _date(item: Item) -> date:
    try:
        return date.fromisoformat(str(item.scalar))
    except ValueError as error:
        raise wrong(item, f"{item.scalar!r} is no date.", "Write it as 2026-12-31.") from error


def _milvus(item: Item) -> str:
    text = as_text(item, "milvus")
    if text != LITE:
        try:
            check_range(text)
        except ValueError as error:
            raise wrong(item, str(error), "Or write lite, for milvus-lite.") from error
    return text

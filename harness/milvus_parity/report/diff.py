"""A diff of runs as text, JSON or Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

import msgspec

from milvus_parity.model.diff import KINDS, Change, Kind, RunDiff
from milvus_parity.model.errors import BadInputError
from milvus_parity.report.clean import clean, one_line
from milvus_parity.report.markup import code_span, plain
from milvus_parity.store.schema import schema_of

DiffFormat = Literal["text", "json", "markdown"]
DIFF_FORMATS: tuple[DiffFormat, ...] = get_args(DiffFormat)
_LIMIT = 60_000
"""Characters of the Markdown: a comment on GitHub holds 65,536."""
_WORDS = 300

_TITLES: Mapping[Kind, str] = {
    "newly differs": "Newly differs from the others, or from what is promised",
    "changed its effect": "Changed its effect on the server, as the others did or with none to compare",
    "changed its result": "Changed its result, as the others did or with none to compare",
    "could not run": "Could not run",
    "gone": "Gone",
    "changed only its message": "Changed only its message",
    "told only": "Changed only what never counts",
    "newly agrees": "Newly agrees",
    "new": "New",
}


def render_diff(diff: RunDiff, format: str = "text") -> str:  # noqa: A002
    """A diff in a format. Raises BadInputError for one that does not exist."""
    if format == "text":
        return "\n".join(_text(diff)) + "\n"
    if format == "json":
        return msgspec.json.format(msgspec.json.encode(diff), indent=2).decode() + "\n"
    if format == "markdown":
        return _markdown(diff)
    raise BadInputError(f"A diff has no format {format!r}.", hint=f"Choose one of {', '.join(DIFF_FORMATS)}.")


def diff_schema() -> dict[str, Any]:
    """The JSON Schema of a diff."""
    return schema_of(RunDiff)


def _by_kind(diff: RunDiff) -> Iterator[tuple[Kind, list[Change]]]:
    for kind in KINDS:
        found = [change for change in diff.changes if change.kind == kind]
        if found:
            yield kind, found


def _alike(changes: Sequence[Change]) -> Iterator[tuple[Change, list[str]]]:
    """Changes that are the same in several cases, once; with the cases."""
    groups: dict[object, list[Change]] = {}
    for change in changes:
        key = (
            change.pair,
            change.worse,
            change.detail,
            tuple((one.facet, one.before, one.after) for one in change.facets),
        )
        groups.setdefault(key, []).append(change)
    for same in groups.values():
        yield same[0], [change.case for change in same]


def _pair(change: Change) -> str:
    before, after = change.pair.before, change.pair.after
    return before if before == after else f"{before} → {after.partition('@')[2] or after}"


def _text(diff: RunDiff) -> Iterator[str]:
    yield _headline(diff)
    for note in diff.notes:
        yield f"! {clean(note)}"
    for kind, changes in _by_kind(diff):
        yield ""
        title = f"{_TITLES[kind]} ({len(changes)})"
        yield title
        yield "-" * len(title)
        for change, cases in _alike(changes):
            yield f"{'✗' if change.worse else '·'} {_pair(change)}  {clean(cases[0])}"
            if change.detail:
                yield from (f"    {line}" for line in clean(change.detail).splitlines())
            for one in change.facets:
                yield f"    step {one.step}, {one.facet}: {one_line(one.before, _WORDS)}"
                yield f"      now {one_line(one.after, _WORDS)}"
            yield from _snippets(change)
            if len(cases) > 1:
                more = f" and {len(cases) - 9} more" if len(cases) > 9 else ""
                yield f"    the same in {', '.join(map(clean, cases[1:9]))}{more}"
    yield ""
    yield _sum(diff)


def _snippets(change: Change) -> Iterator[str]:
    names = {"before": "ran before", "after": "ran after"} if len(change.snippets) > 1 else {"after": "ran"}
    for side, name in names.items():
        text = change.snippets.get(side, "")  # type: ignore[call-overload]
        if text:
            yield f"    {name}:"
            yield from (f"      {line}".rstrip() for line in clean(text).expandtabs(4).rstrip().splitlines())


def _headline(diff: RunDiff) -> str:
    if diff.before == diff.after:
        return f"From version to version in run {diff.after}"
    return f"From run {diff.before} to run {diff.after}"


def _sum(diff: RunDiff) -> str:
    counts = [f"{len(changes)} {kind}" for kind, changes in _by_kind(diff)]
    worse = sum(change.worse for change in diff.changes)
    verdict = f"{worse} got worse in what must match" if worse else "nothing that must match got worse"
    return f"{', '.join([*counts, f'{diff.same} the same'])}: {verdict}."


def _markdown(diff: RunDiff) -> str:
    lines = [f"## {'❌' if any(one.worse for one in diff.changes) else '✅'} {_headline(diff)}", "", _sum(diff), ""]
    lines += [f"> ⚠️ {plain(note)}\n" for note in diff.notes]
    room = _LIMIT - sum(len(line) + 1 for line in lines)
    for kind, changes in _by_kind(diff):
        rows = [
            f"### {_TITLES[kind]} ({len(changes)})",
            "",
            "| target | case | what | before | after |",
            "| --- | --- | --- | --- | --- |",
        ]
        for change, cases in _alike(changes):
            more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
            case = f"{code_span(cases[0])}{more}"
            target = f"{'**' if change.worse else ''}{plain(_pair(change))}{'**' if change.worse else ''}"
            for one in change.facets:
                what = f"step {one.step}, {one.facet}"
                rows.append(
                    f"| {target} | {case} | {what} | {code_span(one.before, _WORDS)} | {code_span(one.after, _WORDS)} |"
                )
            if not change.facets:
                rows.append(f"| {target} | {case} | {plain(one_line(change.detail or '', _WORDS))} | | |")
        rows.append("")
        for row in rows:
            room -= len(row) + 1
            if room < 200:
                return "\n".join([*lines, "", "_The rest is left out here for length._", ""])
            lines.append(row)
    return "\n".join(lines)

"""The report as Markdown, small enough for a comment on a pull request."""

from collections.abc import Collection, Iterator, Sequence

from milvus_parity.judge.exit_code import Strict
from milvus_parity.model.errors import ExitCode
from milvus_parity.model.run import RunRecord
from milvus_parity.model.verdict import RunVerdict
from milvus_parity.report.clean import clean, one_line
from milvus_parity.report.findings import Aspect, Finding, findings_of, flag_of
from milvus_parity.report.markup import code_span, escaped, longest_run, plain
from milvus_parity.report.overview import MEANINGS, conclusion, headline, incomplete, rows_of, span, totals, who_differs

LIMIT = 60_000
"""Characters: a comment on GitHub holds 65,536."""
_WORDS = 300
"""Characters of a value in a list; the whole stands in the other reports."""


def markdown_report(verdict: RunVerdict, record: RunRecord, *, strict: Strict, required: Collection[str]) -> str:
    """The report, cut between findings where it would be too long, and saying so."""
    code, sentence = conclusion(verdict, strict, required)
    sign = "✅" if code == ExitCode.OK else "❌"
    above = [f"## {sign} milvus-parity", "", plain(headline(verdict, record)), "", f"**{plain(sentence)}**", ""]
    above += [f"> ⚠️ {plain(one)}\n" for one in incomplete(verdict, record)]
    above += _table(verdict)
    above += _who(verdict)
    below = list(_below(verdict))
    findings = [one for one in findings_of(verdict, record) if one.weight != "told"]
    room = LIMIT - sum(len(line) + 1 for line in above + below) - 200
    middle: list[str] = []
    for number, finding in enumerate(findings, 1):
        text = "\n".join(_finding(number, finding))
        if len(text) > room:
            left = len(findings) - number + 1
            middle.append(f"_{left} more {'finding' if left == 1 else 'findings'} left out here for length._\n")
            break
        middle.append(text)
        room -= len(text) + 1
    text = "\n".join([*above, *middle, *below])
    return text if len(text) <= LIMIT else f"{text[: LIMIT - 40]}\n\n_cut here for length_\n"


def _table(verdict: RunVerdict) -> list[str]:
    rows, left_out = rows_of(verdict)
    if not rows and not left_out:
        return []
    heads = [f"{label.partition('@')[0]}<br>{label.partition('@')[2]}" for label in verdict.targets]
    lines = ["| | " + " | ".join(heads) + " |", "| --- |" + " :-: |" * len(heads)]
    lines += [
        f"| {code_span(f'{row.topic}/{row.name}' if row.topic else row.name)} | {' | '.join(row.marks)} |"
        for row in rows
    ]
    used = {mark for row in rows for mark in row.marks}
    if left_out:
        lines += ["", left_out]
    lines += [
        "",
        "<sub>" + " · ".join(f"{sign} {words}" for sign, words in MEANINGS.items() if sign in used) + "</sub>",
        "",
    ]
    return lines


def _who(verdict: RunVerdict) -> list[str]:
    return [*(f"- **{who}**: {what}" for who, what in who_differs(verdict)), ""]


def _finding(number: int, finding: Finding) -> Iterator[str]:
    pinned = " (known)" if finding.known else ""
    facets = ", ".join(aspect.facet for aspect in finding.aspects)
    title = (
        f"{number}. <b>{escaped(one_line(finding.cases[0]))}</b>: {escaped(one_line(finding.title))} — {facets}{pinned}"
    )
    yield f"<details{'' if finding.known else ' open'}><summary>{title}</summary>\n"
    yield f"Step {finding.step}: {code_span(finding.words)} ({finding.location})\n"
    for aspect in finding.aspects:
        yield from _aspect(aspect)
    for snippet in finding.snippets:
        text = clean(snippet.text).rstrip()
        fence = "`" * max(3, longest_run(text) + 1)
        yield f"_{snippet.target}_\n{fence}{snippet.fence}\n{text}\n{fence}\n"
    if finding.sent is not None:
        yield "Over the wire:\n"
        for sent in finding.sent.by:
            calls = ", ".join(code_span(call, _WORDS) for call in sent.calls) or "no call"
            yield f"- {', '.join(sent.targets)}: {calls}"
        yield ""
    if len(finding.cases) > 1:
        others = ", ".join(code_span(case) for case in finding.cases[1:9])
        more = f" and {len(finding.cases) - 9} more" if len(finding.cases) > 9 else ""
        yield f"The same in {others}{more}.\n"
    yield "</details>\n"


def _aspect(aspect: Aspect) -> Iterator[str]:
    notes = [f"{aspect.weight} match"]
    if aspect.basis == "none":
        notes.append("no majority")
    if aspect.among:
        notes.append(f"among those with the result {aspect.among}")
    if aspect.consequence_of is not None:
        notes.append(f"may follow from step {aspect.consequence_of}")
    yield f"**{aspect.facet}** ({', '.join(notes)})"
    for group in aspect.groups:
        flag = flag_of(group, aspect)
        detail = f" {plain(one_line(group.detail, _WORDS))}" if group.detail else ""
        yield f"- {code_span(group.text, _WORDS)}{detail}: {', '.join(group.targets)}{f' ← {flag}' if flag else ''}"
    if aspect.expected is not None:
        where = f" ({aspect.location})" if aspect.location else ""
        yield f"- promised: {plain(aspect.expected)}{where}"
    for entry in dict.fromkeys(aspect.pins.values()):
        link = f" ({entry.link})" if entry.link else ""
        yield f"- known, {entry.reason_class}: {plain(entry.why)}{link}"
    yield ""


def _round_trips(verdict: RunVerdict) -> Iterator[str]:
    """The table of calls by operation and target, folded."""
    if not verdict.round_trips:
        return
    found = {(one.operation, one.target): one for one in verdict.round_trips}
    yield "<details><summary>Calls over the wire for each operation (least–most)</summary>\n"
    yield "| | " + " | ".join(verdict.targets) + " |"
    yield "| --- |" + " --: |" * len(verdict.targets)
    for operation in dict.fromkeys(one.operation for one in verdict.round_trips):
        cells = (span(found.get((operation, label))) for label in verdict.targets)
        yield f"| {operation} | {' | '.join(cells)} |"
    yield "\n</details>\n"


def _below(verdict: RunVerdict) -> Iterator[str]:
    yield from _round_trips(verdict)
    lost = [(case.case, one) for case in verdict.cases for one in case.targets if one.status == "could not run"]
    if lost:
        yield f"**Could not run** ({len(lost)})\n"
        for case, one in lost[:10]:
            yield f"- {one.target}, {code_span(case)}: {plain(one_line(one.detail or '', _WORDS))}"
        yield from _more(lost, 10)
    if verdict.stale:
        yield "**Ledger entries that no longer hold**\n"
        yield from (f"- {one.location}: {plain(one.what)}" for one in verdict.stale[:20])
        yield from _more(verdict.stale, 20)
    if verdict.overdue:
        yield "**Ledger entries past their review date**\n"
        yield from (f"- {one.location}: due {one.review}" for one in verdict.overdue[:20])
        yield from _more(verdict.overdue, 20)
    if verdict.unavailable:
        yield "**Not available here**\n"
        for missing in verdict.unavailable:
            install = f" Install: {plain(missing.missing.install)}" if missing.missing.install else ""
            yield f"- {plain(missing.name)}: {plain(one_line(missing.missing.what, _WORDS))}{install}"
        yield ""
    yield from (f"{plain(note)}  " for note in verdict.notes)
    yield from (f"{line}  " for line in totals(verdict))


def _more(things: Sequence[object], shown: int) -> Iterator[str]:
    yield f"- and {len(things) - shown} more\n" if len(things) > shown else ""

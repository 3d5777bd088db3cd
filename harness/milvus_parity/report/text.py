"""The report for people at a terminal, or in a log: as wide as it is told to be, with or without colour."""

from collections.abc import Collection, Mapping, Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from milvus_parity.judge.exit_code import Strict
from milvus_parity.model.errors import ExitCode
from milvus_parity.model.run import RunRecord
from milvus_parity.model.verdict import RunVerdict
from milvus_parity.report.clean import clean
from milvus_parity.report.findings import findings_of
from milvus_parity.report.overview import (
    APART,
    DIFFERENT,
    FAILED,
    KNOWN,
    LOST,
    MEANINGS,
    PASS,
    SUBTLE,
    Row,
    conclusion,
    headline,
    incomplete,
    rows_of,
    totals,
    who_differs,
)
from milvus_parity.report.page import Page
from milvus_parity.report.text_findings import FindingsText

_STYLES: Mapping[str, str] = {
    PASS: "green",
    DIFFERENT: "bold red",
    FAILED: "bold red",
    SUBTLE: "yellow",
    KNOWN: "cyan",
    LOST: "magenta",
    APART: "dim",
}
_LOST_SHOWN = 20


def text_report(
    verdict: RunVerdict,
    record: RunRecord,
    *,
    width: int,
    color: bool,
    strict: Strict,
    required: Collection[str],
) -> str:
    """The whole report as text."""
    page = Page(width, color, verdict.targets)
    _Text(page, verdict).write(record, strict, required)
    return page.text()


class _Text:
    def __init__(self, page: Page, verdict: RunVerdict) -> None:
        self.page = page
        self.verdict = verdict

    def write(self, record: RunRecord, strict: Strict, required: Collection[str]) -> None:
        self.page.line(headline(self.verdict, record), style="bold")
        for sentence in incomplete(self.verdict, record):
            self.page.line(f"{LOST} {clean(sentence)}", style="magenta")
        self._table()
        findings = FindingsText(self.page)
        findings.write(findings_of(self.verdict, record))
        findings.round_trips(self.verdict)
        self._lost()
        self._ledger()
        self._unavailable()
        self._end(strict, required)

    def _table(self) -> None:
        rows, left_out = rows_of(self.verdict)
        if not rows and not left_out:
            return
        named = max((cell_len(row.name) for row in rows), default=0) + 4
        label = max(min(named, max(self.page.width // 2, 24)), 12)
        per_table = self._columns_that_fit(label)
        labels = self.verdict.targets
        for first in range(0, max(len(labels), 1), per_table):
            self.page.blank()
            self._part_of_table(rows, label, range(first, min(first + per_table, len(labels))))
        if left_out:
            self.page.blank()
            self.page.line(left_out, 2)
        self._legend(rows)
        self._who()

    def _legend(self, rows: Sequence[Row]) -> None:
        used = {one for row in rows for one in row.marks}
        self.page.blank()
        for sign, meaning in MEANINGS.items():
            if sign in used:
                self.page.console.print(Text.assemble("  ", (sign, _STYLES[sign]), f" {meaning}"), soft_wrap=True)

    def _who(self) -> None:
        lines = who_differs(self.verdict)
        if not lines:
            return
        self.page.title("Who differs")
        labels = {label: self.page.short(label) for label in self.verdict.targets}
        shown = [(", ".join(labels[one] for one in who.split(", ")), what) for who, what in lines]
        width = max(cell_len(who) for who, _ in shown[:-1] or shown)
        for who, what in shown:
            self.page.line(f"{who.ljust(width)}  {what}", 2)

    def _columns_that_fit(self, label: int) -> int:
        widths = [max(map(cell_len, _heading(one))) + 2 for one in self.verdict.targets]
        room, fit = self.page.width - label, 0
        for width in widths:
            room -= width
            if room < 0:
                break
            fit += 1
        return max(fit, 1)

    def _part_of_table(self, rows: Sequence[Row], label: int, columns: range) -> None:
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=True, header_style="", pad_edge=False)
        table.add_column("", width=label - 2, overflow="fold", vertical="bottom")
        headings = [_heading(self.verdict.targets[place]) for place in columns]
        height = max((len(heading) for heading in headings), default=0)
        for heading in headings:
            lines = [""] * (height - len(heading)) + heading
            table.add_column(Text("\n".join(lines), style="bold"), no_wrap=True)
        topic = None
        for row in rows:
            if row.topic != topic:
                topic = row.topic
                table.add_row(Text(topic or "", style="bold"))
            cells = [Text(row.marks[place], style=_STYLES.get(row.marks[place], "")) for place in columns]
            table.add_row(Text(f"  {clean(row.name)}"), *cells)
        self.page.console.print(table)

    def _lost(self) -> None:
        lost = [
            (case.case, one) for case in self.verdict.cases for one in case.targets if one.status == "could not run"
        ]
        if not lost:
            return
        self.page.title("Could not run")
        by_reason: dict[tuple[str, str], list[str]] = {}
        for case, one in lost:
            by_reason.setdefault((one.target, one.detail or ""), []).append(case)
        for (target, detail), cases in list(by_reason.items())[:_LOST_SHOWN]:
            also = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
            self.page.line(f"{LOST} {target}, {clean(cases[0])}{also}:", 2)
            for line in clean(detail).splitlines() or [""]:
                self.page.line(line, 6)
        if len(by_reason) > _LOST_SHOWN:
            self.page.line(f"and {len(by_reason) - _LOST_SHOWN} more reasons", 2)

    def _ledger(self) -> None:
        if self.verdict.stale:
            self.page.title("Ledger entries that no longer hold")
            for stale in self.verdict.stale:
                self.page.line(f"{stale.location}  {clean(stale.case)}: {clean(stale.what)}", 2, style="yellow")
        if self.verdict.overdue:
            self.page.title("Ledger entries past their review date")
            for entry in self.verdict.overdue:
                self.page.line(f"{entry.location}  due {entry.review}: {clean(entry.why)}", 2, style="yellow")

    def _unavailable(self) -> None:
        if not self.verdict.unavailable:
            return
        self.page.title("Not available here")
        for one in self.verdict.unavailable:
            self.page.line(f"{one.name}: {clean(one.missing.what)}", 2)
            if one.missing.install:
                self.page.line(f"install: {clean(one.missing.install)}", 6)

    def _end(self, strict: Strict, required: Collection[str]) -> None:
        self.page.blank()
        for note in self.verdict.notes:
            self.page.line(clean(note))
        for line in totals(self.verdict):
            self.page.line(line)
        code, sentence = conclusion(self.verdict, strict, required)
        self.page.line(sentence, style="bold green" if code == ExitCode.OK else "bold red")


def _heading(label: str) -> list[str]:
    """A target's name in short lines: its parts, then its version."""
    name, _, version = label.partition("@")
    parts = name.split("-")
    return [*(f"{part}-" for part in parts[:-1]), parts[-1], version]

"""The report for people at a terminal, or in a log: as wide as it is told to be, with or without colour."""

from collections.abc import Collection, Mapping, Sequence
from io import StringIO

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from milvus_parity.judge.exit_code import Strict
from milvus_parity.model.errors import ExitCode
from milvus_parity.model.run import RunRecord
from milvus_parity.model.verdict import Group, KnownRef, RunVerdict
from milvus_parity.report.clean import clean, one_line
from milvus_parity.report.findings import Aspect, Finding, Snippet, findings_of
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

_STYLES: Mapping[str, str] = {
    PASS: "green",
    DIFFERENT: "bold red",
    FAILED: "bold red",
    SUBTLE: "yellow",
    KNOWN: "cyan",
    LOST: "magenta",
    APART: "dim",
}
_WEIGHTS = {"must": "must match", "should": "should match", "told": "told only"}
_NAMED_CASES = 12
_TOLD_SHOWN = 10
_SHORT_VALUE = 30
"""Characters of a value that stands beside its targets; a longer one stands below them."""
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
    """The whole report as text, without a trailing blank line."""
    out = StringIO()
    console = Console(
        file=out,
        width=max(width, 40),
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    _Text(console, verdict, record).write(strict, required)
    lines = (line.rstrip() for line in out.getvalue().splitlines())
    return "\n".join(lines).strip("\n") + "\n"


class _Text:
    def __init__(self, console: Console, verdict: RunVerdict, record: RunRecord) -> None:
        self.console = console
        self.verdict = verdict
        self.record = record

    def write(self, strict: Strict, required: Collection[str]) -> None:
        self._line(headline(self.verdict, self.record), style="bold")
        for sentence in incomplete(self.verdict, self.record):
            self._line(f"{LOST} {clean(sentence)}", style="magenta")
        self._table()
        findings = findings_of(self.verdict, self.record)
        counted = [finding for finding in findings if finding.weight != "told"]
        numbered = list(enumerate(counted, 1))
        self._findings("Differences", [one for one in numbered if not one[1].known])
        self._findings("Known differences", [one for one in numbered if one[1].known])
        self._told([finding for finding in findings if finding.weight == "told"])
        self._lost()
        self._ledger()
        self._unavailable()
        self._end(strict, required)

    # The table.

    def _table(self) -> None:
        rows, well = rows_of(self.verdict)
        if not rows and not well:
            return
        named = max((cell_len(row.name) for row in rows), default=0) + 4
        label = max(min(named, max(self.console.width // 2, 24)), 12)
        per_table = self._columns_that_fit(label)
        labels = self.verdict.targets
        for first in range(0, max(len(labels), 1), per_table):
            self._blank()
            self._part_of_table(rows, label, range(first, min(first + per_table, len(labels))))
        if well:
            self._blank()
            self._line(f"  and {well} cases in which all is well")
        self._legend(rows, well)
        self._who()

    def _legend(self, rows: Sequence[Row], well: int) -> None:
        used = {one for row in rows for one in row.marks} | ({PASS} if well else set())
        self._blank()
        for sign, meaning in MEANINGS.items():
            if sign in used:
                self.console.print(Text.assemble("  ", (sign, _STYLES[sign]), f" {meaning}"), soft_wrap=True)

    def _who(self) -> None:
        lines = who_differs(self.verdict)
        if not lines:
            return
        self._title("Who differs")
        labels = {label: self._short(label) for label in self.verdict.targets}
        shown = [(", ".join(labels[one] for one in who.split(", ")), what) for who, what in lines]
        width = max(cell_len(who) for who, _ in shown[:-1] or shown)
        for who, what in shown:
            self._indented(f"{who.ljust(width)}  {what}", 2)

    def _columns_that_fit(self, label: int) -> int:
        widths = [max(map(cell_len, _heading(one))) + 2 for one in self.verdict.targets]
        room, fit = self.console.width - label, 0
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
        self.console.print(table)

    # What differs.

    def _findings(self, title: str, findings: Sequence[tuple[int, Finding]]) -> None:
        if not findings:
            return
        self._title(title)
        for number, finding in findings:
            self._finding(number, finding)

    def _finding(self, number: int, finding: Finding) -> None:
        self._blank()
        head = Text.assemble((f"{number}. {finding.cases[0]}", "bold"), f"  {clean(finding.title)}")
        self.console.print(head)
        self._indented(f"step {finding.step}: {clean(finding.words)}", 3)
        self._indented(str(finding.location), 3, style="dim")
        for aspect in finding.aspects:
            self._aspect(aspect)
        self._snippets(finding.snippets)
        self._other_cases(finding)

    def _aspect(self, aspect: Aspect) -> None:
        self._blank()
        among = f", among those with the result “{aspect.among}”" if aspect.among else ""
        basis = "; no majority" if aspect.basis == "none" else ""
        self.console.print(
            Padding(Text.assemble((aspect.facet, "bold"), f"  ({_WEIGHTS[aspect.weight]}{among}{basis})"), (0, 0, 0, 3))
        )
        self._groups(aspect)
        if aspect.expected is not None:
            where = f"  {aspect.location}" if aspect.location else ""
            self._indented(f"promised: {clean(aspect.expected)}{where}", 5)
        if aspect.consequence_of is not None:
            self._indented(f"(may follow from step {aspect.consequence_of})", 5, style="dim")
        self._pins(aspect)

    def _groups(self, aspect: Aspect) -> None:
        texts = [clean(group.text) for group in aspect.groups]
        longest = max(max(map(cell_len, text.splitlines() or [""])) for text in texts)
        if longest <= _SHORT_VALUE and not any("\n" in text for text in texts):
            for group, text in zip(aspect.groups, texts, strict=True):
                value = Text(text.ljust(longest + len(text) - cell_len(text)) + "  ")
                self.console.print(Padding(Text.assemble(value, self._members(group, aspect)), (0, 0, 0, 5)))
                if group.detail:
                    self._indented(clean(group.detail), longest + 7, style="dim")
            return
        for group, text in zip(aspect.groups, texts, strict=True):
            self.console.print(Padding(self._members(group, aspect), (0, 0, 0, 5)))
            self._indented(text, 7)

    def _members(self, group: Group, aspect: Aspect) -> Text:
        odd = aspect.basis != "none" and bool(set(group.targets) & set(aspect.odd))
        members = ", ".join(self._short(target) for target in group.targets)
        if not odd:
            return Text(members)
        pinned = all(target in aspect.pins for target in group.targets)
        return Text.assemble(members, ("  ← known" if pinned else "  ← odd one out", "cyan" if pinned else "bold red"))

    def _pins(self, aspect: Aspect) -> None:
        by_entry: dict[KnownRef, list[str]] = {}
        for target, entry in aspect.pins.items():
            by_entry.setdefault(entry, []).append(self._short(target))
        for entry, targets in by_entry.items():
            late = f", review was due {entry.review}" if entry.overdue else ""
            link = f" {entry.link}" if entry.link else ""
            whom = f"known ({entry.reason_class}{late}) for {', '.join(targets)}"
            self._indented(f"{whom}: {clean(entry.why)}{link}  {entry.location}", 5, style="cyan")
        others: dict[KnownRef, list[str]] = {}
        for target, entry in aspect.pinned_otherwise.items():
            others.setdefault(entry, []).append(self._short(target))
        for entry, targets in others.items():
            self._indented(f"{entry.location} pins another value for {', '.join(targets)}.", 5, style="yellow")

    def _snippets(self, snippets: Sequence[Snippet]) -> None:
        if not snippets:
            return
        self._blank()
        texts = [clean(one.text).expandtabs(4) for one in snippets]
        widths = [max(cell_len(line) for line in text.splitlines() or [""]) for text in texts]
        if sum(widths) + 5 * len(widths) <= self.console.width:
            table = Table(box=None, padding=(0, 5, 0, 0), pad_edge=False, header_style="dim")
            for one, width in zip(snippets, widths, strict=True):
                table.add_column(Text(self._short(one.target), style="dim"), no_wrap=True, min_width=min(width, 30))
            table.add_row(*(Text(text) for text in texts))
            self.console.print(Padding(table, (0, 0, 0, 5)))
            return
        for one, text in zip(snippets, texts, strict=True):
            self._indented(self._short(one.target), 5, style="dim")
            for line in text.splitlines():
                self.console.print(Text(f"       {line}"), soft_wrap=True)

    def _other_cases(self, finding: Finding) -> None:
        others = finding.cases[1:]
        if not others:
            return
        self._blank()
        more = f" and {len(others) - _NAMED_CASES} more" if len(others) > _NAMED_CASES else ""
        names = ", ".join(clean(case) for case in others[:_NAMED_CASES])
        self._indented(f"The same in {len(others)} more {_noun(others, 'case')}: {names}{more}", 3)

    def _told(self, findings: Sequence[Finding]) -> None:
        if not findings:
            return
        self._title("Told only, never counted")
        for finding in findings[:_TOLD_SHOWN]:
            for aspect in finding.aspects:
                groups = " | ".join(
                    f"{one_line(group.text, 60)}: {', '.join(self._short(one) for one in group.targets)}"
                    for group in aspect.groups
                )
                also = f" and {len(finding.cases) - 1} more" if len(finding.cases) > 1 else ""
                where = f"step {finding.step} of {clean(finding.cases[0])}{also}"
                self._indented(f"{aspect.facet}, {where}: {groups}", 2)
        if len(findings) > _TOLD_SHOWN:
            self._indented(f"and {len(findings) - _TOLD_SHOWN} more: see --format json", 2)

    # What is around it.

    def _lost(self) -> None:
        lost = [
            (case.case, one) for case in self.verdict.cases for one in case.targets if one.status == "could not run"
        ]
        if not lost:
            return
        self._title("Could not run")
        by_reason: dict[tuple[str, str], list[str]] = {}
        for case, one in lost:
            by_reason.setdefault((one.target, one.detail or ""), []).append(case)
        for (target, detail), cases in list(by_reason.items())[:_LOST_SHOWN]:
            also = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
            self._indented(f"{LOST} {target}, {cases[0]}{also}:", 2)
            for line in clean(detail).splitlines() or [""]:
                self._indented(line, 6)
        if len(by_reason) > _LOST_SHOWN:
            self._indented(f"and {len(by_reason) - _LOST_SHOWN} more reasons", 2)

    def _ledger(self) -> None:
        if self.verdict.stale:
            self._title("Ledger entries that no longer hold")
            for stale in self.verdict.stale:
                self._indented(f"{stale.location}  {clean(stale.case)}: {clean(stale.what)}", 2, style="yellow")
        if self.verdict.overdue:
            self._title("Ledger entries past their review date")
            for entry in self.verdict.overdue:
                self._indented(f"{entry.location}  due {entry.review}: {clean(entry.why)}", 2, style="yellow")

    def _unavailable(self) -> None:
        if not self.verdict.unavailable:
            return
        self._title("Not available here")
        for one in self.verdict.unavailable:
            self._indented(f"{one.name}: {clean(one.missing.what)}", 2)
            if one.missing.install:
                self._indented(f"install: {clean(one.missing.install)}", 6)

    def _end(self, strict: Strict, required: Collection[str]) -> None:
        self._blank()
        for note in self.verdict.notes:
            self._line(clean(note))
        for line in totals(self.verdict):
            self._line(line)
        code, sentence = conclusion(self.verdict, strict, required)
        self._line(sentence, style="bold green" if code == ExitCode.OK else "bold red")

    def _title(self, title: str) -> None:
        self._blank()
        self._line(title, style="bold underline" if self.console.color_system else "")
        if not self.console.color_system:
            self._line("-" * len(title))

    def _short(self, label: str) -> str:
        """The target without its version, where only one version of it was run."""
        name = label.partition("@")[0]
        alike = sum(1 for one in self.verdict.targets if one.partition("@")[0] == name)
        return name if alike <= 1 else label

    def _line(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style))

    def _indented(self, text: str, indent: int, style: str = "") -> None:
        self.console.print(Padding(Text(text, style=style), (0, 0, 0, indent)))

    def _blank(self) -> None:
        self.console.print()


def _heading(label: str) -> list[str]:
    """A target's name in short lines: its parts, then its version."""
    name, _, version = label.partition("@")
    parts = name.split("-")
    return [*(f"{part}-" for part in parts[:-1]), parts[-1], version]


def _noun(things: Sequence[object], noun: str) -> str:
    return noun if len(things) == 1 else f"{noun}s"

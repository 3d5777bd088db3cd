"""What differs, as text: each finding with who says what, what was run and what was sent."""

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from milvus_parity.model.outcome import Weight
from milvus_parity.model.verdict import Group, KnownRef, RunVerdict
from milvus_parity.model.wire import CallComparison, FieldDifference, RoundTrips
from milvus_parity.report.clean import clean, clip, one_line
from milvus_parity.report.findings import Aspect, Finding, Snippet, flag_of
from milvus_parity.report.overview import span
from milvus_parity.report.page import Page
from milvus_parity.report.sent import Sent

_WEIGHTS: Mapping[Weight, str] = {"must": "must match", "should": "should match", "told": "told only"}
_NAMED_CASES = 12
_TOLD_SHOWN = 10
_FIELDS_SHOWN = 6
_LONG = 240
"""Characters of a call or of a step's words; the other formats have them whole."""
_SHORT_VALUE = 30
"""Characters of a value that stands beside its targets; a longer one stands below them."""


class FindingsText:
    """Writes findings to a page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def write(self, findings: Sequence[Finding]) -> None:
        """All findings: those that count, the known ones, and what is only told."""
        counted = list(enumerate((finding for finding in findings if finding.weight != "told"), 1))
        self._findings("Differences", [one for one in counted if not one[1].known])
        self._findings("Known differences", [one for one in counted if one[1].known])
        self._told([finding for finding in findings if finding.weight == "told"])

    def round_trips(self, verdict: RunVerdict) -> None:
        """The table of calls by operation and target."""
        if not verdict.round_trips:
            return
        self.page.title("Calls over the wire for each operation (least–most)")
        self.page.blank()
        rows: dict[str, dict[str, RoundTrips]] = {}
        for one in verdict.round_trips:
            rows.setdefault(one.operation, {})[one.target] = one
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
        table.add_column("")
        for label in verdict.targets:
            table.add_column(self.page.short(label).replace("-", "-\n"), vertical="bottom")
        for operation, cells in rows.items():
            table.add_row(f"  {operation}", *(span(cells.get(label)) for label in verdict.targets))
        self.page.console.print(table)

    def _findings(self, title: str, findings: Sequence[tuple[int, Finding]]) -> None:
        if not findings:
            return
        self.page.title(title)
        for number, finding in findings:
            self._finding(number, finding)

    def _finding(self, number: int, finding: Finding) -> None:
        self.page.blank()
        head = Text.assemble((f"{number}. {clean(finding.cases[0])}", "bold"), f"  {clean(finding.title)}")
        self.page.console.print(head)
        self.page.line(f"step {finding.step}: {clip(clean(finding.words), _LONG)}", 3)
        self.page.line(str(finding.location), 3, style="dim")
        for aspect in finding.aspects:
            self._aspect(aspect)
        self._snippets(finding.snippets)
        if finding.sent is not None:
            self._sent(finding.sent)
        self._other_cases(finding)

    def _aspect(self, aspect: Aspect) -> None:
        self.page.blank()
        among = f", among those with the result “{aspect.among}”" if aspect.among else ""
        basis = "; no majority" if aspect.basis == "none" else ""
        self.page.console.print(
            Padding(Text.assemble((aspect.facet, "bold"), f"  ({_WEIGHTS[aspect.weight]}{among}{basis})"), (0, 0, 0, 3))
        )
        self._groups(aspect)
        if aspect.expected is not None:
            where = f"  {aspect.location}" if aspect.location else ""
            self.page.line(f"promised: {clean(aspect.expected)}{where}", 5)
        if aspect.consequence_of is not None:
            self.page.line(f"(may follow from step {aspect.consequence_of})", 5, style="dim")
        self._pins(aspect)

    def _groups(self, aspect: Aspect) -> None:
        texts = [clean(group.text) for group in aspect.groups]
        longest = max(max(map(cell_len, text.splitlines() or [""])) for text in texts)
        if longest <= _SHORT_VALUE and not any("\n" in text for text in texts):
            for group, text in zip(aspect.groups, texts, strict=True):
                value = Text(text.ljust(longest + len(text) - cell_len(text)) + "  ")
                self.page.console.print(Padding(Text.assemble(value, self._members(group, aspect)), (0, 0, 0, 5)))
                if group.detail:
                    self.page.line(clean(group.detail), longest + 7, style="dim")
            return
        for group, text in zip(aspect.groups, texts, strict=True):
            self.page.console.print(Padding(self._members(group, aspect), (0, 0, 0, 5)))
            self.page.line(text, 7)

    def _members(self, group: Group, aspect: Aspect) -> Text:
        members = self.page.shorts(group.targets)
        flag = flag_of(group, aspect)
        return (
            Text.assemble(members, (f"  ← {flag}", "cyan" if flag == "known" else "bold red"))
            if flag
            else Text(members)
        )

    def _pins(self, aspect: Aspect) -> None:
        by_entry: dict[KnownRef, list[str]] = {}
        for target, entry in aspect.pins.items():
            by_entry.setdefault(entry, []).append(self.page.short(target))
        for entry, targets in by_entry.items():
            late = f", review was due {entry.review}" if entry.overdue else ""
            link = f" {entry.link}" if entry.link else ""
            whom = f"known ({entry.reason_class}{late}) for {', '.join(targets)}"
            self.page.line(f"{whom}: {clean(entry.why)}{link}  {entry.location}", 5, style="cyan")
        others: dict[KnownRef, list[str]] = {}
        for target, entry in aspect.pinned_otherwise.items():
            others.setdefault(entry, []).append(self.page.short(target))
        for entry, targets in others.items():
            self.page.line(f"{entry.location} pins another value for {', '.join(targets)}.", 5, style="yellow")

    def _snippets(self, snippets: Sequence[Snippet]) -> None:
        if not snippets:
            return
        self.page.blank()
        texts = [clean(one.text).expandtabs(4).rstrip() for one in snippets]
        widths = [max(cell_len(line) for line in text.splitlines() or [""]) for text in texts]
        if sum(widths) + 5 * len(widths) <= self.page.width:
            table = Table(box=None, padding=(0, 5, 0, 0), pad_edge=False, header_style="dim")
            for one, width in zip(snippets, widths, strict=True):
                table.add_column(Text(self.page.short(one.target), style="dim"), no_wrap=True, min_width=min(width, 30))
            table.add_row(*(Text(text) for text in texts))
            self.page.console.print(Padding(table, (0, 0, 0, 5)))
            return
        for one, text in zip(snippets, texts, strict=True):
            self.page.line(self.page.short(one.target), 5, style="dim")
            self.page.code(text, 7)

    def _other_cases(self, finding: Finding) -> None:
        others = finding.cases[1:]
        if not others:
            return
        self.page.blank()
        more = f" and {len(others) - _NAMED_CASES} more" if len(others) > _NAMED_CASES else ""
        names = ", ".join(clean(case) for case in others[:_NAMED_CASES])
        self.page.line(f"The same in {len(others)} more {_noun(others, 'case')}: {names}{more}", 3)

    def _sent(self, sent: Sent) -> None:
        self.page.blank()
        self.page.line("over the wire", 3, "bold")
        for one in sent.by:
            self.page.line(self.page.shorts(one.targets), 5)
            for said in one.calls or ("no call",):
                self.page.line(clip(clean(said), _LONG), 7, "dim")
        fields = [(call, field) for call in sent.calls for field in call.differences if _is_telling(field)]
        for call, field in fields[:_FIELDS_SHOWN]:
            by_value: dict[str, list[str]] = {}
            for target, value in field.values.items():
                by_value.setdefault("not sent" if value is None else value, []).append(target)
            values = "; ".join(f"{one_line(value, 60)} ({self.page.shorts(who)})" for value, who in by_value.items())
            self.page.line(f"{_call_name(call)}, {clean(field.path)}: {values}", 5)
        if len(fields) > _FIELDS_SHOWN:
            self.page.line(f"and {len(fields) - _FIELDS_SHOWN} more fields: see --format json", 5)

    def _told(self, findings: Sequence[Finding]) -> None:
        if not findings:
            return
        self.page.title("Told only, never counted")
        for finding in findings[:_TOLD_SHOWN]:
            for aspect in finding.aspects:
                also = f" and {len(finding.cases) - 1} more" if len(finding.cases) > 1 else ""
                where = f"step {finding.step} of {clean(finding.cases[0])}{also}: {clip(clean(finding.words), 100)}"
                self.page.line(Text.assemble((aspect.facet, "bold"), f"  {where}"), 2)
                for group in aspect.groups:
                    self.page.line(f"{self.page.shorts(group.targets)}: {one_line(group.text, 200)}", 6)
        if len(findings) > _TOLD_SHOWN:
            self.page.line(f"and {len(findings) - _TOLD_SHOWN} more: see --format json", 2)


def _is_telling(field: FieldDifference) -> bool:
    """Whether a field says what was asked for: SDKs differ in deadlines and metadata of their own all the time."""
    return field.path == "metadata dbname" or not field.path.startswith(("metadata ", "deadline", "encoding"))


def _call_name(call: CallComparison) -> str:
    return call.name if call.occurrence == 1 else f"{call.name} ({call.occurrence})"


def _noun(things: Sequence[object], noun: str) -> str:
    return noun if len(things) == 1 else f"{noun}s"

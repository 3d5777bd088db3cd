"""What stands above and below every report: the table of cases and targets, totals, what the exit status means."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from milvus_parity.judge.exit_code import Strict, could_not_run, counts, exit_code
from milvus_parity.model.errors import ExitCode
from milvus_parity.model.outcome import FACETS, Facet
from milvus_parity.model.run import RunHeader, RunRecord
from milvus_parity.model.scenario import Frozen
from milvus_parity.model.verdict import CaseVerdict, RunVerdict, Status, TargetVerdict
from milvus_parity.model.wire import RoundTrips

PASS, DIFFERENT, FAILED, SUBTLE, KNOWN, LOST, APART = "✓", "≠", "✗", "~", "k", "!", "–"

MEANINGS: Mapping[str, str] = {
    PASS: "as the others, and as the scenario says",
    FAILED: "not what the scenario says",
    DIFFERENT: "differs where all must match",
    SUBTLE: "differs where all should match (code, reason, who refused)",
    KNOWN: "a known difference, found as pinned",
    LOST: "could not run",
    APART: "not supported by this server",
}

_FEW_ROWS = 60
"""A table with more rows leaves out those in which nothing is open."""
_MOST_ROWS = 300


class Row(Frozen, frozen=True, kw_only=True):
    """A row of the table: a case, or several of a scenario with the same marks. ``well``: nothing is open in them."""

    topic: str
    name: str
    marks: tuple[str, ...]
    well: bool
    cases: int = 1


def mark(verdict: TargetVerdict) -> str:
    """The short mark of a target in a case."""
    if verdict.status in ("different", "failed"):
        if verdict.weight == "should":
            return SUBTLE
        return DIFFERENT if verdict.status == "different" else FAILED
    marks: Mapping[Status, str] = {"pass": PASS, "known": KNOWN, "could not run": LOST, "not applicable": APART}
    return marks[verdict.status]


def rows_of(verdict: RunVerdict) -> tuple[tuple[Row, ...], str]:
    """The rows of the table, and a sentence on those that it leaves out (empty when it has all)."""
    scenarios: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for case in verdict.cases:
        by_target = {one.target: mark(one) for one in case.targets}
        marks = tuple(by_target.get(label, "") for label in verdict.targets)
        scenarios.setdefault(case.case.partition("[")[0], []).append((case.case, marks))
    rows = [row for scenario, cases in scenarios.items() for row in _scenario_rows(scenario, cases)]
    if len(rows) <= _FEW_ROWS:
        return tuple(rows), ""
    shown = [row for row in rows if not row.well]
    well = sum(row.cases for row in rows if row.well)
    words = [f"{_count(well, 'case')} in which nothing is open"] if well else []
    if len(shown) > _MOST_ROWS:
        words.append(f"{_count(len(shown) - _MOST_ROWS, 'case')} more with something open")
    return tuple(shown[:_MOST_ROWS]), f"and {' and '.join(words)}" if words else ""


def _scenario_rows(scenario: str, cases: Sequence[tuple[str, tuple[str, ...]]]) -> Iterator[Row]:
    """The cases of a scenario; those with the same marks become one row, where the first of them stands."""
    topic, _, name = scenario.rpartition("/")
    alike = Counter(marks for _, marks in cases)
    told: set[tuple[str, ...]] = set()
    for case, marks in cases:
        if marks in told:
            continue
        told.add(marks)
        number, well = alike[marks], _is_well(marks)
        shown = case.removeprefix(f"{topic}/")
        if number > 1 and well:
            shown = f"{name} ({number} of {len(cases)} cases)" if number < len(cases) else f"{name} ({number} cases)"
        elif number > 1:
            shown = f"{shown} and {number - 1} more"
        yield Row(topic=topic, name=shown, marks=marks, well=well, cases=number)


def _is_well(marks: Sequence[str]) -> bool:
    return all(one in (PASS, APART, KNOWN) for one in marks)


def who_differs(verdict: RunVerdict) -> tuple[tuple[str, str], ...]:
    """For each target with open findings, in how many cases and facets; then those that have none, in one line."""
    lines, well = [], []
    for label in verdict.targets:
        cases: set[str] = set()
        facets: Counter[Facet] = Counter()
        for case in verdict.cases:
            found = _open_facets(case, label)
            facets.update(found)
            if found:
                cases.add(case.case)
        if cases:
            parts = ", ".join(f"{facet} in {facets[facet]}" for facet in FACETS if facets[facet])
            lines.append((label, f"{_count(len(cases), 'case')}: {parts}"))
        elif any(
            one.target == label and one.status in ("pass", "known") for case in verdict.cases for one in case.targets
        ):
            well.append(label)
    if well and lines:
        lines.append((", ".join(well), "nothing open"))
    return tuple(lines)


def _open_facets(case: CaseVerdict, label: str) -> set[Facet]:
    found: set[Facet] = {one.facet for one in case.failures if one.target == label and one.known is None}
    for one in case.differences:
        if label in one.odd and not one.known and label not in one.pins and one.weight != "told":
            found.add(one.facet)
    return found


def span(found: RoundTrips | None) -> str:
    """How many calls an operation takes, least to most."""
    if found is None:
        return ""
    return str(found.least) if found.least == found.most else f"{found.least}–{found.most}"


def headline(verdict: RunVerdict, record: RunRecord) -> str:
    """What was run, where, when."""
    header = record.header
    parts = [f"run {header.id}", _server(header)]
    if header.runtime:
        parts.append({"process": "in processes", "container": "in containers"}.get(header.runtime, header.runtime))
    if header.shard is not None:
        parts.append(f"shard {header.shard.index} of {header.shard.count}")
    parts.append(f"{_count(len(verdict.cases), 'case')} × {_count(len(verdict.targets), 'target')}")
    if record.footer is not None:
        parts.append(f"{max(record.footer.ended - header.started, 0):.0f} s")
    parts.append(datetime.fromtimestamp(header.started, UTC).strftime("%Y-%m-%d %H:%M UTC"))
    return " · ".join(parts)


def _server(header: RunHeader) -> str:
    return f"Milvus {header.server.version} ({header.server.kind})" if header.server else "no server"


def incomplete(verdict: RunVerdict, record: RunRecord) -> tuple[str, ...]:
    """Sentences on why the run is not whole; none when it is."""
    ends = {
        "interrupted": "The run was interrupted: what was finished by then is here.",
        "failed fast": "The run stopped at the first difference, as asked: the rest was not run.",
        "server died": "The server died in the middle of the run: the rest was not run.",
        "disk full": "The disk ran full: what was finished by then is here.",
        "error": "The run ended in an error.",
    }
    sentences = [ends[verdict.end]] if verdict.end in ends else []
    if sentences and record.footer is not None and record.footer.detail:
        sentences[0] = f"{sentences[0]} {record.footer.detail}"
    if verdict.condition == "edited":
        sentences.append("The files of this run were changed after it ended.")
    return (*sentences, *verdict.problems)


def totals(verdict: RunVerdict) -> tuple[str, ...]:
    """How many cases and executions, by status."""
    cases = Counter(case.status for case in verdict.cases)
    executions = Counter(target.status for case in verdict.cases for target in case.targets)
    names: Mapping[Status, str] = {
        "pass": "pass",
        "known": "known differences",
        "different": "different",
        "failed": "not as the scenario says",
        "could not run": "could not run",
        "not applicable": "not supported by this server",
    }
    lines = []
    for noun, found in (("case", cases), ("execution", executions)):
        parts = ", ".join(f"{found[status]} {name}" for status, name in names.items() if found[status])
        if parts:
            lines.append(f"{_count(sum(found.values()), noun)}: {parts}")
    return tuple(lines)


def conclusion(verdict: RunVerdict, strict: Strict, required: Collection[str]) -> tuple[ExitCode, str]:
    """The exit status and what it means here, in a sentence."""
    code = exit_code(verdict, strict, required)
    return code, f"Exit status {int(code)}: {_meaning(verdict, code, strict, required)}"


def _meaning(verdict: RunVerdict, code: ExitCode, strict: Strict, required: Collection[str]) -> str:
    if code == ExitCode.DIFFERENT:
        number = sum(1 for case in verdict.cases if counts(case, strict))
        facets = "facets that must match" if strict == "must" else "facets that must or should match"
        return (
            f"{_count(number, 'case')} with a difference or a broken promise in {facets}, and no ledger entry for it."
        )
    if code == ExitCode.COULD_NOT_RUN:
        return " ".join(could_not_run(verdict, required))
    if code == ExitCode.STALE_LEDGER:
        one = len(verdict.stale) == 1
        return "one ledger entry no longer holds." if one else f"{len(verdict.stale)} ledger entries no longer hold."
    known = any(case.status == "known" for case in verdict.cases)
    subtle = strict == "must" and any(counts(case, "should") for case in verdict.cases)
    if subtle:
        return "no difference in what must match; what only should match was left out (--strict must)."
    return "all is as expected, or pinned as a known difference." if known else "all is as expected."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else noun + 's'}"

"""Known findings: the entries of the ledger that pin what is wrong on pages and is left so, with why. Pure."""

import re
from datetime import date

import msgspec

from milvus_parity.docs.finding import Finding, PageResult, Report
from milvus_parity.judge.ledger import FindingEntry, Ledger
from milvus_parity.model.scenario import Frozen

_RUNNING = frozenset({"raised", "refused", "crashed", "needs more nodes", "no effect", "other effect", "other calls"})
"""Kinds of findings that only a server can bring forth."""


class Known(Frozen, frozen=True, kw_only=True):
    """A report with what is known of its findings, the entries that hold no longer, and those that are overdue."""

    report: Report
    stale: tuple[FindingEntry, ...] = ()
    overdue: tuple[FindingEntry, ...] = ()


def apply_known(report: Report, ledger: Ledger, today: date) -> Known:
    """Mark what is known.

    An entry is stale when a page of its was checked, as far as the entry's kind needs, and has no such finding. One of
    class ``flaky`` may come and go.
    """
    entries = [entry for entry in ledger.findings if entry.applies_to(report.server)]
    used: set[int] = set()
    marked = []
    for finding in report.findings:
        fitting = [entry for entry in entries if _fits(entry, finding)]
        used |= {entry.place for entry in fitting}
        marked.append(msgspec.structs.replace(finding, known=fitting[0].why) if fitting else finding)
    stale = tuple(
        entry
        for entry in entries
        if entry.place not in used
        and entry.reason_class != "flaky"
        and any(_was_looked_at(entry, page, report) for page in report.pages)
    )
    overdue = tuple(entry for entry in entries if entry.review is not None and entry.review < today)
    told = (*map(stale_text, stale), *map(overdue_text, overdue))
    return Known(
        report=msgspec.structs.replace(report, findings=tuple(marked), notes=(*report.notes, *told)),
        stale=stale,
        overdue=overdue,
    )


def stale_text(entry: FindingEntry) -> str:
    """The sentence that tells of an entry which holds no longer."""
    return (
        f"known no longer: {', '.join(entry.pages)}: no {entry.kind} is found any more ({entry.why}) {entry.location}"
    )


def overdue_text(entry: FindingEntry) -> str:
    """The sentence that tells of an entry which was to be looked at."""
    pages = ", ".join(entry.pages)
    return f"{pages}: {entry.kind} was to be looked at by {entry.review} ({entry.why}) {entry.location}"


def _fits(entry: FindingEntry, finding: Finding) -> bool:
    return (
        entry.is_on(finding.path)
        and entry.kind == finding.kind
        and entry.language in (None, finding.language)
        and re.search(entry.message, finding.message) is not None
    )


def _was_looked_at(entry: FindingEntry, page: PageResult, report: Report) -> bool:
    """Whether the finding would have been found: fences of the language whose SDK was not here say nothing."""
    if not entry.is_on(page.path):
        return False
    fences = [one for one in page.fences if one.language is not None and entry.language in (None, one.language)]
    missing = [one for one in fences if one.skipped is None and one.target in report.unavailable]
    run = report.server is not None and any(one.levels.get("runs") in ("passed", "failed") for one in fences)
    return not missing and (entry.kind not in _RUNNING or run or not fences)

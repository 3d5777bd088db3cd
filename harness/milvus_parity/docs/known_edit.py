"""Writes ledger entries from the report of a check, renews and removes them. Text in, text out."""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from milvus_parity.docs.finding import Finding, Report
from milvus_parity.docs.known import Known
from milvus_parity.judge.ledger import FindingEntry, case_matches, parse_ledger
from milvus_parity.judge.ledger_edit import Edit, Explanation
from milvus_parity.judge.ledger_text import LedgerText, Span, edited

_SPECIAL = re.compile(r"[.^$*+?{}\[\]\\|()]")
_PLACE = re.compile(r"(?<= line )\d+|(?<=:)\d+")
"""Places in a message, which move."""


def add_findings(
    text: str, name: str, report: Report, pages: Sequence[str], kinds: Sequence[str], explanation: Explanation
) -> Edit:
    """The ledger with an entry for each error that is not pinned yet; those alike on several pages become one.

    ``pages``, ``kinds``: only of these, all when empty. ``report``: with what is known marked.
    """
    together: dict[tuple[str, str | None, str], list[str]] = {}
    for one in report.errors:
        if _chosen(one, pages, kinds):
            names = together.setdefault((one.kind, one.language, _pattern(one.message)), [])
            names += [name for name in [Path(one.path).name] if name not in names]
    entries: list[dict[str, object]] = [
        {
            "page": names,
            "kind": kind,
            "language": language,
            "message": message,
            "class": explanation.reason_class,
            "why": explanation.why,
            "link": explanation.link,
            "review": explanation.review,
            "milvus": explanation.milvus,
        }
        for (kind, language, message), names in together.items()
    ]
    new = LedgerText(text, name, "findings").inserted(entries)
    parse_ledger(new, name)
    done = tuple(f"Added {kind} on {', '.join(names)}." for (kind, _, _), names in together.items())
    return Edit(text=new, done=done)


def update_findings(text: str, name: str, known: Known, renew: date | None = None) -> Edit:
    """The ledger with stale findings removed and, with ``renew``, overdue dates moved."""
    source = LedgerText(text, name, "findings")
    changes: list[tuple[Span, str]] = []
    done = []
    for entry in known.stale:
        changes.append((source.entries[entry.place].block, ""))
        done.append(f"Removed the entry of line {entry.location.line}: it no longer holds.")
    for entry in known.overdue if renew is not None else ():
        if entry not in known.stale:
            changes.append(source.entries[entry.place].replacing("review", renew))
            done.append(f"Moved the review date of line {entry.location.line} to {renew}.")
    new = edited(source.text, changes) if changes else text
    parse_ledger(new, name)
    return Edit(text=new, done=tuple(done))


def finding_line(entry: FindingEntry) -> str:
    """An entry as ``known list`` shows it."""
    language = f" {entry.language}" if entry.language else ""
    return f"{', '.join(entry.pages)}:{language} {entry.kind} [{entry.reason_class}]: {entry.why}"


def _chosen(finding: Finding, pages: Sequence[str], kinds: Sequence[str]) -> bool:
    names = (finding.path, Path(finding.path).name)
    return (not kinds or finding.kind in kinds) and (
        not pages or any(case_matches(pattern, name) for pattern in pages for name in names)
    )


def _pattern(message: str) -> str:
    """A regular expression for a message, wherever on its page it is."""
    return _PLACE.sub(r"\\d+", _SPECIAL.sub(lambda found: "\\" + found[0], message))

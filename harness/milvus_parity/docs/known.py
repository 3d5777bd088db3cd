"""Known findings: a YAML list that pins what is wrong on pages and is left so, with why."""

import fnmatch
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec

from milvus_parity.docs.finding import Finding
from milvus_parity.model.errors import BadInputError
from milvus_parity.model.scenario import Frozen


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One pinned finding. ``page``: name or glob. ``message``: a regular expression that must be found in it.

    ``review``: after this day the entry is told as overdue.
    """

    page: str
    kind: str
    language: str | None = None
    message: str = ""
    why: str
    link: str | None = None
    review: date | None = None


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: int
    findings: list[Entry] = []


class Known(Frozen, frozen=True, kw_only=True):
    """Findings with what is known of them, entries that match nothing any more, and what is overdue; sentences."""

    findings: tuple[Finding, ...]
    stale: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()


def read_entries(path: Path) -> list[Entry]:
    """The entries of a file. Raises BadInputError when it cannot be used."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        found = msgspec.convert(content, _File)
        for entry in found.findings:
            re.compile(entry.message)
    except (YAMLError, msgspec.ValidationError, OSError, UnicodeDecodeError, re.error) as error:
        raise BadInputError(f"The known findings cannot be read: {error}.", where=str(path)) from error
    if found.schema != 1:
        raise BadInputError(f"The file has version {found.schema}, this milvus-parity reads 1.", where=str(path))
    return found.findings


def apply_known(findings: Sequence[Finding], entries: Sequence[Entry], pages: Sequence[str], today: date) -> Known:
    """Mark what is known. An entry is stale when its page was checked and has no such finding."""
    used: set[int] = set()
    marked = []
    for finding in findings:
        number = next((at for at, entry in enumerate(entries) if _fits(entry, finding)), None)
        if number is None:
            marked.append(finding)
        else:
            used.add(number)
            marked.append(msgspec.structs.replace(finding, known=entries[number].why))
    return Known(
        findings=tuple(marked),
        stale=tuple(
            f"{entry.page}: no {entry.kind} is found any more ({entry.why})"
            for at, entry in enumerate(entries)
            if at not in used and any(_page(entry, page) for page in pages)
        ),
        overdue=tuple(
            f"{entry.page}: {entry.kind} was to be looked at by {entry.review} ({entry.why})"
            for entry in entries
            if entry.review is not None and entry.review < today
        ),
    )


def _page(entry: Entry, path: str) -> bool:
    return fnmatch.fnmatchcase(path, entry.page) or fnmatch.fnmatchcase(Path(path).name, entry.page)


def _fits(entry: Entry, finding: Finding) -> bool:
    return (
        _page(entry, finding.path)
        and entry.kind == finding.kind
        and entry.language in (None, finding.language)
        and re.search(entry.message, finding.message) is not None
    )

"""Writes ledger entries from a run (``known add``), renews and removes them (``known update``). Text in, text out."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import msgspec

from milvus_parity.judge.ledger import Entry, ReasonClass, canonical, case_matches, parse_ledger
from milvus_parity.judge.ledger_text import EntryText, LedgerText, Span, edited
from milvus_parity.judge.templates import HOLE, pattern_of, template_of
from milvus_parity.judge.versions import TargetPattern
from milvus_parity.judge.words import NOT_EXPOSED
from milvus_parity.model.outcome import FACETS, Facet
from milvus_parity.model.scenario import Case, Frozen, SdkStep
from milvus_parity.model.verdict import KnownRef, RunVerdict


class Choice(Frozen, frozen=True, kw_only=True):
    """Which findings are meant; empty means all."""

    cases: tuple[str, ...] = ()
    targets: tuple[TargetPattern, ...] = ()
    facets: tuple[Facet, ...] = ()

    def has(self, case: str, target: str, facet: Facet) -> bool:
        """Whether a finding is meant."""
        return (
            (not self.cases or any(case_matches(pattern, case) for pattern in self.cases))
            and (not self.targets or any(pattern.matches(target) for pattern in self.targets))
            and (not self.facets or facet in self.facets)
        )


class Explanation(Frozen, frozen=True, kw_only=True):
    """What an entry says beside the value."""

    reason_class: ReasonClass
    why: str
    link: str | None = None
    review: date | None = None
    milvus: str | None = None


class Edit(Frozen, frozen=True, kw_only=True):
    """A new text, and a sentence for each thing that was done or has to be done by hand."""

    text: str
    done: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class _Found(Frozen, frozen=True, kw_only=True):
    case: str
    target: str
    step: int
    facet: Facet
    value: object
    pattern: str | None = None
    """Pinned instead of the value."""

    @property
    def actual(self) -> object:
        """What the entry pins."""
        if self.pattern is not None:
            return {"matches": self.pattern}
        return NOT_EXPOSED if self.value is None and self.facet in ("code", "reason") else self.value


def add_entries(
    text: str,
    name: str,
    verdict: RunVerdict,
    choice: Choice,
    explanation: Explanation,
    cases: Sequence[Case] = (),
) -> Edit:
    """The ledger with an entry for every chosen finding that is not pinned yet. ``name``: what errors call the file.

    Findings alike become one entry: the same facet and value for the same targets, in several cases. With the
    ``cases`` of the run, reasons that are the same but for the names in them become one pattern.
    """
    ledger = LedgerText(text, name)
    found = _generalised(_distinct(_open(verdict, choice)), {case.id: case for case in cases})
    entries = [_entry(key, cases, verdict, explanation) for key, cases in _together(found).items()]
    new = ledger.inserted(entries)
    parse_ledger(new, name)
    done = tuple(f"Added {one['facet']} of {_words(one['targets'])}: {_words(one['case'])}." for one in entries)
    return Edit(text=new, done=done)


def update_entries(text: str, name: str, verdict: RunVerdict, renew: date | None = None) -> Edit:
    """The ledger with stale claims removed, changed values pinned anew, and, with ``renew``, overdue dates moved."""
    ledger = parse_ledger(text, name)
    source = LedgerText(text, name)
    changes: list[tuple[Span, str]] = []
    done: list[str] = []
    left: list[str] = []
    anew = _changed_values(verdict)
    for entry, where in zip(ledger.entries, source.entries, strict=True):
        line = entry.location.line
        kept = _still_held(entry, verdict)
        if not kept:
            changes.append((where.block, ""))
            done.append(f"Removed the entry of line {line}: it no longer holds.")
            continue
        edits: list[tuple[str, object]] = []
        values = anew.get(line, {})
        if len(values) == 1:
            edits.append(("actual", next(iter(values.values()))))
            done.append(f"Pinned the new value of line {line}; see whether its reason is still true.")
        elif values:
            left.append(f"Line {line} pins one value where there are several now: split it by hand.")
        if renew is not None and any(one.location.line == line for one in verdict.overdue):
            edits.append(("review", renew))
            done.append(f"Moved the review date of line {line} to {renew.isoformat()}.")
        if kept != _all_of(entry):
            done.append(f"Removed what no longer holds from the entry of line {line}.")
        changes += _rewritten(source.text, where, entry, kept, edits)
    new = edited(source.text, changes)
    parse_ledger(new, name)
    return Edit(text=new, done=tuple(done), left=tuple(left))


def difference_line(entry: Entry) -> str:
    """An entry as ``known list`` shows it."""
    step = f" step {entry.step}" if entry.step is not None else ""
    where = f"{', '.join(entry.cases)}{step} {', '.join(map(str, entry.targets))}"
    return f"{where}: {entry.facet} [{entry.reason_class}]: {entry.why}"


def _open(verdict: RunVerdict, choice: Choice) -> Iterator[_Found]:
    for case in verdict.cases:
        for failure in case.failures:
            if (
                failure.known is None
                and failure.weight != "told"
                and choice.has(case.case, failure.target, failure.facet)
            ):
                yield _Found(
                    case=case.case,
                    target=failure.target,
                    step=failure.step,
                    facet=failure.facet,
                    value=failure.value,
                )
        for difference in case.differences:
            if difference.known or difference.weight == "told":
                continue
            # Without a majority the largest group stands for the others, unless the targets are chosen.
            reference = difference.groups[0] if difference.basis == "none" and not choice.targets else None
            for group in difference.groups:
                for target in group.targets:
                    if (
                        target in difference.odd
                        and target not in difference.pins
                        and group is not reference
                        and choice.has(case.case, target, difference.facet)
                    ):
                        yield _Found(
                            case=case.case,
                            target=target,
                            step=difference.step,
                            facet=difference.facet,
                            value=group.value,
                        )


def _distinct(found: Iterator[_Found]) -> list[_Found]:
    """A failed promise is often a difference as well: once is enough."""
    seen: dict[object, _Found] = {}
    for one in found:
        seen.setdefault((one.case, one.target, one.step, one.facet), one)
    return list(seen.values())


def _generalised(found: Sequence[_Found], cases: Mapping[str, Case]) -> list[_Found]:
    """Reasons that are the same but for the names that the step was given become one pattern."""
    templates: dict[str, list[_Found]] = {}
    for one in found:
        if one.facet == "reason" and isinstance(one.value, str) and one.case in cases:
            template = template_of(one.value, _step(cases[one.case], one.step))
            if HOLE in template:
                templates.setdefault(template, []).append(one)
    patterns = {
        (one.case, one.target, one.step): pattern_of(template)
        for template, same in templates.items()
        if len({one.value for one in same}) > 1
        for one in same
    }
    return [
        msgspec.structs.replace(one, pattern=patterns.get((one.case, one.target, one.step)))
        if one.facet == "reason"
        else one
        for one in found
    ]


def _step(case: Case, step: int) -> SdkStep | None:
    return next((one for one in case.steps if isinstance(one, SdkStep) and one.id == step), None)


_Key = tuple[Facet, str, tuple[str, ...], int | None]


def _together(found: Sequence[_Found]) -> dict[_Key, list[_Found]]:
    """Findings by what one entry can say: facet, value, targets, step; first by targets, then by cases."""
    by_place: dict[tuple[str, int, Facet, str], list[_Found]] = {}
    for one in found:
        by_place.setdefault((one.case, one.step, one.facet, canonical(one.actual)), []).append(one)
    by_targets: dict[tuple[str, Facet, str, tuple[str, ...]], list[_Found]] = {}
    for (case, _, facet, value), same in by_place.items():
        by_targets.setdefault((case, facet, value, tuple(sorted(one.target for one in same))), []).append(same[0])
    entries: dict[_Key, list[_Found]] = {}
    for (_, facet, value, targets), steps in by_targets.items():
        step = steps[0].step if len(steps) == 1 else None
        entries.setdefault((facet, value, targets, step), []).append(steps[0])
    return dict(sorted(entries.items(), key=lambda item: FACETS.index(item[0][0])))


def _entry(key: _Key, found: Sequence[_Found], verdict: RunVerdict, explanation: Explanation) -> dict[str, object]:
    facet, _, labels, step = key
    return {
        "case": [one.case for one in found],
        "targets": _short_targets(labels, verdict.targets),
        "step": step,
        "facet": facet,
        "actual": found[0].actual,
        "class": explanation.reason_class,
        "why": explanation.why,
        "link": explanation.link,
        "review": explanation.review,
        "milvus": explanation.milvus,
    }


def _short_targets(labels: Sequence[str], all_labels: Sequence[str]) -> list[str]:
    """Targets by name where all versions that ran are meant, else with their version."""
    short: list[str] = []
    for label in labels:
        name = label.partition("@")[0]
        alike = [one for one in all_labels if one.partition("@")[0] == name]
        word = name if all(one in labels for one in alike) else label
        if word not in short:
            short.append(word)
    return short


_Claims = dict[str, tuple[TargetPattern, ...]]
"""For each case pattern of an entry the targets for which it is kept."""


def _all_of(entry: Entry) -> _Claims:
    return dict.fromkeys(entry.cases, entry.targets)


def _still_held(entry: Entry, verdict: RunVerdict) -> _Claims:
    """What is left of an entry when its stale claims are taken out."""
    stale = [one for one in verdict.stale if one.location == entry.location]
    gone = {one.case for one in stale if one.target is None}
    lost = {(one.case, one.target) for one in stale if one.target is not None}
    nobody = {one.target for one in stale if one.case == ", ".join(entry.cases)}
    kept: _Claims = {}
    for case in entry.cases:
        if case in gone:
            continue
        targets = tuple(
            target
            for target in entry.targets
            if str(target) not in nobody and not _is_lost(target, case, lost, verdict.targets)
        )
        if targets:
            kept[case] = targets
    return kept


def _is_lost(target: TargetPattern, case: str, lost: set[tuple[str, str]], labels: Sequence[str]) -> bool:
    """Whether all versions of a target that ran have lost the claim: a range is not narrowed by one of them."""
    meant = [label for label in labels if target.matches(label)]
    return bool(meant) and all((case, label) in lost for label in meant)


def _rewritten(
    text: str, where: EntryText, entry: Entry, kept: _Claims, edits: Sequence[tuple[str, object]]
) -> Iterator[tuple[Span, str]]:
    """The changes that leave of an entry what is kept; one that holds for other targets elsewhere becomes several."""
    groups: dict[tuple[TargetPattern, ...], list[str]] = {}
    for case, targets in kept.items():
        groups.setdefault(targets, []).append(case)
    block = text[where.block.start : where.block.end]
    blocks = []
    for targets, cases in groups.items():
        new = [where.replacing(key, value) for key, value in edits]
        new += where.keeping("case", [case in cases for case in entry.cases], entry.cases)
        new += where.keeping("targets", [target in targets for target in entry.targets], list(map(str, entry.targets)))
        blocks.append(edited(block, [(span.within(where.block), replacement) for span, replacement in new]))
    changed = "".join(blocks)
    if changed != block:
        yield where.block, changed


def _changed_values(verdict: RunVerdict) -> Mapping[int, dict[str, object]]:
    """By line of the entry: the values that were found where it pins another."""
    found: dict[int, dict[str, object]] = {}

    def note(entry: KnownRef, facet: Facet, value: object) -> None:
        pinned = NOT_EXPOSED if value is None and facet in ("code", "reason") else value
        found.setdefault(entry.location.line, {})[canonical(pinned)] = pinned

    for case in verdict.cases:
        for failure in case.failures:
            if failure.pinned_otherwise is not None:
                note(failure.pinned_otherwise, failure.facet, failure.value)
        for difference in case.differences:
            for target, entry in difference.pinned_otherwise.items():
                group = difference.value_of(target)
                if group is not None:
                    note(entry, difference.facet, group.value)
    return found


def _words(value: object) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list | tuple) else str(value)

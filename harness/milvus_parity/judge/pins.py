"""Holds findings against the ledger: what is pinned passes, and what is pinned but not found is stale."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Literal

import msgspec

from milvus_parity.judge.compare import SPOKEN, Comparison
from milvus_parity.judge.ledger import Entry, Ledger, case_matches
from milvus_parity.judge.versions import any_of, glob
from milvus_parity.judge.words import effect_text, effect_value, facet_text
from milvus_parity.model.outcome import Facet, Outcome
from milvus_parity.model.run import RunHeader
from milvus_parity.model.scenario import Case, SdkStep
from milvus_parity.model.trace import Snapshot
from milvus_parity.model.verdict import Difference, Failure, KnownRef, Stale

State = Literal["absent", "holds", "changed", "found"]
"""Of a claim, from worst to best: the target has another value and nobody complains; the pinned value without a
difference; a finding with another value; a finding exactly as pinned."""
_RANK: tuple[State, ...] = ("absent", "holds", "changed", "found")


class Pins:
    """Applies a ledger to one case after the other, and remembers which of its claims were found.

    A claim is one case pattern of an entry for one target: each must hold by itself.
    """

    def __init__(self, ledger: Ledger, header: RunHeader, today: date) -> None:
        self._entries = ledger.for_server(header.server)
        self._patterns = tuple((entry, any_of(entry.cases).fullmatch) for entry in self._entries)
        self._header = header
        self._claims: dict[tuple[int, int, str], State] = {}
        self._references = {entry.place: entry.reference(today) for entry in self._entries}
        self._overdue: dict[int, KnownRef] = {}
        self._ran: dict[str, set[str]] = {}
        self._meant: dict[str, frozenset[int]] = {}

    def apply(self, case: Case, outcomes: Sequence[Outcome], comparison: Comparison) -> Comparison:
        """The comparison with what the ledger says of each finding."""
        ran = [outcome for outcome in outcomes if outcome.could_not_run is None]
        for outcome in ran:
            self._ran.setdefault(outcome.target, set()).add(case.id)
        entries = [entry for entry, is_meant in self._patterns if is_meant(case.id)]
        if not entries:
            return comparison
        operations = {step.id: step.operation for step in case.steps if isinstance(step, SdkStep)}
        for outcome in ran:
            self._survey(case, outcome, entries, operations)
        differences = tuple([self._difference(case, entries, operations, one) for one in comparison.differences])
        failures = tuple([self._failure(case, entries, operations, one) for one in comparison.failures])
        return msgspec.structs.replace(comparison, differences=differences, failures=failures)

    def _entries_for(self, label: str) -> frozenset[int]:
        """The places of the entries that mean a target."""
        found = self._meant.get(label)
        if found is None:
            found = self._meant[label] = frozenset(
                entry.place for entry in self._entries if any(target.matches(label) for target in entry.targets)
            )
        return found

    @property
    def overdue(self) -> tuple[KnownRef, ...]:
        """Entries that matched and are past their review date."""
        return tuple(self._overdue[place] for place in sorted(self._overdue))

    def stale(self) -> Iterator[Stale]:
        """Claims that this run could have found and did not."""
        for entry in self._entries:
            if entry.reason_class == "flaky":
                continue
            for number, pattern in enumerate(entry.cases):
                if self._header.known_cases and not any(case_matches(pattern, one) for one in self._header.known_cases):
                    yield _stale(entry, pattern, None, f"No case is named {pattern}.")
                    continue
                claims = {
                    label: state
                    for (place, at, label), state in self._claims.items()
                    if (place, at) == (entry.place, number)
                }
                for label, state in sorted(claims.items()):
                    if state == "absent" and self._all_ran(pattern, label):
                        yield _stale(entry, pattern, label, f"{label} no longer differs there as pinned.")
                    elif state == "holds" and self._complete():
                        yield _stale(entry, pattern, label, f"{label} is as pinned, and now all others are too.")
            for target in entry.targets:
                known = self._header.known_targets
                if known and not any(glob(target.name).fullmatch(name) for name in known):
                    yield _stale(entry, ", ".join(entry.cases), str(target), f"No target is named {target.name}.")

    def _all_ran(self, pattern: str, label: str) -> bool:
        """Whether the target went through every case that the pattern means: it may differ in one that was left out."""
        missing = set(self._header.known_cases) - self._ran[label] - set(self._header.not_applicable)
        return not any(case_matches(pattern, case) for case in missing)

    def _complete(self) -> bool:
        """Whether all targets that there are took part, so that a difference could not hide."""
        known = set(self._header.known_targets)
        return bool(known) and known <= {label.partition("@")[0] for label in self._ran}

    def _survey(self, case: Case, outcome: Outcome, entries: Sequence[Entry], operations: Mapping[int, str]) -> None:
        """Notes which claims this outcome could hold, and whether it has the pinned value."""
        meant = self._entries_for(outcome.target)
        for entry in entries:
            if entry.place not in meant:
                continue
            values = list(_values(outcome, entry.facet, entry, operations))
            if entry.facet == "origin" and not outcome.recorded:
                continue
            holds = any(entry.pins(value, text) for value, text in values)
            self._note(case, entry, outcome.target, "holds" if holds else "absent")

    def _note(self, case: Case, entry: Entry, target: str, state: State) -> None:
        for number, pattern in enumerate(entry.cases):
            if case_matches(pattern, case.id):
                key = (entry.place, number, target)
                before = self._claims.get(key, "absent")
                self._claims[key] = max(before, state, key=_RANK.index)

    def _difference(
        self, case: Case, entries: Sequence[Entry], operations: Mapping[int, str], difference: Difference
    ) -> Difference:
        there = [
            entry
            for entry in entries
            if entry.facet == difference.facet and entry.is_at(difference.step, operations.get(difference.step))
        ]
        if not there:
            return difference
        pins: dict[str, KnownRef] = {}
        otherwise: dict[str, KnownRef] = {}
        for group in difference.groups:
            text = _whole_text(difference.facet, group.value)
            for target in group.targets:
                found = [entry for entry in there if entry.place in self._entries_for(target)]
                if not found:
                    continue
                odd = target in difference.odd
                pin, other = self._best(case, found, target, group.value, text, against=odd)
                if pin is not None:
                    pins[target] = pin
                elif other is not None:
                    otherwise[target] = other
        if not pins and not otherwise:
            return difference
        unpinned = [group for group in difference.groups if any(target not in pins for target in group.targets)]
        return msgspec.structs.replace(
            difference, pins=pins, pinned_otherwise=otherwise, known=len(unpinned) <= 1 and bool(pins)
        )

    def _failure(
        self, case: Case, entries: Sequence[Entry], operations: Mapping[int, str], failure: Failure
    ) -> Failure:
        meant = self._entries_for(failure.target)
        found = [
            entry
            for entry in entries
            if entry.facet == failure.facet
            and entry.place in meant
            and entry.is_at(failure.step, operations.get(failure.step))
        ]
        if not found:
            return failure
        text = _whole_text(failure.facet, failure.value)
        pin, other = self._best(case, found, failure.target, failure.value, text)
        return msgspec.structs.replace(failure, known=pin, pinned_otherwise=None if pin else other)

    def _best(
        self, case: Case, entries: Sequence[Entry], target: str, value: object, text: str, *, against: bool = True
    ) -> tuple[KnownRef | None, KnownRef | None]:
        """The entry that pins the value, and else one that pins another. ``against``: it is held against the target."""
        pinning = [entry for entry in entries if entry.pins(value, text)]
        for entry in pinning:
            self._note(case, entry, target, "found")
        if pinning:
            reference = self._references[pinning[0].place]
            if reference.overdue:
                self._overdue[pinning[0].place] = reference
            return reference, None
        if not against:
            return None, None
        for entry in entries:
            self._note(case, entry, target, "changed")
        return None, self._references[entries[0].place] if entries else None


def _values(
    outcome: Outcome, facet: Facet, entry: Entry, operations: Mapping[int, str]
) -> Iterator[tuple[object, str]]:
    """The values of a facet in an outcome where an entry looks, with their texts."""
    if facet == "effect":
        for effect in outcome.effects:
            if entry.is_at(effect.after, operations.get(effect.after)):
                yield effect_value(effect.snapshot), effect_text(effect.snapshot)
        return
    for step in outcome.steps:
        if not entry.is_at(step.step, operations.get(step.step)):
            continue
        if facet == "result" or facet in SPOKEN.get(step.result, ()):
            value = getattr(step, facet)
            yield (None if value is msgspec.UNSET else value), facet_text(facet, value)


def _whole_text(facet: Facet, value: object) -> str:
    """What patterns are matched with: the whole value, also where a report shows only what differs."""
    if facet == "effect":
        return effect_text(msgspec.convert({"databases": value}, Snapshot))
    return facet_text(facet, value)


def _stale(entry: Entry, case: str, target: str | None, what: str) -> Stale:
    return Stale(location=entry.location, case=case, target=target, what=what)

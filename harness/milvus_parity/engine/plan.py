"""Which cases run, and which this server cannot serve. Pure."""

import fnmatch
from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from milvus_parity.model.errors import BadInputError
from milvus_parity.model.scenario import Case, Frozen


class Plan(Frozen, frozen=True, kw_only=True):
    """``cases`` will run; ``not_applicable`` maps those that the server cannot serve to the reason."""

    cases: tuple[Case, ...]
    not_applicable: dict[str, str]


def select(cases: Sequence[Case], patterns: Iterable[str]) -> list[Case]:
    """Cases that any pattern names: an id, a glob over ids, a scenario's name, or a scenario file's path.

    Raises BadInputError when a pattern names nothing, or nothing is there at all.
    """
    patterns = list(patterns)
    if not cases:
        raise BadInputError("There are no scenarios.", hint="Give a folder that has some: --scenarios DIR")
    if not patterns:
        return list(cases)
    chosen: dict[str, Case] = {}
    for pattern in patterns:
        found = [case for case in cases if matches(case, pattern)]
        if not found:
            raise BadInputError(
                f"No case matches {pattern!r}.", hint="milvus-parity list shows all; a pattern may have * and ?."
            )
        chosen |= {case.id: case for case in found}
    return [case for case in cases if case.id in chosen]


def matches(case: Case, pattern: str) -> bool:
    """Whether a pattern of ``--scenario`` names the case."""
    escaped = pattern.replace("[", "[[]")
    file = Path(case.location.file)
    return (
        pattern in (case.id, case.scenario, case.location.file, file.name)
        or fnmatch.fnmatchcase(case.id, escaped)
        or fnmatch.fnmatchcase(case.scenario, escaped)
        or fnmatch.fnmatchcase(case.location.file, escaped)
        or (pattern.endswith((".yaml", ".yml")) and file.resolve() == Path(pattern).resolve())
    )


def plan(cases: Sequence[Case], *, server_version: str, features: Iterable[str]) -> Plan:
    """Part the cases into those that this server can serve and those it cannot."""
    have = set(features)
    runnable: list[Case] = []
    refused: dict[str, str] = {}
    for case in cases:
        lacking = [feature for feature in case.requires.features if feature not in have]
        if not _in_range(server_version, case.requires.milvus):
            refused[case.id] = f"not supported by this server: it needs Milvus {case.requires.milvus}"
        elif "databases" not in have:
            refused[case.id] = "not supported by this server: it has no databases to keep executions apart"
        elif lacking:
            words = ", ".join(feature.replace("_", " ") for feature in lacking)
            refused[case.id] = f"not supported by this server: it lacks {words}"
        else:
            runnable.append(case)
    return Plan(cases=tuple(runnable), not_applicable=refused)


def _in_range(version: str, wanted: str | None) -> bool:
    if wanted is None:
        return True
    try:
        return SpecifierSet(wanted).contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True

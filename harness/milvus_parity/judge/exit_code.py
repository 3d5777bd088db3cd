"""What a verdict means for the exit status. The design's meanings; told facets never count."""

from collections.abc import Collection, Iterator
from typing import Literal

from milvus_parity.model.errors import ExitCode
from milvus_parity.model.outcome import Weight
from milvus_parity.model.verdict import CaseVerdict, RunVerdict

Strict = Literal["must", "should"]
"""``must`` leaves what only should match out of it."""


def exit_code(verdict: RunVerdict, strict: Strict = "should", required: Collection[str] = ()) -> ExitCode:
    """The exit status of a run. ``required``: names or labels of targets that had to be there.

    A difference comes first, since it was found; then what could not run; then stale ledger entries.
    """
    if any(counts(case, strict) for case in verdict.cases):
        return ExitCode.DIFFERENT
    if any(could_not_run(verdict, required)):
        return ExitCode.COULD_NOT_RUN
    return ExitCode.STALE_LEDGER if verdict.stale else ExitCode.OK


def counts(case: CaseVerdict, strict: Strict) -> bool:
    """Whether a case has a finding that counts and is not pinned."""
    weights: set[Weight] = {"must"} if strict == "must" else {"must", "should"}
    return any(failure.known is None and failure.weight in weights for failure in case.failures) or any(
        not difference.known and difference.weight in weights for difference in case.differences
    )


def could_not_run(verdict: RunVerdict, required: Collection[str] = ()) -> Iterator[str]:
    """Sentences on why this run is no success although nothing differs; none when it is one."""
    if not verdict.cases:
        yield "No case was run."
    elif not verdict.targets:
        yield "No target was available."
    elif all(target.status == "not applicable" for case in verdict.cases for target in case.targets):
        yield "No case applies to this server."
    missing = [name for name in required if not any(_is(label, name) for label in verdict.targets)]
    for name in missing:
        yield f"{name} is required and was not available."
    lost = sum(1 for case in verdict.cases for target in case.targets if target.status == "could not run")
    if lost:
        yield f"{lost} {'execution' if lost == 1 else 'executions'} could not run."
    if verdict.condition != "whole":
        yield f"The run is {verdict.condition}."
    elif verdict.end not in ("complete", "failed fast"):
        yield f"The run did not end as it should: {verdict.end}."


def _is(label: str, name: str) -> bool:
    return label == name or label.partition("@")[0] == name

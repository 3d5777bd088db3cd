"""Whether the tabs of a group agree, and what one says of another. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from milvus_parity.docs.finding import Finding, Kind, Severity
from milvus_parity.docs.fixtures import Fixture
from milvus_parity.docs.judging import Ran
from milvus_parity.docs.page import TabGroup

ENOUGH_TABS = 2
"""So many other tabs must do the same from the same state, for a failure not to come from that state."""


def judge_tabs(group: TabGroup, runs: Sequence[Ran], fixtures: Mapping[str, Fixture]) -> list[Finding]:
    """Whether the tabs of a group leave the same state and make the same calls. ``runs``: one a tab."""
    done = [run for run in runs if run.effect is not None and run.levels.get("runs") == "passed"]
    found: list[Finding] = []
    same = [run for run in done if fixtures[run.job.key].given == fixtures[done[0].job.key].given] if done else []
    if len(same) < 2:
        return found
    effects: dict[bytes, list[Ran]] = {}
    for run in same:
        effects.setdefault(msgspec.json.encode(run.effect, order="deterministic"), []).append(run)
    if len(effects) > 1:
        most = max(effects.values(), key=len)
        for runs_alike in effects.values():
            if runs_alike is most or len(runs_alike) == len(most):
                continue
            for run in runs_alike:
                others = ", ".join(one.language for one in most)
                text = f"It leaves another state than the other tabs ({others})."
                unsure = any(fixtures[one.job.key].inferred for one in done)
                found.append(_of_tab(run, group, "other effect", text, "warning" if unsure else "error"))
    sent: dict[tuple[str, ...], list[Ran]] = {}
    for run in same:
        if run.calls is not None:
            sent.setdefault(tuple(run.calls), []).append(run)
    if len(sent) > 1:
        most = max(sent.values(), key=len)
        for calls, runs_alike in sent.items():
            if runs_alike is not most:
                text = f"It sends {'; '.join(calls) or 'nothing'}; other tabs send {'; '.join(most[0].calls or ())}."
                found += [_of_tab(run, group, "other calls", text, "note") for run in runs_alike]
    return found


def certain(runs: Sequence[Ran], fixtures: Mapping[str, Fixture]) -> dict[Finding, Finding]:
    """Findings that were doubted for the inferred state -> what they are: other tabs do the same from that state, and
    it is enough for them."""
    found: dict[Finding, Finding] = {}
    for run in runs:
        fixture = fixtures.get(run.job.key)
        others = [
            one
            for one in runs
            if one is not run
            and one.effect is not None
            and one.levels.get("runs") == "passed"
            and one.job.code.operations == run.job.code.operations
            and fixture is not None
            and (fixtures[one.job.key].given, fixtures[one.job.key].expected) == (fixture.given, fixture.expected)
            and len(one.job.chain) == len(run.job.chain) == 1
        ]
        if run.certain and len(others) >= ENOUGH_TABS:
            doubted = {(one.line, one.column, one.kind): one for one in run.findings}
            found |= {doubted[key]: one for one in run.certain if (key := (one.line, one.column, one.kind)) in doubted}
    return found


def _of_tab(run: Ran, group: TabGroup, kind: Kind, text: str, severity: Severity) -> Finding:
    code = run.job.code
    line, column = code.fence.place(code.uses[-1].line, code.uses[-1].column) if code.uses else (code.fence.line, 1)
    return Finding(
        path=run.job.path,
        line=line,
        column=column,
        level="tabs",
        kind=kind,
        severity=severity,
        language=run.language,
        message=f"{text} (tabs at line {group.line})",
        target=run.target,
        fence=(code.fence.line, code.fence.last),
    )

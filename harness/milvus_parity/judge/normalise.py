"""Turns the raw facts of one execution into an outcome that can be compared across languages."""

from collections.abc import Callable, Mapping

import msgspec

from milvus_parity.judge.masks import mask
from milvus_parity.judge.rules import Rules, compiled
from milvus_parity.judge.values import kind_of, normal_value
from milvus_parity.model.outcome import COULD_NOT_RUN, Effect, Origin, Outcome, StepOutcome, TimeClass
from milvus_parity.model.run import PackRules, StepWire, label_of
from milvus_parity.model.scenario import Case, Result, SdkStep
from milvus_parity.model.trace import End, StepTrace, Trace

_NOTHING = StepWire()
NO_RULES = PackRules(language="", title="")
"""For a trace whose pack is not known: nothing but plain returns can be read."""

_ENDED: Mapping[End, Result] = {"crashed": "crashed", "killed": "crashed", "hung": "hung"}
_WHY: Mapping[End, str] = {
    "not available": "not available",
    "not built": "its program does not compile",
    "no server": "the server was not there",
    "interrupted": "the run was stopped before it ended",
    "harness error": "the pack or the harness broke the protocol",
}

# A deadline is kept when the caller is back by then; what it takes to come back is not the SDK's fault on a busy
# machine, so up to a second and a half of the deadline again is "at" it.
_EARLY = 0.9
_GRACE_SHARE = 0.5
_GRACE_SECONDS = 1.0


def normalise(trace: Trace, case: Case, rules: PackRules, wire: Mapping[int, StepWire] | None = None) -> Outcome:
    """The outcome of an execution. Pure; never raises for what a trace may hold.

    ``wire``: what the recorded calls of each step come to, None when they were not recorded.
    """
    label = label_of(trace)
    if trace.end in COULD_NOT_RUN:
        return Outcome(
            case=trace.case,
            target=label,
            end=trace.end,
            could_not_run=_sentence(_WHY[trace.end], trace.detail),
            seconds=trace.seconds,
        )
    reader = compiled(rules.outcome)
    masked = mask(trace.databases, trace.address)
    found = {step.step: step for step in trace.steps}
    ended = _ENDED.get(trace.end)
    steps: list[StepOutcome] = []
    planned = [step for step in case.steps if isinstance(step, SdkStep)]
    fatal = _fatal_step(planned, found, trace.running_step) if ended else None
    for step in planned:
        wired = wire.get(step.id, _NOTHING) if wire is not None else None
        seen = found.get(step.id)
        if step.id == fatal and ended:
            steps.append(_ended_in(step, ended, trace, wired, masked))
        elif seen is None:
            steps.append(StepOutcome(step=step.id, result="not run", calls=_calls(wired, trace.databases)))
        else:
            steps.append(_outcome(step, seen, reader, rules, case, wired, masked, trace.databases))
    return Outcome(
        case=trace.case,
        target=label,
        end=trace.end,
        steps=tuple(steps),
        effects=tuple(Effect(after=one.after, snapshot=one.snapshot) for one in trace.observations),
        seconds=trace.seconds,
        recorded=wire is not None,
    )


def _fatal_step(planned: list[SdkStep], found: Mapping[int, StepTrace], running: int | None) -> int | None:
    """The step that took the program with it: the running one, else the first that is missing, else the last."""
    if running is not None and any(step.id == running for step in planned):
        return running
    missing = next((step.id for step in planned if step.id not in found), None)
    return missing if missing is not None else (planned[-1].id if planned else None)


def _ended_in(
    step: SdkStep, result: Result, trace: Trace, wired: StepWire | None, masked: Callable[[str], str]
) -> StepOutcome:
    limit = _limit(step)
    return StepOutcome(
        step=step.id,
        result=result,
        reason=masked(trace.detail) if trace.detail else None,
        calls=_calls(wired, trace.databases),
        time="beyond deadline (hung)" if limit is not None and result == "hung" else "no deadline",
    )


def _outcome(
    step: SdkStep,
    seen: StepTrace,
    reader: Rules,
    rules: PackRules,
    case: Case,
    wired: StepWire | None,
    masked: Callable[[str], str],
    databases: Mapping[str, str],
) -> StepOutcome:
    reading = reader.read(seen)
    value: object = msgspec.UNSET
    if reading.result == "ok":
        kind = kind_of(step.operation)
        if kind != "none":
            words = rules.values.get(step.operation, {})
            value = normal_value(seen.value, kind, words, ordered=case.ordered)
    origin: Origin | None = None
    if reading.result == "refused":
        origin = wired.origin if wired is not None else "not recorded"
    return StepOutcome(
        step=step.id,
        result=reading.result,
        value=value,
        code=reading.code,
        reason=masked(reading.reason) if reading.reason else None,
        channel=reading.channel,
        origin=origin,
        calls=_calls(wired, databases),
        time=_time_class(seen.milliseconds, _limit(step)),
    )


def _calls(wired: StepWire | None, databases: Mapping[str, str]) -> tuple[str, ...] | None:
    """The calls with the scenario's words for databases."""
    if wired is None:
        return None
    calls = wired.calls
    if calls:
        for logical, real in databases.items():
            calls = tuple(call.replace(real, logical) for call in calls)
    return calls


def _limit(step: SdkStep) -> float | None:
    limit = step.arguments.get("timeout")
    return float(limit) if isinstance(limit, int | float) and not isinstance(limit, bool) else None


def _time_class(milliseconds: float, limit: float | None) -> TimeClass:
    if limit is None:
        return "no deadline"
    seconds = milliseconds / 1000
    if seconds < limit * _EARLY:
        return "within deadline"
    if seconds <= limit * (1 + _GRACE_SHARE) + _GRACE_SECONDS:
        return "at deadline"
    return "beyond deadline"


def _sentence(why: str, detail: str | None) -> str:
    return f"{why}: {detail.strip()}" if detail and detail.strip() else why

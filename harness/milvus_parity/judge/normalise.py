"""Turns the raw facts of one execution into an outcome that can be compared across languages."""

from collections.abc import Callable, Mapping

import msgspec

from milvus_parity.judge.masks import mask
from milvus_parity.judge.rules import Rules, compiled
from milvus_parity.judge.values import Kind, kind_of, normal_value
from milvus_parity.model.outcome import COULD_NOT_RUN, Effect, Origin, Outcome, StepOutcome, TimeClass
from milvus_parity.model.run import PackRules, StepWire, label_of
from milvus_parity.model.scenario import Case, Result, SdkStep
from milvus_parity.model.trace import End, StepTrace, Trace

NO_RULES = PackRules(language="", title="")
"""For a trace whose pack is not known: nothing but plain returns can be read."""

_NOTHING = StepWire()
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
    return CaseReader(case).outcome(trace, rules, wire)


class _Planned:
    """A step of the SDK, with what reading it needs to know."""

    def __init__(self, step: SdkStep) -> None:
        self.id = step.id
        self.operation = step.operation
        self.kind: Kind = kind_of(step.operation)
        limit = step.arguments.get("timeout")
        self.limit = float(limit) if isinstance(limit, int | float) and not isinstance(limit, bool) else None


class CaseReader:
    """Reads the traces of one case: what is the same for all of them is worked out once."""

    def __init__(self, case: Case) -> None:
        self._planned = tuple(_Planned(step) for step in case.steps if isinstance(step, SdkStep))
        self._ordered = case.ordered

    def outcome(self, trace: Trace, rules: PackRules, wire: Mapping[int, StepWire] | None) -> Outcome:
        """The outcome of an execution, as ``normalise`` says."""
        label = label_of(trace)
        if trace.end in COULD_NOT_RUN:
            return Outcome(
                case=trace.case,
                target=label,
                end=trace.end,
                could_not_run=_sentence(_WHY[trace.end], trace.detail),
                seconds=trace.seconds,
            )
        one = _Execution(trace, compiled(rules.outcome), rules.values, ordered=self._ordered)
        found = {step.step: step for step in trace.steps}
        ended = _ENDED.get(trace.end)
        fatal = self._fatal_step(found, trace.running_step) if ended else None
        steps: list[StepOutcome] = []
        for planned in self._planned:
            wired = wire.get(planned.id, _NOTHING) if wire is not None else None
            seen = found.get(planned.id)
            if ended and planned.id == fatal:
                steps.append(one.ended_in(planned, ended, wired))
            elif seen is None:
                steps.append(StepOutcome(step=planned.id, result="not run", calls=one.calls(wired)))
            else:
                steps.append(one.step(planned, seen, wired))
        return Outcome(
            case=trace.case,
            target=label,
            end=trace.end,
            steps=tuple(steps),
            effects=tuple([Effect(after=look.after, snapshot=look.snapshot) for look in trace.observations]),
            seconds=trace.seconds,
            recorded=wire is not None,
        )

    def _fatal_step(self, found: Mapping[int, StepTrace], running: int | None) -> int | None:
        """The step that took the program with it: the running one, else the first missing, else the last."""
        if running is not None and any(planned.id == running for planned in self._planned):
            return running
        missing = next((planned.id for planned in self._planned if planned.id not in found), None)
        return missing if missing is not None else (self._planned[-1].id if self._planned else None)


class _Execution:
    """Reads the steps of one trace."""

    def __init__(self, trace: Trace, reader: Rules, values: Mapping[str, Mapping[str, str]], *, ordered: bool) -> None:
        self._trace = trace
        self._reader = reader
        self._values = values
        self._ordered = ordered
        self._mask: Callable[[str], str] | None = None

    def step(self, planned: _Planned, seen: StepTrace, wired: StepWire | None) -> StepOutcome:
        """A step that came back."""
        reading = self._reader.read(seen)
        value: object = msgspec.UNSET
        if reading.result == "ok" and planned.kind != "none":
            words = self._values.get(planned.operation, {})
            value = normal_value(seen.value, planned.kind, words, ordered=self._ordered)
        origin: Origin | None = None
        if reading.result == "refused":
            origin = wired.origin if wired is not None else "not recorded"
        return StepOutcome(
            step=planned.id,
            result=reading.result,
            value=value,
            code=reading.code,
            reason=self._masked(reading.reason),
            channel=reading.channel,
            origin=origin,
            calls=self.calls(wired),
            time=_time_class(seen.milliseconds, planned.limit),
        )

    def ended_in(self, planned: _Planned, result: Result, wired: StepWire | None) -> StepOutcome:
        """The step in which the program ended."""
        hung = planned.limit is not None and result == "hung"
        return StepOutcome(
            step=planned.id,
            result=result,
            reason=self._masked(self._trace.detail),
            calls=self.calls(wired),
            time="beyond deadline (hung)" if hung else "no deadline",
        )

    def calls(self, wired: StepWire | None) -> tuple[str, ...] | None:
        """The calls with the scenario's words for databases."""
        if wired is None:
            return None
        calls = wired.calls
        if calls:
            for logical, real in self._trace.databases.items():
                calls = tuple([call.replace(real, logical) for call in calls])
        return calls

    def _masked(self, text: str | None) -> str | None:
        if not text:
            return None
        if self._mask is None:
            self._mask = mask(self._trace.databases, self._trace.address)
        return self._mask(text)


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

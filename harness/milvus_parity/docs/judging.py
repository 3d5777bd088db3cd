"""What became of a fence that ran: its failures, its effect, what it printed. Pure."""

import re
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from milvus_parity.docs import absences, python_source
from milvus_parity.docs.finding import Finding, Kind, Level, Severity
from milvus_parity.docs.fixtures import Fixture, differences
from milvus_parity.docs.frames import CONNECT, Job
from milvus_parity.docs.output import CHANGING, after, shortened, words_in
from milvus_parity.docs.page import Output
from milvus_parity.model.outcome import COULD_NOT_RUN
from milvus_parity.model.scenario import Frozen
from milvus_parity.model.trace import CollectionSnapshot, StepTrace, Trace
from milvus_parity.model.wire import RecordedCall, Recording
from milvus_parity.wire import summary

_NODES = re.compile(r"(?i)no enough|not enough|insufficient|replica.*(?:node|resource)|resource group")
_OWN_SERVER = re.compile(
    r"(?i)refused|unavailable|unauthenticated|permission.?denied|auth check|fail connecting|failed to connect|timeout|"
    r"deadline|resolve|should create connect"
)
_LOST = re.compile(
    r"(?i)\b14 unavailable|econnrefused|no connection established|connection (?:refused|reset)|statuscode\.unavailable|"
    r"server unavailable|status: unavailable"
)
_NO_SERVER = "It has no connection to the server under test, which is not the page's doing"
_CHANGES = re.compile(r"^(Create|Drop|Load|Release|Insert|Delete|Alter|Rename|Upsert)")
_CLIENTS_OWN = re.compile(
    r"missing \d+ required|unexpected keyword argument|positional arguments? but|cannot import name|"
    r"is not a (?:function|constructor)|(?<!'NoneType' object )has no attribute|No module named"
)
"""Failures that no server has a part in."""
_ERROR = re.compile(r"(?:Uncaught |Exception in thread .*? )?[\w.]*(?:Error|Exception|panic|fatal)\b.*:")
_LAST_LINES = 40
_TRUTH = frozenset({"true", "false"})
_ASKS = frozenset({"has", "has_collection"})
TOO_FEW_NODES = "it needs more query nodes than there are"
_OF_PARAMETERS = frozenset({"ParamError", "ParamException"})


class Ran(Frozen, frozen=True, kw_only=True):
    """A fence that was run. ``levels`` as in FenceResult; ``effect`` and ``calls`` only when it ran to its end."""

    job: Job
    language: str
    target: str
    levels: Mapping[str, str]
    findings: tuple[Finding, ...] = ()
    effect: Mapping[str, CollectionSnapshot] | None = None
    calls: tuple[str, ...] | None = None
    certain: tuple[Finding, ...] = ()
    """The findings as they are if the state that was inferred is not to blame."""


def judge_run(
    job: Job,
    trace: Trace,
    recording: Recording | None,
    *,
    fixture: Fixture,
    language: str,
    doubt: str | None,
    outputs: Sequence[Output] = (),
    elsewhere: frozenset[str] = frozenset(),
) -> Ran:
    """Judge a run. ``doubt``: why a failure may be the server's and not the page's; it is then a warning.

    ``elsewhere``: names of collections and partitions that the page makes, and this fence does not know.
    """
    reader = _Reader(job, trace, recording, language, doubt, fixture)
    levels: dict[str, str] = {}
    judged = partial(Ran, job=job, language=language, target=trace.target, levels=levels)
    if trace.end in COULD_NOT_RUN:
        levels["runs"] = f"not checked: {trace.detail or trace.end}"
        return judged()
    connect = next((step for step in trace.steps if step.step == CONNECT), None)
    if connect is not None and connect.outcome != "returned":
        message = connect.error.message if connect.error else "it failed"
        levels["runs"] = f"not checked: the client that it takes from elsewhere cannot be made: {message}"
        return judged()
    findings = reader.failures()
    own = [one for one in findings if one.level in ("runs", "context")]
    if any(one.severity == "error" for one in own):
        levels["runs"] = "failed"
    elif any(one.kind == "needs more nodes" for one in own):
        levels["runs"] = f"not checked: {TOO_FEW_NODES}"
    else:
        levels["runs"] = f"not checked: {own[0].message}" if own else "passed"
    if own:
        levels["effect"] = levels["tabs"] = "not checked: it did not run to its end"
        return judged(findings=tuple(findings), certain=tuple(reader.certain))
    held = trace.observations[-1].snapshot.databases if trace.observations else {}
    effect = held.get("database", {}) if trace.observations else None
    if effect is None:
        levels["effect"] = "not checked: the server was not looked at"
    else:
        wrong = [
            reader.finding("effect", "no effect", one, reader.first_line())
            for one in differences(fixture, effect, held)
        ]
        sure = any(one.severity == "error" for one in wrong)
        levels["effect"] = "failed" if sure else f"not checked: {wrong[0].message}" if wrong else "passed"
        findings += wrong
    findings += _outputs(reader, outputs, levels, elsewhere)
    return judged(
        findings=tuple(findings),
        effect=effect,
        calls=_changes(job, recording, trace) if recording is not None and recording.complete else None,
    )


def _changes(job: Job, recording: Recording, trace: Trace) -> tuple[str, ...] | None:
    """What the fence itself sends; None when that cannot be told from what earlier fences send."""
    last = len(job.chain) - 1
    own = {step for step, mark in job.marks.items() if mark.chain == last}
    announced = {step.step for step in trace.steps}
    if any(code.uses for code in job.chain[:-1]) and announced.isdisjoint(set(job.marks) - own):
        return None
    names = {real: logical for logical, real in trace.databases.items()}
    calls = [call for call in recording.calls if call.step in own and _CHANGES.match(call.name)]
    return summary.texts(calls, names)


class _Reader:
    def __init__(
        self,
        job: Job,
        trace: Trace,
        recording: Recording | None,
        language: str,
        doubt: str | None,
        fixture: Fixture,
    ) -> None:
        self.job = job
        self.trace = trace
        self.recording = recording
        self.language = language
        self.doubt = doubt
        self.inferred = f"the state before it was inferred as {fixture}" if fixture.inferred else None
        self.declared = fixture.declared
        self.certain: list[Finding] = []
        self.lost: set[str] = set()

    def finding(
        self,
        level: Level,
        kind: Kind,
        message: str,
        place: tuple[int, int],
        severity: Severity = "error",
        right: str | None = None,
        *,
        sure: bool = False,
    ) -> Finding:
        """``sure``: the state before the fence has nothing to do with it."""
        if self.doubt and severity == "error" and not _CLIENTS_OWN.search(message):
            severity, message = "warning", f"{message} ({self.doubt})"
        if self.inferred and severity == "error" and not sure:
            certain = self._made(level, kind, message, place, severity, right)
            self.certain.append(certain)
            return msgspec.structs.replace(certain, severity="warning", message=f"{message} ({self.inferred})")
        return self._made(level, kind, message, place, severity, right)

    def _made(
        self, level: Level, kind: Kind, message: str, place: tuple[int, int], severity: Severity, right: str | None
    ) -> Finding:
        fence = self.job.code.fence
        return Finding(
            path=self.job.path,
            line=place[0],
            column=place[1],
            level=level,
            kind=kind,
            severity=severity,
            language=self.language,
            message=message,
            right=right,
            target=self.trace.target,
            fence=(fence.line, fence.last),
        )

    def first_line(self) -> tuple[int, int]:
        """Where the fence's first operation stands."""
        code = self.job.code
        if code.uses:
            return code.fence.place(code.uses[-1].line, code.uses[-1].column)
        return code.fence.place(1)

    def failures(self) -> list[Finding]:
        found = []
        last = len(self.job.chain) - 1
        for step in self.trace.steps:
            mark = self.job.marks.get(step.step)
            if mark is None:
                continue
            if step.outcome == "returned":
                if mark.chain == last:
                    found += self._refusals(step)
                continue
            message = _first_line(step.error.message if step.error else "")
            kind = step.error.classes[0].rpartition(".")[2] if step.error and step.error.classes else "error"
            if self._follows(step, message):
                continue
            if mark.chain != last:
                fence = self.job.chain[mark.chain].fence
                text = f"It goes on from the fence at line {fence.line}, which fails: {kind}: {message}"
                found.append(self.finding("runs", "raised", text, self.job.code.fence.place(1), "note"))
                return found
            if found and not _CLIENTS_OWN.search(message) and not _NODES.search(message):
                continue  # what comes after a failure may come from it: what was not loaded cannot be asked
            found.append(self._raised(step, kind, message))
        if self.trace.end != "done":
            found.append(self._ended())
        return found

    def _raised(self, step: StepTrace, kind: str, message: str) -> Finding:
        place = self._place(step)
        missing = re.match(r"name '(\w+)' is not defined|(?:ReferenceError: )?(\w+) is not defined", message)
        if missing is not None:
            name = missing[1] or missing[2]
            text = f"{name} is never defined on this page."
            return self.finding("context", "not self-contained", text, place, "warning")
        absent = absences.wanted(kind, message)
        if absent is not None:
            return self.finding("context", "not self-contained", absent, place, "warning")
        if _NODES.search(message):
            return self.finding("runs", "needs more nodes", f"The server says: {message}", place, "warning")
        if _LOST.search(message):
            return self.finding("runs", "raised", f"{_NO_SERVER}: {kind}: {message}", place, "note")
        if _OWN_SERVER.search(message) and any(code.connects for code in self.job.chain):
            text = f"It connects in a way of its own, which is not to the server under test: {kind}: {message}"
            return self.finding("runs", "raised", text, place, "note")
        sure = bool(_CLIENTS_OWN.search(message)) or (kind in _OF_PARAMETERS and self._sent_nothing(step))
        return self.finding("runs", "raised", f"{kind}: {message}", place, sure=sure)

    def _sent_nothing(self, step: StepTrace) -> bool:
        """Whether the step failed before it asked the server anything."""
        recording = self.recording
        return (
            recording is not None
            and recording.complete
            and not any(call.step == step.step and not call.background for call in recording.calls)
        )

    def _follows(self, step: StepTrace, message: str) -> bool:
        """Whether a failure only follows from an earlier one: the names that the failed statement binds are lost."""
        statement = self._statement(step)
        lost = bool(statement and statement.needs & self.lost)
        if statement is not None:
            self.lost |= statement.defines
        return lost and ("is not defined" in message or "NoneType" in message or lost)

    def _statement(self, step: StepTrace) -> python_source.Statement | None:
        if self.language != "python":
            return None
        snippet = next((one for one in self.job.program.snippets if one.step == step.step), None)
        found = python_source.statements(snippet.text) if snippet is not None else None
        return found[0] if found else None

    def _place(self, step: StepTrace) -> tuple[int, int]:
        mark = self.job.marks[step.step]
        fence = self.job.chain[mark.chain].fence
        if self.language != "python":
            return self.first_line()
        return fence.place(mark.line)

    def _refusals(self, step: StepTrace) -> list[Finding]:
        """Calls that the server refused though nothing was raised: APIs that return a status."""
        if self.recording is None or not self.recording.complete:
            return []
        calls = [
            call
            for call in self.recording.calls
            if call.step == step.step and not call.background and _CHANGES.match(call.name) and summary.refused(call)
        ]
        if not calls:
            return []
        said = _reason(calls[-1])
        if _NODES.search(said):
            return [self.finding("runs", "needs more nodes", f"The server says: {said}", self.first_line(), "warning")]
        text = f"The server refuses {calls[-1].name}, and nothing in the fence notices: {said}"
        return [self.finding("runs", "refused", text, self._place(step))]

    def _ended(self) -> Finding:
        said = [line.strip() for line in self.trace.log.splitlines() if line.strip()][-_LAST_LINES:]
        errors = [line for line in said if _ERROR.match(line)]
        last = (errors or said or [self.trace.detail or ""])[-1]
        if _NODES.search(last):
            return self.finding("runs", "needs more nodes", f"The server says: {last}", self.first_line(), "warning")
        absent = absences.wanted("", last)
        if absent is not None:
            return self.finding("context", "not self-contained", absent, self.first_line(), "warning")
        if _LOST.search(last):
            return self.finding("runs", "crashed", f"{_NO_SERVER}: {last}", self.first_line(), "note")
        word = "It does not end" if self.trace.end == "hung" else "It ends the program"
        return self.finding("runs", "crashed", f"{word}: {last}", self.first_line())


def _reason(call: RecordedCall) -> str:
    return _first_line(call.reason or call.status_message or call.error_code or str(call.code or call.status))


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return lines[0] if lines else "(no message)"


def _outputs(
    reader: _Reader, outputs: Sequence[Output], levels: dict[str, str], elsewhere: frozenset[str]
) -> list[Finding]:
    """What the page says a fence prints, against what it printed: the page's words, in their order."""
    found = []
    printed = words_in(reader.trace.log)
    for output in outputs:
        stated = [word for word in words_in(output.text) if not CHANGING.fullmatch(word)]
        rest = after(stated, printed)
        absent = sorted(name for name in elsewhere if name.lower() in stated)
        if rest is not None:
            levels.setdefault("output", "passed")
            printed = rest
        elif not printed:
            levels["output"] = "not checked: the fence prints nothing"
        elif absent:
            levels.setdefault("output", f"not checked: it tells of {', '.join(absent)}, which this fence does not make")
        elif set(stated) <= _TRUTH and not reader.declared and _ASKS & set(reader.job.code.operations):
            levels.setdefault("output", "not checked: whether something is there depends on the state before")
        else:
            levels["output"] = "failed"
            text = f"The page says that this prints {shortened(output.text)}; it prints {shortened(reader.trace.log)}."
            severity: Severity = "note" if reader.doubt else "warning"
            found.append(reader.finding("output", "other output", text, (output.line, 1), severity))
    return found

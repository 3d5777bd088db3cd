"""What the recorded calls say of a step: who refused, and which calls were made."""

from collections.abc import Mapping

from milvus_parity.model.outcome import Origin
from milvus_parity.model.scenario import Frozen
from milvus_parity.model.wire import RecordedCall, Recording

_TRANSPORT = frozenset({0, 1, 4, 14})
"""gRPC statuses by which no server refuses: OK, CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE."""
_UNIMPLEMENTED = 12


class StepWire(Frozen, frozen=True, kw_only=True):
    """``refused``: the server refused a call of this step. ``calls``: the calls, one text each."""

    refused: bool
    calls: tuple[str, ...]

    @property
    def origin(self) -> Origin:
        """Who refused, when the step was refused."""
        return "server" if self.refused else "client"


NOTHING = StepWire(refused=False, calls=())
"""Of a step in which nothing went over the wire."""


def by_step(recording: Recording | None) -> Mapping[int, StepWire] | None:
    """The wire of each step that has any; None when the wire was not recorded, or not whole."""
    if recording is None or not recording.complete:
        return None
    steps: dict[int, list[RecordedCall]] = {}
    for call in recording.calls:
        if call.step is not None:
            steps.setdefault(call.step, []).append(call)
    return {step: _summary(calls) for step, calls in steps.items()}


def _summary(calls: list[RecordedCall]) -> StepWire:
    own = [call for call in calls if not call.background]
    return StepWire(refused=_refused(own, calls), calls=tuple(call.name for call in own))


def _refused(own: list[RecordedCall], calls: list[RecordedCall]) -> bool:
    """A refused background call counts only when there was no other: a wrong password shows in the SDK's greeting."""
    if own:
        return any(_is_refusal(call) for call in own)
    return any(_is_refusal(call) and call.status != _UNIMPLEMENTED for call in calls)


def _is_refusal(call: RecordedCall) -> bool:
    if call.status is None:
        return False
    if call.status not in _TRANSPORT:
        return True
    return call.status == 0 and (call.code not in (None, 0) or call.error_code not in (None, "Success"))

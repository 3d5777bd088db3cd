"""What the recorded calls say of each step: who refused, and which calls were made."""

from collections.abc import Mapping

from milvus_parity.model.outcome import Origin
from milvus_parity.model.scenario import Frozen
from milvus_parity.model.wire import RecordedCall, Recording
from milvus_parity.wire.summary import origin, texts


class StepWire(Frozen, frozen=True, kw_only=True):
    """``origin``: who refused, if the step was refused. ``calls``: the calls, one text each."""

    origin: Origin
    calls: tuple[str, ...]


NOTHING = StepWire(origin="client", calls=())
"""Of a step in which nothing went over the wire."""


def by_step(recording: Recording | None, databases: Mapping[str, str]) -> Mapping[int, StepWire] | None:
    """The wire of each step that has any; None when the wire was not recorded, or not whole.

    ``databases`` maps logical to real names.
    """
    if recording is None or not recording.complete:
        return None
    names = {real: logical for logical, real in databases.items()}
    steps: dict[int, list[RecordedCall]] = {}
    for call in recording.calls:
        if call.step is not None:
            steps.setdefault(call.step, []).append(call)
    return {step: StepWire(origin=origin(calls), calls=texts(calls, names)) for step, calls in steps.items()}

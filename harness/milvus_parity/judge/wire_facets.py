"""What the recorded calls say of each step: who refused, and which calls were made."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from milvus_parity.model.run import StepWire
from milvus_parity.model.wire import RecordedCall, Recording
from milvus_parity.wire import normalise, summary


def by_step(recording: Recording | None) -> Mapping[int, StepWire] | None:
    """The wire of each step that has any; None when the wire was not recorded, or not whole."""
    if recording is None or not recording.complete:
        return None
    steps: dict[int, list[RecordedCall]] = {}
    for call in recording.calls:
        if call.step is not None:
            steps.setdefault(call.step, []).append(call)
    return {step: _of(calls) for step, calls in steps.items()}


def _of(calls: list[RecordedCall]) -> StepWire:
    own = [call for call in calls if not call.background]
    return StepWire(
        origin=summary.origin(calls),
        calls=summary.texts(calls),
        count=len(own),
        methods=tuple(sorted({call.name for call in own})),
    )


@lru_cache(maxsize=1)
def rules_version() -> str:
    """Names the code that makes texts of calls: what another version of it has stored is made anew."""
    digest = hashlib.sha256()
    for module in (summary, normalise):
        digest.update(Path(module.__file__ or "").read_bytes())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()[:16]

"""Outcomes that are kept: what a program did with a version of an SDK and of the server need not be run twice."""

import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from milvus_parity.model.outcome import COULD_NOT_RUN
from milvus_parity.model.run import Program, StepWire
from milvus_parity.model.scenario import Frozen
from milvus_parity.model.trace import Trace

_FOR_A_DAY = frozenset({"not available", "not built"})
NOT_BUILT_SECONDS = 24 * 3600.0
"""So long it is remembered that a release cannot be fetched or built: a registry may have it tomorrow."""


class KeptOutcome(Frozen, frozen=True, kw_only=True):
    """A trace, what its calls come to (None: not recorded), and the program; ``kept`` is Unix seconds."""

    trace: Trace
    wire: Mapping[int, StepWire] | None = None
    program: Program | None = None
    kept: float = 0.0


class OutcomeCache:
    """Kept outcomes in a folder, a file each. A file that cannot be read is as good as none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> KeptOutcome | None:
        """What is kept under a key; None when nothing is, or nothing that still counts."""
        try:
            kept = msgspec.json.decode(self._place(key).read_bytes(), type=KeptOutcome)
        except (OSError, msgspec.MsgspecError):
            return None
        stale = kept.trace.end in _FOR_A_DAY and time.time() - kept.kept > NOT_BUILT_SECONDS
        return None if stale else kept

    def put(self, key: str, outcome: KeptOutcome) -> None:
        """Keep an outcome, unless it only says that something was not there."""
        if outcome.trace.end in COULD_NOT_RUN - _FOR_A_DAY:
            return
        place = self._place(key)
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(msgspec.structs.replace(outcome, kept=time.time())))
        fresh.replace(place)

    def _place(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

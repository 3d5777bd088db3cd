"""Names and lines of a run folder's files."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from milvus_parity.model.errors import BadInputError, ParityError
from milvus_parity.model.run import StepWire
from milvus_parity.model.scenario import Frozen
from milvus_parity.model.wire import RecordedCall

HEADER = "run.json"
PROGRAMS = "programs.jsonl"
TRACES = "traces.jsonl"
CALLS = "calls.jsonl"
WIRE = "wire.jsonl"
FOOTER = "footer.json"
RESERVE = ".reserve"
"""Space kept free so that the footer can be written on a full disk."""

RECORDS = (PROGRAMS, TRACES, CALLS, WIRE)
"""Files of one JSON value a line."""


class CallLine(RecordedCall, frozen=True, kw_only=True, omit_defaults=True):
    """A line of calls.jsonl: a recorded call, and the execution it belongs to."""

    case: str
    target: str


class WireLine(Frozen, frozen=True, kw_only=True):
    """A line of wire.jsonl: closes the recording of an execution, whose calls stand before it in calls.jsonl.

    ``start`` and ``bytes`` say where. ``steps`` is what the calls of each step come to by the code that ``rules``
    names, None when the recording isn't whole; ``problem`` says why it isn't.
    """

    case: str
    target: str
    calls: int
    start: int
    bytes: int
    connections: int = 0
    problem: str | None = None
    rules: str = ""
    steps: Mapping[int, StepWire] | None = None


class StoreError(ParityError):
    """A run folder cannot be written: no space, no right, gone."""


class NotARunError(BadInputError):
    """A folder that is no run, or one that this version cannot read."""


encoder = msgspec.json.Encoder()


def line_of(value: object) -> bytes:
    """A value as a line of JSON."""
    return encoder.encode(value) + b"\n"


def line_of_call(case: str, target: str, call: RecordedCall) -> bytes:
    """A call as a line of JSON, as CallLine describes it."""
    key = encoder.encode({"case": case, "target": target})
    return key[:-1] + b"," + encoder.encode(call)[1:] + b"\n"


def explain(error: OSError, doing: str, path: Path) -> StoreError:
    """The sentence for an error of the file system."""
    words = {
        "ENOSPC": ("the disk is full", "What was finished before is kept. Free some space or choose another --out."),
        "EDQUOT": ("the quota is used up", "What was finished before is kept. Choose another --out."),
        "EACCES": ("no right to write there", "Choose another folder with --out."),
        "EPERM": ("no right to write there", "Choose another folder with --out."),
        "EROFS": ("it is read-only", "Choose another folder with --out."),
    }
    import errno

    name = errno.errorcode.get(error.errno or 0, "")
    why, hint = words.get(name, (error.strerror or str(error), "Choose another folder with --out."))
    return StoreError(f"Cannot {doing}: {why}.", where=str(path), hint=hint)

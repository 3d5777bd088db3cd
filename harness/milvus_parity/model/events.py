"""What the engine tells while it runs; reporters subscribe."""

from collections.abc import Callable
from typing import Literal

from milvus_parity.model.run import RunEnd, RunHeader
from milvus_parity.model.scenario import Frozen
from milvus_parity.model.trace import Trace

LaneState = Literal["resolving", "building", "starting", "running", "done", "failed"]


class ServerProgress(Frozen, frozen=True, kw_only=True):
    """A line about the server's start."""

    line: str


class RunStarted(Frozen, frozen=True, kw_only=True):
    """The plan stands; ``folder`` is where the run is written, ``executions`` how many there will be."""

    header: RunHeader
    folder: str
    executions: int


class LaneChanged(Frozen, frozen=True, kw_only=True):
    """A target goes on to its next state. ``detail``: why it failed, or what it took."""

    target: str
    state: LaneState
    executions: int = 0
    detail: str | None = None


class LaneProgress(Frozen, frozen=True, kw_only=True):
    """A line from what a target is doing (a registry's or a compiler's words)."""

    target: str
    line: str


class ExecutionStarted(Frozen, frozen=True, kw_only=True):
    """A case starts in a target."""

    target: str
    case: str


class ExecutionFinished(Frozen, frozen=True, kw_only=True):
    """A case is through a target; its trace is on disk."""

    target: str
    trace: Trace


class RunFinished(Frozen, frozen=True, kw_only=True):
    """Nothing more will run."""

    end: RunEnd
    detail: str | None = None


Event = ServerProgress | RunStarted | LaneChanged | LaneProgress | ExecutionStarted | ExecutionFinished | RunFinished
Subscriber = Callable[[Event], None]

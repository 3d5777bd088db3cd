"""What is shown while a run goes on: a live line per target in a terminal, plain lines elsewhere. On standard error."""

import sys
import time
from typing import TYPE_CHECKING, TextIO

from milvus_parity.model.events import (
    Event,
    ExecutionFinished,
    ExecutionStarted,
    LaneChanged,
    LaneProgress,
    RunFinished,
    RunStarted,
    ServerProgress,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

EVERY = 5.0
"""Seconds between two plain lines about the same target while it runs."""


class _Row:
    def __init__(self) -> None:
        self.state = "waiting"
        self.total = 0
        self.done = 0
        self.bad = 0
        self.line = ""
        self.running: dict[str, float] = {}
        self.since = time.monotonic()

    def change(self, event: LaneChanged) -> None:
        self.state = event.state
        self.total = event.executions or self.total
        self.line = (event.detail or "").splitlines()[0] if event.detail else ""
        self.since = time.monotonic()

    def words(self) -> str:
        seconds = time.monotonic() - self.since
        if self.state == "running":
            return f"running {self.done}/{self.total}" + (f", {self.bad} could not end" if self.bad else "")
        if self.state == "done":
            return f"done {self.done}" + (f", {self.bad} could not end" if self.bad else "")
        return self.state if self.state == "failed" else f"{self.state} {seconds:.0f} s"


class Progress:
    """Subscribes to a run's events."""

    def __init__(self) -> None:
        self.rows: dict[str, _Row] = {}
        self.server = ""

    def _take(self, event: Event) -> None:
        if isinstance(event, ServerProgress):
            self.server = event.line
        elif isinstance(event, RunStarted):
            if event.header.server is not None:
                self.server = (
                    f"{event.header.server.version} ({event.header.server.kind}), {event.header.server.address}"
                )
            for target in event.header.targets:
                self.rows.setdefault(target.label, _Row())
        elif isinstance(event, LaneChanged):
            self.rows.setdefault(event.target, _Row()).change(event)
        elif isinstance(event, LaneProgress):
            self.rows.setdefault(event.target, _Row()).line = event.line.strip()
        elif isinstance(event, ExecutionStarted):
            self.rows[event.target].running[event.case] = time.monotonic()
        elif isinstance(event, ExecutionFinished):
            row = self.rows[event.target]
            row.running.pop(event.trace.case, None)
            row.done += 1
            row.bad += event.trace.end not in ("done", "crashed", "hung")


class PlainProgress(Progress):
    """A line for each change, and one now and then for each target that runs."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._told: dict[str, float] = {}
        self._started = time.monotonic()

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._started:6.1f} s] {text}", file=self._stream, flush=True)

    def __call__(self, event: Event) -> None:
        """Take an event."""
        self._take(event)
        if isinstance(event, ServerProgress):
            self._say(f"milvus: {event.line}")
        elif isinstance(event, RunStarted):
            self._say(f"{event.executions} executions, written to {event.folder}")
        elif isinstance(event, LaneChanged):
            detail = f": {event.detail}" if event.detail else ""
            count = f" {event.executions} cases" if event.state == "running" else ""
            self._say(f"{event.target}: {event.state}{count}{detail}")
        elif isinstance(event, ExecutionFinished):
            now = time.monotonic()
            if now - self._told.get(event.target, self._started) > EVERY:
                self._told[event.target] = now
                self._say(f"{event.target}: {self.rows[event.target].words()}")
        elif isinstance(event, RunFinished):
            self._say(f"{event.end}" + (f": {event.detail}" if event.detail else ""))

    def close(self) -> None:
        """Nothing more comes."""


class LiveProgress(Progress):
    """A table that is drawn anew several times a second."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__()
        console = Console(stderr=True)
        self._live = Live(get_renderable=self._draw, console=console, refresh_per_second=8, transient=True)
        self._live.start()

    def __call__(self, event: Event) -> None:
        """Take an event."""
        self._take(event)

    def _draw(self) -> "RenderableType":
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
        table.add_row(Text("milvus", style="bold"), "", Text(self.server))
        for name, row in self.rows.items():
            style = {"failed": "red", "done": "green"}.get(row.state, "")
            now = row.line
            if row.state == "running":
                oldest = sorted(row.running, key=lambda case: row.running[case])
                now = ", ".join(oldest)
            table.add_row(Text(name, style="bold"), Text(row.words(), style=style), Text(now, style="dim"))
        return table

    def close(self) -> None:
        """Take the table away."""
        self._live.stop()


def progress_for_terminal() -> PlainProgress | LiveProgress:
    """The progress that suits standard error."""
    return LiveProgress() if sys.stderr.isatty() else PlainProgress(sys.stderr)

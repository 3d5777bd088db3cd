"""Listens to the engine for processes that were killed for want of memory.

A worker that forks outlives a child that the kernel took; only the engine's events tell that it was the limit's doing.
"""

import contextlib
import threading
from collections import Counter
from typing import Any

from milvus_parity.runtime.containers import labels
from milvus_parity.runtime.containers.engine import Engine

LATE_SECONDS = 0.5
"""How long the news may take after the death; some milliseconds are usual."""


class MemoryWatch:
    """Counts the kills in the containers of a run. An engine that tells no such events leaves it at nothing."""

    def __init__(self, engine: Engine, run: str) -> None:
        self._engine = engine
        self._wanted = {"type": "container", "event": "oom", "label": f"{labels.RUN}={run}"}
        self._stream: Any = None
        self._kills: Counter[str] = Counter()
        self._news = threading.Condition()
        threading.Thread(target=self._listen, name="engine-events", daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(Exception):  # of an engine that goes away: others notice, too, and say it
            # Here, since an engine may answer no sooner than there is something to tell.
            self._stream = self._engine.client.api.events(decode=True, filters=self._wanted)
            for event in self._stream:
                with self._news:
                    self._kills[event["Actor"]["ID"]] += 1
                    self._news.notify_all()

    def took_one(self, container: str) -> bool:
        """Whether a process of a container was killed that nobody has asked about yet. Blocks for half a second."""
        with self._news:
            if not self._news.wait_for(lambda: self._kills[container] > 0, LATE_SECONDS):
                return False
            self._kills[container] -= 1
            return True

    def close(self) -> None:
        """Stop listening."""
        with contextlib.suppress(Exception):
            self._stream.close()

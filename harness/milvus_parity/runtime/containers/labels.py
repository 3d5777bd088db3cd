"""The labels on everything the harness makes in an engine, and whether the harness that made it still lives.

A container, network, volume or passing image carries the run's id, the process id of its harness and when that process
was started: a process id alone may be somebody else's by now. Only the machine on which the process ran can tell;
things of other machines on a shared engine are left alone until they are a day old.
"""

import contextlib
import os
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from milvus_parity.model.scenario import Frozen

LINUX = sys.platform.startswith("linux")

RUN = "milvus-parity.run"
PID = "milvus-parity.pid"
STARTED = "milvus-parity.started"
HOST = "milvus-parity.host"
CREATED = "milvus-parity.created"
OWNER = (RUN, PID, STARTED, HOST, CREATED)

KIND = "milvus-parity.kind"
"""Of images: ``sdk`` (an SDK in its toolchain), ``build`` (compiled programs); ``passing`` ones go with their run."""
TARGET = "milvus-parity.target"
VERSION = "milvus-parity.version"
KEY = "milvus-parity.key"
SDK = "milvus-parity.sdk"
"""Of images of programs: the image of their SDK."""
BASE = "milvus-parity.base"
BASE_ID = "milvus-parity.base-id"

STRANGER_SECONDS = 24 * 3600.0
"""Age after which things made by a harness on another machine count as left behind."""


class Owner(Frozen, frozen=True, kw_only=True):
    """The harness that made something."""

    run: str
    pid: int
    started: str
    host: str
    created: float

    @classmethod
    def this_process(cls, run: str) -> Self:
        """This harness, for a run."""
        pid = os.getpid()
        return cls(run=run, pid=pid, started=started(pid) or "", host=this_host(), created=time.time())

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> Self | None:
        """Read it from labels; None when they are not ours or not whole."""
        try:
            return cls(
                run=labels[RUN],
                pid=int(labels[PID]),
                started=labels[STARTED],
                host=labels[HOST],
                created=float(labels[CREATED]),
            )
        except (KeyError, ValueError):
            return None

    def labels(self) -> dict[str, str]:
        """As labels."""
        return {
            RUN: self.run,
            PID: str(self.pid),
            STARTED: self.started,
            HOST: self.host,
            CREATED: f"{self.created:.0f}",
        }

    def lives(self) -> bool:
        """Whether that harness still runs; when only another machine can tell, whether it may."""
        if self.host != this_host():
            return time.time() - self.created < STRANGER_SECONDS
        return started(self.pid) == self.started


def this_host() -> str:
    """This machine and, on Linux, the space its process ids are from: those of a container mean nothing outside."""
    with contextlib.suppress(OSError):
        return f"{socket.gethostname()}/{Path('/proc/self/ns/pid').readlink().name}"
    return socket.gethostname()


def started(pid: int) -> str | None:
    """When a process was started, in words that never change while it lives; None when there is none.

    On Linux in clock ticks since boot, with the boot's id, since a time of day moves when the clock is set.
    """
    return _linux_start(pid) if LINUX else _start_time(pid)


def _linux_start(pid: int) -> str | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        state, *fields = text.rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else f"{boot}/{fields[18]}"


def _start_time(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return None

"""The relay's program as a process of this machine: what stands beside a worker in a container, without a container."""

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import milvus_parity.runtime.containers.relay as containers_relay


class LocalRelay:
    """A `Channel`."""

    def __init__(self, program: Path = containers_relay.PROGRAM) -> None:
        self.process = subprocess.Popen(["perl", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        self._told: tuple[Callable[[bytes], None], Callable[[], None]] | None = None

    def attach(self, came: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        first, self._told = self._told is None, (came, ended)
        if first:
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        assert self._told is not None
        while data := os.read(self.process.stdout.fileno(), 1 << 16):
            self._told[0](data)
        self._told[1]()

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except OSError:
            return

    def close(self) -> int:
        """How it ended once nobody spoke to it any more."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        return self.process.wait(10)

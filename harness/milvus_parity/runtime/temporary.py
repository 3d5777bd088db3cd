"""Temporary folders that tell whose they are, so that those of a killed harness can be removed."""

import os
import re
import shutil
import tempfile
from pathlib import Path

import psutil

_NAME = re.compile(r"(\d+)-(\d+)-")


def make(root: Path) -> Path:
    """A new folder of this process."""
    root.mkdir(parents=True, exist_ok=True)
    started = int(psutil.Process().create_time())
    return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-{started}-", dir=root))


def sweep(root: Path) -> int:
    """Remove the folders whose process is gone; how many there were."""
    removed = 0
    for folder in root.glob("*-*-*"):
        found = _NAME.match(folder.name)
        if found and not _lives(int(found[1]), int(found[2])):
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def _lives(pid: int, started: int) -> bool:
    try:
        return abs(psutil.Process(pid).create_time() - started) < 2
    except psutil.Error:
        return False

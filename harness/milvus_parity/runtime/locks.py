"""Locks between runs that share a cache."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from milvus_parity.runtime.base import Progress


@asynccontextmanager
async def locked(path: Path, progress: Progress) -> AsyncIterator[None]:
    """Hold a lock file; says so once when another process has it, and waits as long as that lives."""
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, thread_local=False)
    told = False
    while True:
        try:
            lock.acquire(blocking=False)
            break
        except Timeout:
            if not told:
                progress("waiting for another run that makes the same")
                told = True
            await asyncio.sleep(0.1)
    try:
        yield
    finally:
        lock.release()

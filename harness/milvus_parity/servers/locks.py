"""Locks between processes, waited for without blocking the event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from filelock import FileLock, Timeout

POLL_SECONDS = 0.1


@asynccontextmanager
async def locked(path: Path, on_progress: Callable[[str], None], what: str) -> AsyncIterator[None]:
    """Hold the lock at ``path``; ``what`` says what another run does that holds it."""
    lock = FileLock(path, thread_local=False)
    told = False
    while True:
        try:
            lock.acquire(timeout=0)
            break
        except Timeout:
            if not told:
                on_progress(f"waiting for another run that {what}")
                told = True
            await asyncio.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        lock.release(force=True)

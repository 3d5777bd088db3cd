"""Folders that belong to one running harness, and the removal of those whose owner is gone.

A folder's owner holds a lock on a file inside it for as long as it lives. The system gives that lock back when the
owner ends, however it ends, so a folder whose lock can be taken is nobody's: this also holds between containers that
share a cache folder, where process ids say nothing.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from milvus_parity.servers.base import ServerError

LOCK_NAME = "owner.lock"

Farewell = Callable[[Path], None]
"""Called with an ownerless folder before it goes, for what lies outside it."""


class OwnedFolder:
    """A folder made for this process; `remove` takes it away with all that is in it."""

    def __init__(self, path: Path, lock: FileLock) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def create(cls, parent: Path, farewell: Farewell | None = None) -> Self:
        """Make a new one under ``parent``, after removing the folders there that nobody owns any more.

        The name carries the process id, for people who look. Raises `ServerError` where ``parent`` cannot be written.
        """
        try:
            make_folder(parent)
            with FileLock(parent / ".sweep.lock", thread_local=False):
                sweep(parent, farewell)
                path = parent / f"{os.getpid()}-{secrets.token_hex(4)}"
                path.mkdir(mode=0o700)
                lock = FileLock(path / LOCK_NAME, thread_local=False)
                lock.acquire(timeout=0)
        except OSError as error:
            raise unwritable(parent, error) from error
        return cls(path, lock)

    def remove(self) -> None:
        """Remove it; a folder that is gone already is no error."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release(force=True)
        # Releasing may put the lock file back where its folder still stood.
        shutil.rmtree(self.path, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def sweep(parent: Path, farewell: Farewell | None = None) -> list[Path]:
    """Remove the folders under ``parent`` whose owner is gone, and end what still runs in them. Returns them.

    The caller holds the lock under which folders are made.
    """
    return [folder for folder in _folders(parent) if _remove_if_ownerless(folder, farewell)]


def _folders(parent: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(entry for entry in parent.iterdir() if entry.is_dir() and not entry.is_symlink())
    return []


def _remove_if_ownerless(folder: Path, farewell: Farewell | None) -> bool:
    with _try_lock(folder) as free:
        if not free:
            return False
        _end_processes_in(folder)
        if farewell is not None:
            farewell(folder)
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    return True


@contextmanager
def _try_lock(folder: Path) -> Iterator[bool]:
    lock = FileLock(folder / LOCK_NAME, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release(force=True)


def _end_processes_in(folder: Path) -> None:
    """Kill the processes whose working folder lies in a folder that nobody owns.

    On Linux a server dies with its harness; this is for systems that have no such bond.
    """
    import psutil

    inside = folder.resolve()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and Path(process.cwd()).is_relative_to(inside):
                process.kill()


def make_folder(path: Path) -> None:
    """Make a folder and those above it, if they are not there."""
    path.mkdir(parents=True, exist_ok=True)


def unwritable(folder: Path, error: OSError) -> ServerError:
    """The sentence for a folder that cannot be written (no right, no space)."""
    return ServerError(
        f"The folder {folder} cannot be written: {error.strerror or error}.",
        hint="Make room or give the right to write there, or name another cache folder.",
    )

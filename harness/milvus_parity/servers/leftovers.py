"""What the embedded server writes outside its own folder, and never removes.

The paths are fixed in its binary (seen with 2.3.5; TMPDIR and its configuration do not move them): its process id in
``standalone.pid`` under /run/milvus, or /tmp/milvus where that cannot be written, and ``server_id_PID`` in /tmp/milvus.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

PID_FILE = "server.pid"
"""In a server's own folder: its process id, for whoever clears up after a killed harness."""

PLACES = (Path("/run/milvus"), Path("/tmp/milvus"))  # noqa: S108 - not ours to choose


def remove_leftovers(pid: int, places: Sequence[Path] = PLACES) -> None:
    """Remove what the dead server with this process id left; other servers' files stay."""
    for place in places:
        with suppress(OSError):
            (place / f"server_id_{pid}").unlink(missing_ok=True)
        pid_file = place / "standalone.pid"
        with suppress(OSError, ValueError):
            if int(pid_file.read_text()) == pid:
                pid_file.unlink()
        with suppress(OSError):
            place.rmdir()  # only when it is empty


def remove_leftovers_of_folder(folder: Path) -> None:
    """The same for the server that lived in ``folder``, if no other has its process id by now."""
    with suppress(OSError, ValueError):
        pid = int((folder / PID_FILE).read_text())
        if not _is_server(pid):
            remove_leftovers(pid)


def _is_server(pid: int) -> bool:
    """Whether a Milvus runs under this number. One that is dead but not collected by its parent does not."""
    import psutil

    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return process.name() == "milvus" and process.status() != psutil.STATUS_ZOMBIE
    return False

"""A way to an engine on another machine by ssh: a socket here, behind which each connection is an ssh of its own.

So does Docker's own command: `ssh HOST docker system dial-stdio`, with the user's configuration, keys and agent. The
Docker SDK (7.2) wants paramiko even when it is to use that ssh, and its streams then wait for more than there is.
"""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlsplit

CONNECT_SECONDS = 30
BACKLOG = 64


def command(address: str) -> list[str]:
    """What connects to the engine that ``ssh://[USER@]HOST[:PORT][/SOCKET]`` names."""
    parts = urlsplit(address)
    user, _, rest = parts.netloc.rpartition("@")
    host = rest.removesuffix(f":{parts.port}") if parts.port else rest
    ssh = ["ssh", "-T", "-o", f"ConnectTimeout={CONNECT_SECONDS}", "-o", "BatchMode=yes"]
    ssh += ["-l", user] if user else []
    ssh += ["-p", str(parts.port)] if parts.port else []
    there = ["--host", f"unix://{parts.path}"] if parts.path.strip("/") else []
    return [*ssh, "--", host.strip("[]"), "docker", *there, "system", "dial-stdio"]


class Tunnel:
    """Open as long as it is not closed. ``path``: the socket of this machine that leads there."""

    def __init__(self, address: str) -> None:
        self._command = command(address)
        self._folder = Path(tempfile.mkdtemp(prefix="milvus-parity-"))
        self._log = self._folder / "ssh.log"
        self._log.touch()
        self.path = self._folder / "engine.sock"
        self._running: list[subprocess.Popen[bytes]] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(BACKLOG)
        self._thread = threading.Thread(target=self._serve, name="ssh-to-engine", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, self._log.open("ab") as log:
                self._running = [one for one in self._running if one.poll() is None]
                try:
                    # In a session of its own: Ctrl-C is for the harness, which still has to take away what it made.
                    started = subprocess.Popen(
                        self._command,
                        stdin=connection.fileno(),
                        stdout=connection.fileno(),
                        stderr=log,
                        start_new_session=True,
                    )
                except OSError as error:  # and it hangs up
                    log.write(f"ssh cannot be started: {error.strerror}\n".encode())
                else:
                    self._running.append(started)

    def said(self) -> str:
        """What ssh complained about last; empty when it did not."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""

    def close(self) -> None:
        """End all connections, and remove the socket."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for one in self._running:
            one.kill()
            one.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

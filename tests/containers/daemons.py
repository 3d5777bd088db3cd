"""Further Docker daemons of our own: one to be killed, one that seems to be on another machine."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from milvus_parity.runtime.containers.engine import Engine, EngineError, connect

CONTAINERD = ("/run/containerd/containerd.sock", "/var/run/docker/containerd/containerd.sock")


def impossible() -> str | None:
    """Why there can be no second daemon here; None when there can."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("dockerd", "ip", "unshare"))):
        return "a second daemon takes root, dockerd, ip and unshare"
    return None


class Daemon:
    """A Docker daemon with everything of its own but containerd, in which it has a namespace.

    ``within``: the words of a command that it is started by. ``options``: more for dockerd.
    """

    def __init__(self, *, within: Sequence[str] = (), options: Sequence[str] = ()) -> None:
        containerd = next(filter(os.path.exists, CONTAINERD), None)
        assert containerd is not None, "no containerd at its usual places"
        # Its sockets want a short path; containerd's namespaces no underscores, which temporary names have.
        self.folder = Path(f"/var/tmp/parity-{secrets.token_hex(4)}")
        self.folder.mkdir(mode=0o700)
        self.socket = self.folder / "docker.sock"
        self.environ = {"DOCKER_HOST": f"unix://{self.socket}", "HOME": str(self.folder), "PATH": os.environ["PATH"]}
        self._within = within
        self._options = options
        self._containerd = containerd
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        (self.folder / "pid").unlink(missing_ok=True)
        namespace = self.folder.name
        command = [*self._within, "dockerd", "--host", f"unix://{self.socket}", "--data-root", self.folder / "data"]
        command += ["--exec-root", self.folder / "exec", "--pidfile", self.folder / "pid"]
        command += ["--containerd", self._containerd, "--containerd-namespace", namespace]
        command += ["--containerd-plugins-namespace", f"{namespace}-plugins", "--iptables=false"]
        command += ["--default-address-pool", "base=172.29.0.0/16,size=24", *self._options]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        for _ in range(600):
            with contextlib.suppress(EngineError):
                connect(self.environ).close()
                return
            time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def load(self, engine: Engine, *images: str) -> None:
        """Give it images of another engine."""
        other = connect(self.environ)
        for image in images:
            other.client.images.load(b"".join(engine.client.images.get(image).save(named=True)))
        other.close()

    def end(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait()

    def empty(self) -> None:
        """Take all containers and networks away; one that was killed is started again for it."""
        if self._process is None or self._process.poll() is not None:
            self.start()
        engine = connect(self.environ)
        for container in engine.client.containers.list(all=True):
            container.remove(force=True)
        for network in engine.client.networks.list(filters={"type": "custom"}):
            network.remove()
        engine.close()

    def remove(self) -> None:
        """Take everything away."""
        self.empty()
        self.end(signal.SIGTERM)
        subprocess.run(["umount", "-R", "-q", self.folder / "data"], check=False)
        shutil.rmtree(self.folder)

import os
import sys
from pathlib import Path

import pytest
from milvus_parity.runtime.containers.engine import EngineError, connect
from milvus_parity.runtime.containers.tunnel import Tunnel, command
from runtime.test_container_engine import FakeEngine

SSH = """#!{python}
import os, socket, sys, threading
open({said!r}, "a").write(" ".join(sys.argv[1:]) + "\\n")
engine = socket.socket(socket.AF_UNIX)
engine.connect({engine!r})

def up():
    while data := os.read(0, 65536):
        engine.sendall(data)
    engine.shutdown(socket.SHUT_WR)

threading.Thread(target=up, daemon=True).start()
while data := engine.recv(65536):
    os.write(1, data)
"""


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ssh://box", "-- box docker system dial-stdio"),
        ("ssh://me@Box:2222", "-l me -p 2222 -- Box docker system dial-stdio"),
        ("ssh://box/run/other.sock", "-- box docker --host unix:///run/other.sock system dial-stdio"),
        ("ssh://me@[::1]:22", "-l me -p 22 -- ::1 docker system dial-stdio"),
        ("ssh://-oProxyCommand=x", "-- -oProxyCommand=x docker system dial-stdio"),
    ],
)
def test_what_is_run(address: str, expected: str) -> None:
    assert " ".join(command(address)) == f"ssh -T -o ConnectTimeout=30 -o BatchMode=yes {expected}"


def ssh_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ssh").write_text(text)
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_each_connection_is_an_ssh_and_all_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeEngine(tmp_path / "s")
    said = tmp_path / "said"
    ssh_that(tmp_path, monkeypatch, SSH.format(python=sys.executable, engine=str(fake.path), said=str(said)))
    engine = connect({"DOCKER_HOST": "ssh://me@box"})
    assert engine.describe() == "Docker 1 at ssh://me@box"
    assert not engine.is_local
    assert said.read_text().splitlines()[0].endswith("-l me -- box docker system dial-stdio")
    socket = Path(engine.variables["DOCKER_HOST"].removeprefix("unix://"))
    assert socket.is_socket()
    tunnel = engine._tunnel
    assert tunnel is not None
    engine.close()
    assert not socket.parent.exists()
    assert all(one.poll() is not None for one in tunnel._running)
    fake.close()


def test_what_ssh_complains_about_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh_that(tmp_path, monkeypatch, "#!/bin/sh\necho 'me@box: Permission denied (publickey).' >&2\nexit 255\n")
    with pytest.raises(EngineError, match=r"ssh://me@box \(DOCKER_HOST\) does not answer: me@box: Permission denied"):
        connect({"DOCKER_HOST": "ssh://me@box"})


def test_without_ssh_the_line_is_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"ssh://box .* does not answer: ssh cannot be started: No such file"):
        connect({"DOCKER_HOST": "ssh://box"})
    tunnel = Tunnel("ssh://box")
    tunnel.close()
    assert not tunnel.path.exists()

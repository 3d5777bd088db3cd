import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from milvus_parity.servers.children import Child, last_lines

SHELL_ENV = {"PATH": "/usr/bin:/bin"}


def child(script: str, folder: Path, env: dict[str, str] | None = None) -> Child:
    return Child(["/bin/sh", "-c", script], env=env or SHELL_ENV, cwd=folder, log=folder / "log")


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_its_output_is_kept_and_its_end_is_known(tmp_path: Path) -> None:
    process = child("echo one; echo two >&2; exit 3", tmp_path)
    until(lambda: not process.alive())
    assert process.exit_words() == "exit status 3"
    assert process.last_lines(5) == ["one", "two"]
    assert process.last_lines(1) == ["two"]


def test_its_environment_is_what_was_given(tmp_path: Path) -> None:
    """And LD_LIBRARY_PATH does not reach the Python in between, which could not start with these."""
    (tmp_path / "libc.so.6").write_text("no library")
    env = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": "/nowhere", "WORD": "a b\"'$x"}
    process = child('echo "$WORD|$LD_LIBRARY_PATH|$HOME"; pwd', tmp_path, env)
    until(lambda: not process.alive())
    assert process.last_lines(5) == ["a b\"'$x|/nowhere|", str(tmp_path)]


def test_it_is_asked_to_end_first(tmp_path: Path) -> None:
    process = child("trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.05; done", tmp_path)
    until(lambda: process.last_lines(1) == ["ready"])
    asyncio.run(process.stop(5))
    assert process.last_lines(1) == ["asked"]
    assert process.exit_words() == "exit status 0"


def test_one_that_will_not_end_is_killed_with_all_it_started(tmp_path: Path) -> None:
    process = child("trap '' TERM; sleep 600 & echo $!; wait; sleep 600", tmp_path)
    until(lambda: process.last_lines(1))
    grandchild = int(process.last_lines(1)[0])
    started = time.monotonic()
    asyncio.run(process.stop(0.1))
    assert time.monotonic() - started < 5
    assert process.exit_words() == "signal SIGKILL"
    until(lambda: not psutil.pid_exists(grandchild) or psutil.Process(grandchild).status() == "zombie")
    asyncio.run(process.stop(0.1))


def test_a_kill_from_outside_is_seen_at_once(tmp_path: Path) -> None:
    process = child("sleep 600", tmp_path)
    assert process.alive()
    assert process.exit_words() == "it still runs"
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: not process.alive(), 1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux binds a child's life to its parent's")
def test_it_dies_with_a_harness_that_is_killed(tmp_path: Path) -> None:
    program = """
import sys, time
from pathlib import Path
from milvus_parity.servers.children import Child
folder = Path(sys.argv[1])
script = ["/bin/sh", "-c", "echo up; exec sleep 600"]
child = Child(script, env={"PATH": "/usr/bin:/bin"}, cwd=folder, log=folder / "log")
while child.last_lines(1) != ["up"]: time.sleep(0.01)
print(child.pid, flush=True)
time.sleep(600)
"""
    harness = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert harness.stdout is not None
    pid = int(harness.stdout.readline())
    assert psutil.pid_exists(pid)
    harness.kill()
    harness.communicate()
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", 5)


def test_last_lines_of_a_long_or_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    assert last_lines(path, 3) == []
    path.write_bytes(b"\xff broken\n" + b"x" * 100_000 + b"\nlast\n")
    assert last_lines(path, 1) == ["last"]
    assert last_lines(path, 0) == []
    assert len(last_lines(path, 100)) == 2

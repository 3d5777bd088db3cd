"""What people get wrong, and what a machine lacks: a sentence, the right exit status, nothing lost."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from eight_targets import Command
from milvus_parity.store.reader import read_run

SCENARIO = """schema: 1
title: A case
given:
  book: {partitions: [novel]}
steps:
  - drop: {collection: book, partition: novel}
    expect: ok
"""


def scenarios(folder: Path, text: str = SCENARIO) -> Path:
    path = folder / "scenarios" / "topic" / "case.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return folder / "scenarios"


def half_way(out: Path) -> subprocess.Popen[str]:
    """A run of the suite that has just finished its third execution."""
    process = subprocess.Popen(
        [sys.executable, "-m", "milvus_parity", "run", "--target", "python-client", "--out", str(out)],
        env={**os.environ, "MILVUS_PARITY_RUNTIME": "process"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    traces = out / "traces.jsonl"
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None:
        if traces.exists() and traces.read_bytes().count(b"\n") >= 3:
            return process
        time.sleep(0.05)
    raise AssertionError(process.communicate(timeout=60)[1])


def test_a_slip_in_a_scenario(tmp_path: Path, parity: Command) -> None:
    folder = scenarios(tmp_path, SCENARIO.replace("drop:", "dorp:"))
    said = parity("run", "--scenarios", folder, code=2).stderr
    assert "case.yaml:6:5: There is no operation 'dorp'." in said
    assert "Did you mean 'drop'?" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "jav-v1"], "Did you mean 'java-v1'?"),
        (["--scenario", "no/such*"], "No case matches 'no/such*'"),
        (["--milvus", "not an address"], "milvus-parity:"),
        (["--jobs", "0"], "--jobs"),
        (["--shard", "9/3"], "'9/3' is no part of a whole"),
        (["--out", "/proc/nowhere"], "cannot be written"),
    ],
)
def test_bad_usage(arguments: list[str], words: str, parity: Command) -> None:
    assert words in parity("run", *arguments, code=2).stderr


def test_an_unknown_command(parity: Command) -> None:
    assert "Did you mean 'run'?" in parity("rum", code=2).stderr


def test_a_server_that_is_no_milvus(parity: Command, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        port = server.getsockname()[1]
        said = parity("run", "--milvus", f"127.0.0.1:{port}", "--out", tmp_path / "run", code=3, timeout=120).stderr
        assert f"127.0.0.1:{port}" in said


def test_nobody_listens(parity: Command, tmp_path: Path) -> None:
    said = parity("run", "--milvus", "127.0.0.1:9", "--out", tmp_path / "run", code=3, timeout=120).stderr
    assert "127.0.0.1:9" in said


def test_a_required_target_that_is_not_here(parity: Command, tmp_path: Path) -> None:
    said = parity(
        "run", "--require", "go-v1", "--out", tmp_path / "run", environment={"PATH": "/usr/bin:/bin"}, code=3
    ).stderr
    assert "go-v1@" in said
    assert "is required, but not available here: go is not on the PATH" in said
    assert "Install it: " in said


def test_a_folder_that_is_no_run(parity: Command, tmp_path: Path) -> None:
    parity("report", tmp_path, code=2)


@pytest.mark.e2e
def test_a_version_that_does_not_exist(parity: Command, tmp_path: Path) -> None:
    done = parity(
        "run", "--target", "python-client@2.3.99", "--scenario", "drop_partition/empty", "--out", tmp_path / "r", code=3
    )
    assert "2.3.99" in done.stdout
    assert "No matching distribution" in done.stdout


@pytest.mark.e2e
def test_what_is_not_available_is_listed(parity: Command, tmp_path: Path) -> None:
    done = parity(
        "run",
        "--scenario",
        "drop_partition/empty",
        "--target",
        "python-client",
        "--target",
        "go",
        "--out",
        tmp_path / "r",
        environment={"PATH": "/usr/bin:/bin"},
    )
    assert "go is not on the PATH" in done.stdout
    assert "go-v1" in done.stdout


@pytest.mark.e2e
def test_fail_fast_stops_at_the_first_difference(parity: Command, tmp_path: Path) -> None:
    text = SCENARIO.replace("expect: ok", "expect: refused").replace(
        "given:", "parameters:\n  n: [a, b, c, d, e, f]\ngiven:"
    )
    folder = scenarios(tmp_path, text)
    out = tmp_path / "run"
    arguments = ["--fail-fast", "--scenarios", folder, "--target", "python-client", "--jobs", "1", "--out", out]
    parity("run", *arguments, code=1)
    record = read_run(out)
    assert record.footer is not None
    assert record.footer.end == "failed fast"
    assert sum(len(record.traces(case.id)) for case in record.header.cases) < 6


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_gives_a_report_and_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = half_way(out)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 3, said + errors
    assert "interrupted" in said
    assert "Traceback" not in errors
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    record = read_run(out)
    assert record.footer is not None
    assert record.footer.end == "interrupted"


@pytest.mark.e2e
def test_a_kill_leaves_a_folder_that_says_so_and_no_process(tmp_path: Path, parity: Command) -> None:
    out = tmp_path / "run"
    process = half_way(out)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not [child for child in alive if child.status() != psutil.STATUS_ZOMBIE], alive
    record = read_run(out)
    assert record.condition == "truncated"
    assert sum(len(record.traces(case.id)) for case in record.header.cases) >= 3
    assert "truncated" in parity("report", out, code=None).stdout


@pytest.mark.e2e
def test_a_server_that_dies_in_the_middle(tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = half_way(out)
    for child in psutil.Process(process.pid).children(recursive=True):
        if child.name() == "milvus":
            child.kill()
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 3, said + errors
    assert "server died" in said
    assert "Traceback" not in errors
    record = read_run(out)
    assert record.footer is not None
    assert record.footer.end == "server died"

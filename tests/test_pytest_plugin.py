"""The pytest plugin, in a pytest of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """schema: 1
title: Gone after a drop
given:
  book: {partitions: [novel]}
steps:
  - drop: {collection: book, partition: novel}
    expect: ok
"""


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", str(folder), *arguments, str(folder)],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
        capture_output=True,
        text=True,
        timeout=600,
    )


def write(folder: Path, name: str, text: str) -> None:
    (folder / "topic").mkdir(exist_ok=True)
    (folder / "topic" / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_without_its_option_it_does_nothing(tmp_path: Path) -> None:
    write(tmp_path, "good", GOOD)
    assert run_pytest(tmp_path).returncode == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_slip_is_an_error_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, "slip", GOOD.replace("drop:", "dorp:"))
    done = run_pytest(tmp_path, "--parity")
    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert "slip.yaml:6:5: There is no operation 'dorp'." in done.stdout


@pytest.mark.e2e
def test_each_case_is_a_test(tmp_path: Path) -> None:
    write(tmp_path, "good", GOOD)
    write(tmp_path, "bad", GOOD.replace("expect: ok", "expect: refused"))
    done = run_pytest(tmp_path, "--parity", "--parity-target", "python-client", "--parity-runtime", "process")
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "not what the scenario says" in done.stdout
    assert "Traceback" not in done.stdout

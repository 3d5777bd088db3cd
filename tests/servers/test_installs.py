import asyncio
import os
import sys
import time
from pathlib import Path

import psutil
import pytest
from milvus_parity.servers.base import ServerError
from milvus_parity.servers.installs import environment_installer, fetch_wheel, pip_command, run_installer


def test_a_failing_installer_is_quoted() -> None:
    script = "echo looking; echo; echo 'ERROR: no such release' >&2; exit 1"
    with pytest.raises(ServerError, match=r"milvus could not be fetched .*exit status 1") as raised:
        asyncio.run(run_installer(["/bin/sh", "-c", script], environ={}, what="milvus"))
    assert "looking\n  ERROR: no such release" in str(raised.value)


def test_an_interrupted_installer_is_ended_with_all_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 600 & echo $! > {pids}; wait"

    async def interrupt() -> None:
        task = asyncio.create_task(run_installer(["/bin/sh", "-c", script], environ=os.environ, what="x"))
        while not pids.exists() or not pids.read_text().strip():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupt())
    pid = int(pids.read_text())
    deadline = time.monotonic() + 5
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_pip_is_this_pythons_own() -> None:
    assert pip_command({})[:3] == [sys.executable, "-m", "pip"]
    assert environment_installer(Path("/env/bin/python"), {})[-3:] == ["--python", "/env/bin/python", "install"]


def test_without_pip_uv_brings_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\n")
    uv.chmod(0o755)
    assert pip_command({"PATH": str(tmp_path)})[:4] == [str(uv), "tool", "run", "pip"]


def test_without_pip_and_uv_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ServerError, match="has no pip, and there is no uv"):
        pip_command({"PATH": str(tmp_path)})


def test_a_registry_that_does_not_answer_is_a_sentence(tmp_path: Path) -> None:
    silent = {
        **os.environ,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "0",
        "PIP_CONFIG_FILE": os.devnull,
    }
    with pytest.raises(ServerError, match=r"milvus==2\.3\.5 could not be fetched") as raised:
        asyncio.run(fetch_wheel("milvus==2.3.5", tmp_path, environ=silent))
    assert "ERROR" in str(raised.value)


def test_a_wheel_is_fetched_with_the_users_settings(tmp_path: Path) -> None:
    """From a folder that only the user's settings name."""
    import zipfile

    shelf = tmp_path / "shelf"
    shelf.mkdir()
    with zipfile.ZipFile(shelf / "milvus-2.3.5-py3-none-any.whl", "w") as archive:
        archive.writestr("milvus-2.3.5.dist-info/METADATA", "Metadata-Version: 2.1\nName: milvus\nVersion: 2.3.5\n")
        archive.writestr("milvus-2.3.5.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("milvus-2.3.5.dist-info/RECORD", "")
    settings = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(shelf), "PIP_CONFIG_FILE": os.devnull}
    fetched = asyncio.run(fetch_wheel("milvus==2.3.5", tmp_path / "here", environ=settings))
    assert fetched == tmp_path / "here" / "milvus-2.3.5-py3-none-any.whl"

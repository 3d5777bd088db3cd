import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from milvus_parity.servers.base import ServerError
from milvus_parity.servers.folders import OwnedFolder, sweep

OWNER = """
import sys, time
from pathlib import Path
from milvus_parity.servers.folders import OwnedFolder
folder = OwnedFolder.create(Path(sys.argv[1]))
print(folder.path, flush=True)
time.sleep(60)
"""


@contextmanager
def another_owner(parent: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    process = subprocess.Popen([sys.executable, "-c", OWNER, str(parent)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
    finally:
        process.kill()
        process.communicate()


def test_a_folder_lives_until_it_is_removed(tmp_path: Path) -> None:
    with OwnedFolder.create(tmp_path / "run") as folder:
        assert folder.path.is_dir()
        assert str(os.getpid()) in folder.path.name
        (folder.path / "data").mkdir()
        (folder.path / "data" / "file").write_text("x")
    assert not folder.path.exists()
    folder.remove()


def test_what_a_living_process_owns_stays(tmp_path: Path) -> None:
    with another_owner(tmp_path) as (_, theirs), OwnedFolder.create(tmp_path) as mine:
        assert sweep(tmp_path) == []
        assert theirs.is_dir()
        assert mine.path.is_dir()


def test_what_a_killed_process_owned_goes_with_the_next_start(tmp_path: Path) -> None:
    with another_owner(tmp_path) as (process, theirs):
        (theirs / "data").write_text("x")
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert theirs.is_dir()
        with OwnedFolder.create(tmp_path) as mine:
            assert not theirs.exists()
            assert mine.path.is_dir()


def test_what_lies_outside_a_folder_is_removed_by_its_farewell(tmp_path: Path) -> None:
    (tmp_path / "orphan").mkdir()
    (tmp_path / "orphan" / "note").write_text("elsewhere")
    seen = []
    with OwnedFolder.create(tmp_path, lambda folder: seen.append((folder / "note").read_text())):
        assert seen == ["elsewhere"]
        assert not (tmp_path / "orphan").exists()


def test_a_process_left_in_an_ownerless_folder_is_ended(tmp_path: Path) -> None:
    orphan = tmp_path / "orphan"
    orphan.mkdir()
    bystander = subprocess.Popen(["sleep", "60"], cwd=tmp_path)
    process = subprocess.Popen(["sleep", "60"], cwd=orphan)
    try:
        assert sweep(tmp_path) == [orphan]
        assert process.wait(timeout=5) == -signal.SIGKILL
        assert bystander.poll() is None
    finally:
        for one in (process, bystander):
            one.kill()
            one.wait()


def test_files_and_links_beside_the_folders_are_left_alone(tmp_path: Path) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    run.mkdir()
    elsewhere.mkdir()
    (run / "note").write_text("x")
    (run / "link").symlink_to(elsewhere)
    assert sweep(run) == []
    assert elsewhere.is_dir()
    assert (run / "note").exists()


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ServerError, match=r"cannot be written: Not a directory") as raised:
        OwnedFolder.create(tmp_path / "file" / "run")
    assert raised.value.hint


def test_many_start_at_once(tmp_path: Path) -> None:
    """None of them takes another's new folder for an ownerless one."""
    program = """
import sys, time
from pathlib import Path
from milvus_parity.servers.folders import OwnedFolder
for _ in range(20):
    folder = OwnedFolder.create(Path(sys.argv[1]))
    time.sleep(0.002)
    assert folder.path.is_dir()
    folder.remove()
"""
    started = time.monotonic()
    processes = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    assert time.monotonic() - started < 60
    assert [entry for entry in tmp_path.iterdir() if entry.is_dir()] == []

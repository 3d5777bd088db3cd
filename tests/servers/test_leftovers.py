import os
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from milvus_parity.servers import leftovers
from milvus_parity.servers.leftovers import PID_FILE, remove_leftovers, remove_leftovers_of_folder

NO_PROCESS = 2**22 + 7


def test_only_the_dead_servers_files_go(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for place in (first, second):
        place.mkdir()
    (first / "standalone.pid").write_text("7")
    (second / "server_id_7").write_text("proxy-1")
    (second / "server_id_77").write_text("proxy-1")
    (second / "standalone.pid").write_text("77")
    remove_leftovers(7, [first, second, tmp_path / "missing"])
    assert not first.exists()
    assert sorted(entry.name for entry in second.iterdir()) == ["server_id_77", "standalone.pid"]


def test_another_servers_process_id_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[int] = []
    monkeypatch.setattr(leftovers, "remove_leftovers", removed.append)
    (tmp_path / "milvus").symlink_to("/bin/sleep")
    server = subprocess.Popen([tmp_path / "milvus", "60"])
    try:
        for pid in (NO_PROCESS, os.getpid(), server.pid):
            (tmp_path / PID_FILE).write_text(str(pid))
            remove_leftovers_of_folder(tmp_path)
        assert removed == [NO_PROCESS, os.getpid()]
        server.kill()
        while psutil.Process(server.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        remove_leftovers_of_folder(tmp_path)
        assert removed[-1] == server.pid
    finally:
        server.kill()
        server.wait()


def test_a_folder_without_a_process_id_is_no_error(tmp_path: Path) -> None:
    remove_leftovers_of_folder(tmp_path)
    (tmp_path / PID_FILE).write_text("no number")
    remove_leftovers_of_folder(tmp_path)

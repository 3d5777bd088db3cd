import os
import subprocess
import sys
import time

import msgspec
from milvus_parity.runtime.containers import labels
from milvus_parity.runtime.containers.labels import Owner


def test_labels_say_who_owns_and_read_back() -> None:
    owner = Owner.this_process("r7")
    read = Owner.of({**owner.labels(), "other": "label"})
    assert read is not None
    assert (read.run, read.pid, read.started, read.host) == ("r7", os.getpid(), owner.started, owner.host)
    assert read.lives()


def test_labels_of_others_are_nobodys() -> None:
    marks = Owner.this_process("r").labels()
    assert Owner.of({}) is None
    for name in marks:
        assert Owner.of({key: value for key, value in marks.items() if key != name}) is None
    assert Owner.of({**marks, labels.PID: "many"}) is None


def test_a_process_that_ended_does_not_live() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = msgspec.structs.replace(Owner.this_process("r"), pid=child.pid, started=labels.started(child.pid) or "")
    assert owner.lives()
    child.kill()
    time.sleep(0.1)
    assert not owner.lives(), "a zombie does not live"
    child.wait()
    assert not owner.lives()


def test_another_process_with_the_same_number_is_not_the_owner() -> None:
    owner = msgspec.structs.replace(Owner.this_process("r"), started="some-boot/12345")
    assert not owner.lives()


def test_what_another_machine_made_lives_for_a_day() -> None:
    stranger = msgspec.structs.replace(Owner.this_process("r"), host="elsewhere/pid:[1]", pid=1)
    assert stranger.lives()
    old = msgspec.structs.replace(stranger, created=time.time() - labels.STRANGER_SECONDS - 1)
    assert not old.lives()


def test_systems_without_proc_are_asked_otherwise() -> None:
    mine = labels._start_time(os.getpid())
    assert mine
    assert mine == labels._start_time(os.getpid())
    assert labels._start_time(2**22 + 1) is None

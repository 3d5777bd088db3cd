"""A recorder keeps memory bounded, and its faults are words, not faults of a run."""

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest
from milvus_parity.model.wire import RecordedCall
from milvus_parity.wire import recorder as module
from milvus_parity.wire.decode import WireCall
from milvus_parity.wire.recorder import Recorder
from milvus_parity.wire.records import to_record
from wire_fakes import Script


class Never(Executor):
    """Takes work and doesn't do it."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        return Future()


def feed(recorder: Recorder, script: Script) -> None:
    tape = recorder.tape()
    for side, data in script.pieces:
        tape.note(side, data)


def test_what_is_decoded_on_the_way_and_at_the_end_is_the_same() -> None:
    script = Script()
    for number in range(200):
        script.request(2 * number + 1, body=b"\x1a\x83\x20" + b"x" * 4099)
        script.answer(2 * number + 1)
    with ThreadPoolExecutor(1) as executor:
        recorder = Recorder(executor, to_record)
        feed(recorder, script)
        assert len(recorder._pieces) < len(script.pieces)
        recording = recorder.finish()
    assert recording.problem is None
    assert [call.stream for call in recording.calls] == [2 * number + 1 for number in range(200)]


def test_more_than_may_wait_gives_the_recording_up_and_says_so() -> None:
    recorder = Recorder(Never(), to_record, max_pending=1_000_000)
    script = Script()
    script.request(1)
    tape = recorder.tape()
    for _ in range(20):
        tape.note(script.pieces[0][0], b"x" * 100_000)
    assert not recorder._pieces
    recorder._decoding = None
    assert recorder.finish().problem == "more than 1000000 bytes waited to be decoded"


def test_only_so_many_calls_are_kept_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CALLS", 7)
    script = Script()
    for number in range(20):
        script.request(2 * number + 1)
        script.answer(2 * number + 1)
    recorder = Recorder(Never(), to_record)
    feed(recorder, script)
    recording = recorder.finish()
    assert len(recording.calls) == 7
    assert recording.problem == "only the first 7 of 20 calls were kept"


def test_a_fault_of_the_conversion_is_a_problem_of_the_recording() -> None:
    def broken(call: WireCall, connection: int) -> RecordedCall:
        raise KeyError("surprise")

    script = Script()
    script.request(1)
    script.answer(1)
    recorder = Recorder(Never(), broken)
    feed(recorder, script)
    recording = recorder.finish()
    assert recording.problem == "the recorder failed on a call: KeyError: 'surprise'"
    assert not recording.complete


def test_one_connection_that_cannot_be_read_does_not_lose_the_others() -> None:
    script = Script()
    script.request(1)
    script.answer(1)
    recorder = Recorder(Never(), to_record)
    recorder.tape().note(script.pieces[0][0], b"GET / HTTP/1.1\r\n")
    feed(recorder, script)
    recording = recorder.finish()
    assert [call.connection for call in recording.calls] == [1]
    assert recording.problem is not None
    assert recording.problem.startswith("connection 0: ")
    assert recording.connections == 2


def test_a_connection_on_which_nothing_was_said_is_no_problem() -> None:
    recorder = Recorder(Never(), to_record)
    recorder.tape().lost("connection closed by the client")
    assert recorder.finish().complete

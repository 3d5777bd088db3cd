"""Outcomes that are kept, and those that are not worth it."""

import time
from pathlib import Path

import pytest
from milvus_parity.model.run import StepWire
from milvus_parity.model.trace import End, StepTrace, Trace
from milvus_parity.store import outcomes
from milvus_parity.store.outcomes import KeptOutcome, OutcomeCache


def kept(end: End = "done") -> KeptOutcome:
    step = StepTrace(step=1, outcome="returned", value=[1, "two", None])
    trace = Trace(case="topic/case", target="go@1", sdk_version="1", end=end, steps=(step,))
    return KeptOutcome(trace=trace, wire={1: StepWire(origin="server", calls=("Drop",), count=1, methods=("Drop",))})


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    cache = OutcomeCache(tmp_path)
    assert cache.get("abcd") is None
    cache.put("abcd", kept())
    back = OutcomeCache(tmp_path).get("abcd")
    assert back is not None
    assert (back.trace, back.wire) == (kept().trace, kept().wire)


@pytest.mark.parametrize("end", ["no server", "interrupted", "harness error"])
def test_what_says_nothing_of_the_sdk_is_not_kept(end: End, tmp_path: Path) -> None:
    OutcomeCache(tmp_path).put("abcd", kept(end))
    assert OutcomeCache(tmp_path).get("abcd") is None


def test_a_release_that_cannot_be_had_is_tried_again_another_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = OutcomeCache(tmp_path)
    cache.put("abcd", kept("not built"))
    cache.put("cafe", kept("not available"))
    cache.put("beef", kept("crashed"))
    assert cache.get("abcd") is not None
    later = time.time() + outcomes.NOT_BUILT_SECONDS + 1
    monkeypatch.setattr(outcomes.time, "time", lambda: later)
    assert cache.get("abcd") is None
    assert cache.get("cafe") is None
    assert cache.get("beef") is not None


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path) -> None:
    cache = OutcomeCache(tmp_path)
    cache.put("abcd", kept())
    (file,) = tmp_path.rglob("*.json")
    file.write_bytes(file.read_bytes()[:-10])
    assert cache.get("abcd") is None

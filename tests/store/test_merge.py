"""Shards joined: the same verdict as that of the whole run."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
import pytest
from milvus_parity.judge import judge_run
from milvus_parity.model.errors import BadInputError
from milvus_parity.model.run import RunEnd, RunHeader, ServerInfo, Shard
from milvus_parity.model.wire import RecordedCall, Recording
from milvus_parity.report import render
from milvus_parity.store.merge import merge_runs
from milvus_parity.store.reader import RunFolder, read_run
from milvus_parity.store.writer import RunWriter
from sample_runs import CASES, CSHARP_MISSING, a_header, a_run, programs_of

ORDER = tuple(case.id for case in CASES)
TODAY = date(2024, 6, 1)


def shard(folder: Path, index: int, places: list[int], end: RunEnd = "complete", **header: object) -> Path:
    """A shard that ran the cases at these places of the whole run, the last first."""
    run = a_run()
    cases = [CASES[place] for place in places]
    values: dict[str, object] = {
        "id": f"shard-{index}",
        "started": 1_700_000_000.0 + index,
        "unavailable": (CSHARP_MISSING,),
        "shard": Shard(index=index, count=2, cases=ORDER),
        "options": {"shard": f"{index}/2", "timeout": 60},
    }
    writer = RunWriter(folder, a_header(*cases, **{**values, **header}))
    for case in reversed(cases):
        writer.programs(programs_of(case))
        for trace in reversed(run.traces(case.id)):
            label = f"{trace.target}@{trace.sdk_version}"
            call = RecordedCall(method="/a/Drop", name="Drop", step=2, status=0)
            writer.calls(case.id, label, Recording(calls=(call,)))
            writer.trace(msgspec.structs.replace(trace, seconds=trace.seconds + index))
    writer.finish(end)
    return folder


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    return [shard(tmp_path / "2", 2, [3, 1]), shard(tmp_path / "1", 1, [2, 0])]


def verdict_without_times(run: RunFolder) -> bytes:
    verdict = judge_run(run, None, None, TODAY)
    cases = tuple(
        msgspec.structs.replace(
            case, targets=tuple(msgspec.structs.replace(target, seconds=0.0) for target in case.targets)
        )
        for case in verdict.cases
    )
    return msgspec.json.encode(msgspec.structs.replace(verdict, run="", cases=cases))


def test_the_verdict_is_that_of_the_whole_run_byte_for_byte(tmp_path: Path, shards: list[Path]):
    whole = shard(tmp_path / "whole", 1, [0, 1, 2, 3], shard=None)
    for order in (shards, shards[::-1]):
        out = tmp_path / order[0].name / "merged"
        merge_runs(order, out, "merged")
        merged = read_run(out)
        assert merged.condition == "whole"
        assert merged.header.shard is None
        assert merged.header.options == {"timeout": 60}
        assert tuple(case.id for case in merged.header.cases) == ORDER
        assert verdict_without_times(merged) == verdict_without_times(read_run(whole))


def test_programs_and_recordings_come_along(tmp_path: Path, shards: list[Path]):
    merge_runs(shards, tmp_path / "out", "merged")
    merged = read_run(tmp_path / "out")
    for case in CASES:
        for program in programs_of(case):
            assert merged.program(case.id, program.target) == program
            recording = merged.recording(case.id, program.target)
            assert recording is not None
            assert [call.name for call in recording.calls] == ["Drop"]


def test_a_shard_can_be_reported_by_itself_and_says_which_it_is(shards: list[Path]):
    run = read_run(shards[0])
    assert "shard 2 of 2" in render(judge_run(run, None, None, TODAY), run, "text")


def test_a_missing_shard_is_told(tmp_path: Path, shards: list[Path]):
    footer = merge_runs(shards[:1], tmp_path / "out", "merged")
    assert (footer.end, footer.detail) == ("error", "Missing of 2 shards: 1.")


def test_a_shard_that_was_cut_or_interrupted_is_told(tmp_path: Path, shards: list[Path]):
    cut = shard(tmp_path / "3", 1, [2, 0])
    (cut / "footer.json").unlink()
    footer = merge_runs([shards[0], cut], tmp_path / "a", "merged")
    assert footer.end == "error"
    assert "truncated" in (footer.detail or "")
    stopped = shard(tmp_path / "4", 1, [2, 0], end="interrupted")
    assert merge_runs([shards[0], stopped], tmp_path / "b", "merged").end == "interrupted"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda header: {"server": ServerInfo(kind="embedded", version="2.4.0")}, "the server is Milvus 2.4.0"),
        (lambda header: {"shard": Shard(index=1, count=3, cases=ORDER)}, "the number of shards is 3"),
        (lambda header: {"harness_version": "0.2.0"}, "the version of milvus-parity"),
    ],
)
def test_what_is_no_shard_of_the_run_is_refused(
    tmp_path: Path, shards: list[Path], change: Callable[[RunHeader | None], dict[str, object]], words: str
):
    other = shard(tmp_path / "other", 1, [2, 0], **change(None))
    with pytest.raises(BadInputError, match=words):
        merge_runs([shards[0], other], tmp_path / "out", "merged")


def test_a_shard_given_twice_is_refused(tmp_path: Path, shards: list[Path]):
    with pytest.raises(BadInputError, match="in two of the folders"):
        merge_runs([*shards, shards[0]], tmp_path / "out", "merged")
    with pytest.raises(BadInputError, match="nothing to merge"):
        merge_runs([], tmp_path / "out", "merged")

"""Run folders: written and read whole; cut, edited, killed, on a full disk; of other versions."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import msgspec
import pytest
from milvus_parity.model.errors import BadInputError, ExitCode
from milvus_parity.model.run import RUN_SCHEMA, RunRecord, StepWire
from milvus_parity.model.wire import RecordedCall, Recording
from milvus_parity.store import writer as writer_module
from milvus_parity.store.files import (
    CALLS,
    FOOTER,
    HEADER,
    PROGRAMS,
    RECORDS,
    RESERVE,
    TRACES,
    WIRE,
    NotARunError,
    StoreError,
)
from milvus_parity.store.reader import MemoryRun, read_run
from milvus_parity.store.schema import run_schemas
from milvus_parity.store.writer import RunWriter
from sample_runs import CASES, DROP_EMPTY, DROP_MISSING, LABELS, a_header, a_run, a_trace, programs_of, returned

CALL = RecordedCall(method="/milvus.proto.milvus.MilvusService/DropPartition", name="DropPartition", step=2, status=0)


def write(run: MemoryRun, folder: Path, *, finish: bool = True) -> None:
    writer = RunWriter(folder, run.header)
    for case in run.header.cases:
        writer.programs(programs_of(case))
        for trace in run.traces(case.id):
            label = f"{trace.target}@{trace.sdk_version}"
            writer.calls(case.id, label, Recording(calls=(CALL, CALL), connections=1))
            writer.trace(trace)
    if finish:
        writer.finish("complete")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(a_run(), tmp_path / "run")
    return tmp_path / "run"


def test_what_was_written_is_read(folder: Path):
    run, stored = a_run(), read_run(folder)
    record: RunRecord = stored
    assert record.header == run.header
    assert record.condition == "whole"
    assert record.problems == ()
    assert record.footer is not None
    assert (record.footer.end, record.footer.files[TRACES].lines) == ("complete", 20)
    assert len(stored) == 20
    for case in CASES:
        assert record.traces(case.id) == run.traces(case.id)
        for program in programs_of(case):
            assert record.program(case.id, program.target) == program
    assert record.traces("no such case") == ()
    assert record.program("no such case", LABELS[0]) is None
    recording = record.recording(DROP_EMPTY.id, LABELS[0])
    assert recording == Recording(calls=(CALL, CALL), connections=1)
    assert record.recording("no such case", LABELS[0]) is None
    assert sorted(path.name for path in folder.iterdir()) == sorted([HEADER, FOOTER, *RECORDS])


def test_every_file_is_valid_against_its_schema(folder: Path):
    for name, schema in run_schemas().items():
        text = (folder / name).read_text()
        documents = [json.loads(text)] if name.endswith(".json") else [json.loads(line) for line in text.splitlines()]
        validator = jsonschema.Draft202012Validator(schema)
        assert documents
        for document in documents:
            validator.validate(document)


def test_traces_come_in_the_order_of_the_headers_targets(tmp_path: Path):
    writer = RunWriter(tmp_path, a_header(DROP_EMPTY))
    for label in reversed(LABELS):
        writer.trace(a_trace(label, returned(1), case=DROP_EMPTY.id))
    writer.finish("complete")
    assert [trace.target for trace in read_run(tmp_path).traces(DROP_EMPTY.id)] == [
        label.partition("@")[0] for label in LABELS
    ]


def test_without_a_footer_the_run_is_truncated(tmp_path: Path):
    write(a_run(), tmp_path, finish=False)
    run = read_run(tmp_path)
    assert (run.condition, run.footer, len(run)) == ("truncated", None, 20)
    assert "cut off" in run.problems[0]


@pytest.mark.parametrize("name", RECORDS)
def test_at_whatever_byte_a_file_is_cut_the_rest_is_read(folder: Path, name: str):
    (folder / FOOTER).unlink()
    data = (folder / name).read_bytes()
    lines = data.count(b"\n")
    for cut in range(0, len(data), max(len(data) // 60, 1)):
        (folder / name).write_bytes(data[:cut])
        run = read_run(folder)
        assert run.condition == "truncated"
        if name == TRACES:
            assert len(run) == data[:cut].count(b"\n") <= lines
            assert ("The last line" in " ".join(run.problems)) == (not data[:cut].endswith(b"\n") and cut > 0)
        found = [run.traces(case.id) for case in CASES]
        assert sum(map(len, found)) == len(run)
        for case in CASES:
            for label in LABELS:
                run.program(case.id, label)
                recording = run.recording(case.id, label)
                assert recording is None or recording.complete or name == CALLS


@pytest.mark.parametrize("name", [HEADER, *RECORDS])
def test_an_edited_file_is_told(folder: Path, name: str):
    path = folder / name
    path.write_bytes(path.read_bytes().replace(b"2.3.5", b"2.3.9").replace(b"drop", b"DROP"))
    run = read_run(folder)
    assert run.condition == "edited"
    assert name in " ".join(run.problems)


def test_a_missing_or_shortened_file_is_told(folder: Path):
    (folder / PROGRAMS).unlink()
    with (folder / TRACES).open("r+b") as file:
        file.truncate((folder / TRACES).stat().st_size - 20)
    run = read_run(folder)
    assert run.condition == "edited"
    assert "programs.jsonl is missing." in run.problems
    assert len(run) == 19


def test_a_damaged_footer_is_told(folder: Path):
    (folder / FOOTER).write_text('{"end": "comp')
    assert read_run(folder).condition == "edited"
    assert "damaged" in read_run(folder).problems[0]


def test_a_broken_line_in_the_middle_is_left_out_and_told(folder: Path):
    lines = (folder / TRACES).read_bytes().splitlines(keepends=True)
    (folder / TRACES).write_bytes(b"".join([*lines[:3], b"nonsense\n", *lines[3:]]))
    run = read_run(folder)
    assert len(run) == 20
    assert "1 lines of traces.jsonl cannot be read" in run.problems[0]


def test_a_newer_format_is_refused_and_says_what_wrote_it(folder: Path):
    header = json.loads((folder / HEADER).read_text())
    (folder / HEADER).write_text(json.dumps({**header, "schema": RUN_SCHEMA + 1, "harness_version": "9.1", "cases": 7}))
    with pytest.raises(NotARunError, match="format 2") as caught:
        read_run(folder)
    assert caught.value.exit_code == ExitCode.BAD_INPUT
    assert "9.1" in str(caught.value)


def test_what_a_newer_version_of_this_format_adds_is_ignored(folder: Path):
    header = json.loads((folder / HEADER).read_text())
    (folder / HEADER).write_text(json.dumps({**header, "added_later": [1]}))
    assert read_run(folder).header == a_run().header


def test_the_first_format_is_read_for_ever():
    run = read_run(Path(__file__).parent / "format_1")
    assert (run.condition, run.header.id, len(run)) == ("whole", "20240101-000000-ab12", 20)
    assert run.program(DROP_MISSING.id, "go-v1@2.3.6") is not None
    assert run.recording(DROP_MISSING.id, "go-v1@2.3.6") is not None


@pytest.mark.parametrize("content", [None, "", "{}", "[]", "not json", '{"schema": 1}'])
def test_what_is_no_run_is_refused_in_a_sentence(tmp_path: Path, content: str | None):
    if content is not None:
        (tmp_path / HEADER).write_text(content)
    with pytest.raises(NotARunError) as caught:
        read_run(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_folder_that_holds_a_run_is_not_written_into(folder: Path):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(BadInputError, match="already holds a run"):
        RunWriter(folder, a_header())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Cannot write the run folder") as caught:
        RunWriter(tmp_path / "file" / "run", a_header())
    assert caught.value.exit_code == ExitCode.COULD_NOT_RUN
    assert "--out" in str(caught.value)


def full_disk(after: int):
    """A write that fails as on a full disk once so many bytes were written, in the middle of a line."""
    real, written = os.write, 0

    def write(file: int, data: object) -> int:
        nonlocal written
        size = len(data)  # type: ignore[arg-type]
        if written + size > after:
            room = max(after - written, 0)
            if room:
                written += room
                return real(file, bytes(data)[:room])  # type: ignore[call-overload]
            raise OSError(errno.ENOSPC, "No space left on device")
        written += size
        return real(file, data)  # type: ignore[arg-type]

    return write


def test_a_full_disk_loses_only_what_was_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    writer = RunWriter(tmp_path, a_header(DROP_EMPTY))
    monkeypatch.setattr(writer_module.os, "write", full_disk(2000))
    traces = [a_trace(LABELS[0], returned(1), case=f"c{number}") for number in range(15)]
    with pytest.raises(StoreError, match="the disk is full") as caught:
        list(map(writer.trace, traces))
    kept = (tmp_path / TRACES).read_bytes().count(b"\n")
    assert "traces.jsonl" in str(caught.value)
    assert 0 < kept < 15
    footer = writer.finish("complete")
    assert (footer.end, footer.detail) == ("disk full", "Cannot write traces.jsonl: the disk is full.")
    run = read_run(tmp_path)
    assert (run.condition, len(run)) == ("whole", kept)


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare")
def test_a_really_full_disk_still_gets_its_footer(tmp_path: Path):
    """A filesystem of 200 kB in a mount namespace of its own, filled to the last byte."""
    script = tmp_path / "fill.py"
    script.write_text(
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from pathlib import Path\n"
        "from sample_runs import *\n"
        "from milvus_parity.store.writer import RunWriter\n"
        "from milvus_parity.store.files import StoreError\n"
        "from milvus_parity.store.reader import read_run\n"
        "folder = Path(sys.argv[1])\n"
        "writer = RunWriter(folder, a_header(DROP_EMPTY))\n"
        "kept = 0\n"
        "try:\n"
        "    while True:\n"
        "        writer.trace(a_trace(LABELS[0], returned(1), case=f'c{kept}', log='x' * 500))\n"
        "        kept += 1\n"
        "except StoreError as error:\n"
        "    assert 'full' in str(error), error\n"
        "assert writer.finish('complete').end == 'disk full'\n"
        "run = read_run(folder)\n"
        "assert run.condition == 'whole' and len(run) == kept > 10, (run.problems, kept)\n"
        "print('fine')\n"
    )
    mount = tmp_path / "disk"
    mount.mkdir()
    command = f"mount -t tmpfs -o size=200k tmpfs {mount} && exec {sys.executable} {script} {mount}/run"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", command], capture_output=True, text=True, timeout=60)
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip(f"no mount namespaces here: {done.stderr.strip()}")
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_killed_at_any_moment_what_was_finished_is_there(tmp_path: Path):
    script = tmp_path / "write.py"
    script.write_text(
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from pathlib import Path\n"
        "from sample_runs import *\n"
        "from milvus_parity.store.writer import RunWriter\n"
        "writer = RunWriter(Path(sys.argv[1]), a_header(DROP_EMPTY))\n"
        "for number in range(10**9):\n"
        "    writer.trace(a_trace(LABELS[0], returned(1), case=f'c{number}', log='y' * 3000))\n"
        "    print(number, flush=True)\n"
    )
    for round_ in range(4):
        folder = tmp_path / f"run{round_}"
        process = subprocess.Popen([sys.executable, str(script), str(folder)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.02 * round_)
        process.send_signal(signal.SIGKILL)
        told = len(process.stdout.read().splitlines()) + 1
        process.wait()
        run = read_run(folder)
        assert run.condition == "truncated"
        assert len(run) >= told
        for number in range(told):
            assert len(run.traces(f"c{number}")) == 1


def test_leaving_the_writer_by_an_error_or_an_interrupt_writes_the_footer(tmp_path: Path):
    with pytest.raises(RuntimeError), RunWriter(tmp_path / "a", a_header()):
        raise RuntimeError("oops")
    footer = read_run(tmp_path / "a").footer
    assert footer is not None
    assert (footer.end, footer.detail) == ("error", "oops")
    with pytest.raises(KeyboardInterrupt), RunWriter(tmp_path / "b", a_header()):
        raise KeyboardInterrupt
    footer = read_run(tmp_path / "b").footer
    assert footer is not None
    assert footer.end == "interrupted"


def test_a_recording_whose_calls_were_edited_away_says_so(folder: Path):
    (folder / CALLS).write_bytes((folder / CALLS).read_bytes()[:100])
    run = read_run(folder)
    first, last = run.recording(CASES[0].id, LABELS[0]), run.recording(CASES[-1].id, LABELS[-1])
    assert first is not None
    assert first.problem == "calls.jsonl is damaged"
    assert last is not None
    assert last.problem == "0 of 2 calls are stored"


def test_what_calls_come_to_is_read_without_them(folder: Path):
    run = read_run(folder)
    (folder / CALLS).unlink()
    assert run.wire(DROP_EMPTY.id, LABELS[0]) == {
        2: StepWire(origin="client", calls=("DropPartition() ×2",), count=2, methods=("DropPartition",))
    }
    assert run.wire("no such case", LABELS[0]) is None


def test_what_other_code_made_of_calls_is_made_anew(folder: Path):
    text = (folder / WIRE).read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        line["rules"], line["steps"]["2"]["calls"] = "older", ["Something()"]
    (folder / WIRE).write_text("".join(json.dumps(line) + "\n" for line in lines))
    wire = read_run(folder).wire(DROP_EMPTY.id, LABELS[0])
    assert wire is not None
    assert wire[2].calls == ("DropPartition() ×2",)


def test_a_recording_that_is_not_whole_is_kept_but_says_nothing(tmp_path: Path):
    writer = RunWriter(tmp_path, a_header(DROP_EMPTY))
    writer.calls(DROP_EMPTY.id, LABELS[0], Recording(calls=(CALL,), problem="the connection was lost"))
    writer.finish("complete")
    run = read_run(tmp_path)
    assert run.wire(DROP_EMPTY.id, LABELS[0]) is None
    assert run.recording(DROP_EMPTY.id, LABELS[0]) == Recording(calls=(CALL,), problem="the connection was lost")


def test_no_file_of_a_run_is_executable_or_hidden(folder: Path):
    for path in folder.iterdir():
        assert not path.name.startswith(".")
        assert not os.access(path, os.X_OK) or (os.geteuid() == 0 and not path.stat().st_mode & 0o111)
    assert not (folder / RESERVE).exists()


def test_numbers_and_nothing_survive(tmp_path: Path):
    values = [None, True, 1, -1, 1.5, 2**63, "ü\u0000\U0001f600", [1, ["a"]], {"a": {"b": None}}]
    writer = RunWriter(tmp_path, a_header(DROP_EMPTY))
    for number, value in enumerate(values):
        writer.trace(a_trace(LABELS[0], returned(1, value), case=f"c{number}"))
    writer.finish("complete")
    run = read_run(tmp_path)
    for number, value in enumerate(values):
        (trace,) = run.traces(f"c{number}")
        assert msgspec.json.encode(trace.steps[0].value) == msgspec.json.encode(value)

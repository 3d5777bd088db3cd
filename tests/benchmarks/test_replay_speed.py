"""Replay: 100,000 stored executions are read, judged with a ledger, and reported in 10 s and 500 MB.

The run has eight targets and twelve and a half thousand cases with four steps each, recorded calls included; in one
case of twenty a target differs, and one target never exposes a code. Seconds are those of the processor: all of it is
one thread, and other work on the machine must not count.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from milvus_parity.model.scenario import Case
from milvus_parity.model.target import Target
from milvus_parity.model.trace import StepTrace, Trace
from milvus_parity.model.wire import RecordedCall, Recording
from milvus_parity.store.writer import RunWriter
from sample_runs import (
    RULES,
    TARGETS,
    a_case,
    a_header,
    a_trace,
    book,
    expected,
    refused,
    returned,
    sdk_step,
    then_book,
)

pytestmark = pytest.mark.benchmark

CASES = 12_500
SECONDS = 10.0
MEGABYTES = 500
EIGHT = (
    *TARGETS,
    Target(name="java-v2", language="java", title="Java", package="io.milvus:milvus-sdk-java", version="2.3.10"),
    Target(name="go-v2", language="go", title="Go", package="github.com/milvus-io/milvus/client/v2", version="2.5.6"),
    Target(name="csharp", language="python", title="C#", package="Milvus.Client", version="2.3.0"),
)

REPLAY = """
import json, resource, sys, time
from datetime import date
from pathlib import Path
from milvus_parity.judge import exit_code, judge_run
from milvus_parity.judge.ledger import load_ledger
from milvus_parity.report import render
from milvus_parity.store.reader import read_run
run = read_run(Path(sys.argv[1]))
read = time.process_time()
verdict = judge_run(run, load_ledger(Path(sys.argv[2])), None, date(2024, 1, 1))
judged = time.process_time()
text = render(verdict, run, "text", 120)
done = time.process_time()
print(json.dumps({
    "read": read, "judged": judged - read, "reported": done - judged, "all": done,
    "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "executions": len(run), "exit": int(exit_code(verdict)), "lines": len(text.splitlines()),
    "condition": run.condition,
}))
"""


def steps(case: Case, target: str, number: int) -> list[StepTrace]:
    code = None if target.startswith("go-v1") else 65535
    drop = (
        returned(2) if number % 20 == 0 and target.startswith("javascript") else refused(2, "partition is loaded", code)
    )
    return [returned(1), drop, returned(3, True), returned(4, ["novel", "_default"])]


def execution(case: Case, target: str, number: int) -> tuple[Trace, Recording]:
    trace = a_trace(target, *steps(case, target, number), case=case.id, after={4: book("novel")}, wire="recorded")
    calls = tuple(
        RecordedCall(
            method=f"/milvus.proto.milvus.MilvusService/{name}",
            name=name,
            step=step,
            status=0,
            code=65535 if name == "DropPartition" else None,
            metadata={"dbname": trace.databases["database"], "user-agent": "grpc"},
            request={"collection_name": "book", "partition_name": "novel"},
            requests=1,
            background=name == "Connect",
        )
        for step, name in ((1, "Connect"), (2, "DropPartition"), (3, "HasPartition"), (4, "ShowPartitions"))
    )
    return trace, Recording(calls=calls, connections=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cases = [
        a_case(
            sdk_step(1, "connect"),
            sdk_step(2, "drop", expected("refused", reason="is loaded"), collection="book", partition="novel"),
            sdk_step(3, "has", collection="book", partition="novel"),
            sdk_step(4, "list", collection="book"),
            id=f"drop/s{number // 50}[n={number % 50}]",
            then=then_book("novel"),
        )
        for number in range(CASES)
    ]
    folder = tmp_path_factory.mktemp("large") / "run"
    writer = RunWriter(folder, a_header(*cases, targets=EIGHT, packs=RULES))
    for number, case in enumerate(cases):
        for target in EIGHT:
            trace, recording = execution(case, target.label, number)
            writer.calls(case.id, target.label, recording)
            writer.trace(trace)
    writer.finish("complete")
    return folder


def test_a_hundred_thousand_executions(folder: Path, tmp_path: Path, record_property):
    ledger = tmp_path / "known.yaml"
    ledger.write_text(
        "schema: 1\ndifferences:\n"
        "  - {case: 'drop/*', targets: [go-v1], facet: code, actual: not exposed, class: by design, why: Never.}\n"
        + "".join(
            f"  - {{case: 'other/{number}*', targets: [go-v1], facet: code, actual: 1, class: server, why: x}}\n"
            for number in range(50)
        )
    )
    best: dict[str, float] = {}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", REPLAY, str(folder), str(ledger)], capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout)
        best = found if not best or found["all"] < best["all"] else best
    for name, value in best.items():
        record_property(name, value)
    print(best)
    assert best["executions"] == CASES * len(EIGHT)
    assert best["condition"] == "whole"
    assert best["exit"] == 1
    assert best["all"] <= SECONDS
    assert best["megabytes"] <= MEGABYTES

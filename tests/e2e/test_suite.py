"""All cases through all eight targets against one Milvus."""

import json
from pathlib import Path

import jsonschema
import pytest
from eight_targets import STANDIN, Command
from milvus_parity.cli.schema_command import schema_of
from milvus_parity.packs.discover import packaged
from milvus_parity.scenarios.load import load_all
from milvus_parity.store.reader import read_run

pytestmark = pytest.mark.e2e


def test_every_difference_is_explained(whole_run: Path, parity: Command) -> None:
    report = json.loads(parity("report", whole_run, "--format", "json").stdout)
    jsonschema.validate(report, schema_of("report"))


def test_every_case_went_through_every_target(whole_run: Path) -> None:
    record = read_run(whole_run)
    assert record.condition == "whole"
    assert record.footer is not None
    assert record.footer.end == "complete"
    assert len(record.header.targets) == 8
    cases = load_all([packaged("scenarios")])
    assert [case.id for case in record.header.cases] == [case.id for case in cases]
    for case in cases:
        traces = record.traces(case.id)
        assert len(traces) == 8
        for trace in traces:
            assert trace.end in ("done", "crashed", "hung"), (trace.case, trace.target, trace.end, trace.detail)
            assert trace.wire == "recorded", (trace.case, trace.target, trace.wire)


def test_what_ran_is_proven_by_the_worker(whole_run: Path) -> None:
    record = read_run(whole_run)
    for target in record.header.targets:
        versions = {
            trace.sdk_version.split()[0]
            for case in record.header.cases
            for trace in record.traces(case.id)
            if trace.target == target.label
        }
        assert versions == {target.version} or target.version in next(iter(versions)), (target.label, versions)


@pytest.mark.parametrize("form", ["text", "json", "junit", "markdown", "html"])
def test_the_stand_in_is_named_in_every_report(form: str, whole_run: Path, parity: Command) -> None:
    assert STANDIN in parity("report", whole_run, "--format", form).stdout


def test_no_step_is_read_as_unknown(whole_run: Path, parity: Command) -> None:
    report = parity("report", whole_run, "--format", "json").stdout
    assert '"unknown"' not in report


def test_no_secret_is_in_the_run(whole_run: Path) -> None:
    calls = [json.loads(line) for line in (whole_run / "calls.jsonl").read_text().splitlines()]
    told = [call["metadata"]["authorization"] for call in calls if "authorization" in call.get("metadata", {})]
    assert len(told) > 100
    assert set(told) == {"(redacted)"}


def test_nothing_is_left_behind(whole_run: Path) -> None:
    assert (whole_run.parent / "left.txt").read_text() == ""


def test_the_same_run_is_judged_alike_again(whole_run: Path, parity: Command) -> None:
    first = parity("replay", whole_run, "--format", "markdown").stdout
    assert first == parity("replay", whole_run, "--format", "markdown").stdout

"""The manifest in docs/: valid for Kubernetes, and its script does what the documentation says."""

import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

MANIFEST = Path(__file__).parent.parent.parent / "docs" / "kubernetes-job.yaml"


def documents() -> list[dict[str, Any]]:
    return list(YAML(typ="safe").load_all(MANIFEST))


def job() -> dict[str, Any]:
    (found,) = [document for document in documents() if document["kind"] == "Job"]
    return found


@pytest.mark.parametrize("version", ["1.29", "1.31", kubernetes_validate.latest_version()])
def test_it_is_valid(version: str) -> None:
    for document in documents():
        kubernetes_validate.validate(document, version, strict=True)


def test_the_check_would_find_a_mistake() -> None:
    broken = job()
    broken["spec"]["completion"] = broken["spec"].pop("completions")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, "1.31", strict=True)


def test_there_are_as_many_parts_as_it_says() -> None:
    spec = job()["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    shards = {one["name"]: one["value"] for one in container["env"]}["SHARDS"]
    assert spec["completionMode"] == "Indexed"
    assert spec["completions"] == int(shards)
    mounted = {one["name"] for one in container["volumeMounts"]}
    assert mounted == {one["name"] for one in spec["template"]["spec"]["volumes"]}


@pytest.mark.parametrize(("status", "end"), [(0, 0), (1, 0), (4, 0), (2, 2), (3, 3), (130, 130)])
def test_a_part_with_a_difference_is_done_and_one_that_could_not_run_is_not(
    status: int, end: int, tmp_path: Path
) -> None:
    command = tmp_path / "milvus-parity"
    command.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/said\nexit {status}\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    (container,) = job()["spec"]["template"]["spec"]["containers"]
    (script,) = container["args"]
    runs = tmp_path / "runs"
    (runs / "shard-2").mkdir(parents=True)
    (runs / "shard-2" / "run.json").touch()
    done = subprocess.run(
        [*container["command"], script.replace("/runs/", f"{runs}/")],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "JOB_COMPLETION_INDEX": "2", "SHARDS": "8"},
        check=False,
    )
    assert done.returncode == end
    assert (tmp_path / "said").read_text().split() == [
        "run", "--runtime", "process", "--shard", "3/8", "--out", f"{runs}/shard-2",
    ]  # fmt: skip
    assert not (runs / "shard-2").exists(), "what the first try left is in the way of the second"

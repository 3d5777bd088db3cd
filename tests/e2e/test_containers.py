"""The suite in containers: the same outcomes as with processes, for all eight targets, and Milvus in one, too."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from eight_targets import ROOT, TARGETS, Command

pytestmark = [pytest.mark.e2e, pytest.mark.containers]

RACES = ("drop_partition/deadline_too_short",)
"""Cases whose outcome is a race by nature."""


@pytest.fixture(scope="session")
def engine_environment(csharp: Mapping[str, str]) -> Mapping[str, str]:
    """What makes container runs use base images made of this machine's toolchains, where the official ones aren't."""
    if "MILVUS_PARITY_BASE_PYTHON" not in os.environ:
        pytest.skip("no base images: tests/containers/engine/images.py makes them and prints what to export")
    feed = Path(csharp["RestoreConfigFile"]).parent
    feeds = os.pathsep.join([os.environ["MILVUS_PARITY_TEST_NUGET"], str(feed)])
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "containers" / "engine" / "images.py"), "csharp"],
        env={**os.environ, "NUGET_FEEDS": feeds},
        capture_output=True,
        text=True,
        check=True,
    )
    bases = dict(re.findall(r"^export (\w+)=(\S+)$", done.stdout, re.MULTILINE))
    bundle = os.environ.get("SSL_CERT_FILE")
    trust = {"MILVUS_PARITY_CA_BUNDLE": bundle} if bundle else {}
    return {**bases, **trust, "MILVUS_PARITY_RUNTIME": "container"}


@pytest.fixture(scope="session")
def contained_run(
    parity: Command, engine_environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of one run of all cases through all eight targets in containers, against Milvus in a container."""
    folder = tmp_path_factory.mktemp("contained") / "run"
    image = os.environ.get("PARITY_MILVUS_IMAGE")
    milvus = ["--milvus", f"container:{image}"] if image else []
    words = [word for target in TARGETS for word in ("--target", target)]
    done = parity("run", *words, *milvus, "--out", folder, environment=engine_environment, timeout=2400, code=None)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-4000:]
    return folder


def outcomes(parity: Command, folder: Path) -> dict[str, Any]:
    """Per case: its status, and the groups of each difference."""
    report = json.loads(parity("report", folder, "--format", "json").stdout)
    cases = report["verdict"]["cases"] if "verdict" in report else report["cases"]
    return {
        case["case"]: [case["status"], {target["target"]: target["status"] for target in case["targets"]}]
        for case in cases
        if case["case"] not in RACES
    }


def test_containers_and_processes_give_the_same_outcomes(contained_run: Path, whole_run: Path, parity: Command) -> None:
    assert outcomes(parity, contained_run) == outcomes(parity, whole_run)


def test_everything_ran_and_was_recorded(contained_run: Path) -> None:
    from milvus_parity.store.reader import read_run

    record = read_run(contained_run)
    assert record.header.runtime == "container"
    for case in record.header.cases:
        for trace in record.traces(case.id):
            assert trace.end in ("done", "crashed", "hung"), (trace.case, trace.target, trace.end, trace.detail)
            assert trace.wire == "recorded"


def test_nothing_is_left_in_the_engine(contained_run: Path) -> None:
    import docker

    client = docker.from_env()
    labels = {"label": "milvus-parity.run"}
    assert client.containers.list(all=True, filters=labels) == []
    assert client.networks.list(filters=labels) == []

"""The whole suite in containers, Milvus in one as well: every outcome is what it is in processes."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from eight_targets import ROOT, TARGETS, Command
from milvus_parity.judge.judge import Outcomes
from milvus_parity.model.outcome import Outcome
from milvus_parity.model.scenario import Case, FaultStep, SdkStep
from milvus_parity.runtime.containers import labels
from milvus_parity.runtime.containers.engine import EngineError, connect
from milvus_parity.store.reader import read_run

pytestmark = [pytest.mark.e2e, pytest.mark.containers]


@pytest.fixture(scope="session")
def bases(csharp: Mapping[str, str]) -> dict[str, str]:
    """Variables that name the bases: those of the environment, and one for C# that has the stand-in's feed in it."""
    try:
        connect().close()
    except EngineError as error:
        pytest.skip(error.what)
    if "MILVUS_PARITY_BASE_CSHARP" in os.environ or "DOTNET_SDK_ARCHIVE" not in os.environ:
        return {}
    feeds = [str(Path(csharp["RestoreConfigFile"]).parent), os.environ["MILVUS_PARITY_TEST_NUGET"]]
    done = subprocess.run(
        [sys.executable, ROOT / "tests/containers/engine/images.py", "csharp"],
        env={**os.environ, "NUGET_FEEDS": ":".join(feeds)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    name, _, image = done.stdout.strip().removeprefix("export ").partition("=")
    return {name: image}


@pytest.fixture(scope="session")
def contained_run(parity: Command, bases: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of all cases through all targets in containers."""
    folder = tmp_path_factory.mktemp("contained") / "run"
    image = os.environ.get("PARITY_MILVUS_IMAGE")
    words = [word for target in TARGETS for word in ("--target", target, "--require", target)]
    words += ["--milvus", f"container:{image}" if image else "container", "--runtime", "container"]
    done = parity("run", *words, "--out", folder, environment=bases, timeout=2400, code=None)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-4000:]
    return folder


def is_calm(case: Case) -> bool:
    """Whether nothing in a case depends on how fast somebody is."""
    return not any(
        isinstance(step, FaultStep) or (isinstance(step, SdkStep) and "timeout" in step.arguments)
        for step in case.steps
    )


def compared(outcome: Outcome, *, calm: bool) -> list[object]:
    """What of an outcome has to be the same in both: all facets but time; where something is timed the result only."""
    steps: list[object] = [
        (
            step.step,
            step.result,
            step.value,
            step.code,
            re.sub(r"\d+(\.\d+){3}", "address", step.reason or ""),
            step.channel,
            step.origin,
            # An SDK may send the fields of a row in any order; Go's maps have none.
            step.calls and [sorted(re.findall(r'[\w."]+', call)) for call in step.calls],
        )
        if calm
        else (step.step, step.result)
        for step in outcome.steps
    ]
    return [outcome.end, *steps, *([outcome.effects] if calm else [])]


def test_every_outcome_is_the_same_as_in_processes(whole_run: Path, contained_run: Path) -> None:
    one, other = read_run(whole_run), read_run(contained_run)
    assert other.header.runtime == "container"
    assert other.header.server.kind == "container"
    in_processes, in_containers = Outcomes(one), Outcomes(other)
    different, count = [], 0
    for case in one.header.cases:
        if any(step.expect and len(step.expect.any_of) > 1 for step in case.steps if isinstance(step, SdkStep)):
            continue  # a race by nature, judged as a set of allowed outcomes
        calm = is_calm(case)
        theirs = {outcome.target: outcome for outcome in in_containers.of(case)}
        for outcome in in_processes.of(case):
            count += 1
            expected, found = compared(outcome, calm=calm), compared(theirs[outcome.target], calm=calm)
            if expected != found:
                different.append(f"{case.id} {outcome.target}\n  in processes  {expected}\n  in containers {found}")
    assert count > 400
    assert not different, "\n".join(different)


def test_nothing_is_left_in_the_engine(contained_run: Path) -> None:
    engine = connect()
    marked = {"label": labels.RUN}
    runs = [c["Labels"][labels.RUN] for c in engine.client.api.containers(all=True, filters=marked)]
    runs += [n["Labels"][labels.RUN] for n in engine.client.api.networks(filters=marked)]
    engine.close()
    assert not [run for run in runs if run.startswith(contained_run.name + "-")], runs

"""Several versions of one SDK in one run: each a column, those that cannot be fetched with the registry's words."""

import asyncio
import shutil
from pathlib import Path

import pytest
from engine.engine_fakes import FakeGateway, FakeKeeper
from engine.sixth_language import write_pack
from milvus_parity.engine.execution import Credentials
from milvus_parity.engine.run import Engine, Server, Settings
from milvus_parity.model.run import RunHeader
from milvus_parity.model.scenario import MAIN_DATABASE, Case, GivenCollection, GivenDatabase, Location, SdkStep
from milvus_parity.packs.discover import discover, select_targets
from milvus_parity.runtime.process import ProcessRuntime
from milvus_parity.store.reader import RunFolder, read_run
from milvus_parity.store.writer import RunWriter

pytestmark = pytest.mark.skipif(shutil.which("perl") is None, reason="there is no perl")

FETCH = (
    'test -z "$PARITY_SOURCE" || exec cp "$PARITY_SOURCE" {sdk}/fetched; '
    "test {version} != 9.9 || { echo 'no matching version found for 9.9'; exit 1; }; echo {version} > {sdk}/fetched"
)

CASE = Case(
    id="topic/case",
    title="A case",
    scenario="topic/case",
    location=Location(file="topic/case.yaml", line=1),
    databases={MAIN_DATABASE: GivenDatabase(collections={"book": GivenCollection(partitions={"novel": 0})})},
    steps=(
        SdkStep(id=1, operation="connect"),
        SdkStep(id=2, operation="drop", arguments={"collection": "book", "partition": "novel"}),
    ),
)


async def run(tmp_path: Path, wanted: list[str]) -> RunFolder:
    folder = write_pack(tmp_path / "runners")
    description = folder / "pack.toml"
    text = description.read_text(encoding="utf-8").replace("echo fetched > {sdk}/fetched", FETCH.replace('"', '\\"'))
    description.write_text(text.replace('support = ["support"]', 'support = ["support"]\nbuilds = ["*.pm"]'))
    packs = discover([tmp_path / "runners"])
    targets = [(packs[target.language], target) for target in select_targets(packs, wanted, "2.3.5")]
    runtime = ProcessRuntime(tmp_path / "cache")
    engine = Engine(runtime=runtime, settings=Settings(jobs=4, timeout=20), tell=lambda _event: None)
    header = RunHeader(
        id="run", started=0, harness_version="0", targets=tuple(target for _, target in targets), cases=(CASE,)
    )
    server = Server(
        keeper=FakeKeeper(), gateway=FakeGateway(), credentials=Credentials("root", "secret"), alive=lambda: True
    )
    try:
        engine.prepare(targets, [CASE])
        await engine.run([CASE], writer=RunWriter(tmp_path / "run", header), server=server)
    finally:
        await engine.close()
        await runtime.close()
    return read_run(tmp_path / "run")


def test_each_version_is_a_column_with_an_sdk_of_its_own(tmp_path: Path) -> None:
    build = tmp_path / "Toy-Milvus-2.5.pm"
    build.write_text("a build of one's own\n")
    record = asyncio.run(run(tmp_path, ["perl@1.0,2.0,9.9", f"perl@{build}"]))
    ends = {trace.target: (trace.end, trace.detail) for trace in record.traces(CASE.id)}
    own = next(label for label in ends if "local" in label)
    assert list(ends) == ["perl@1.0", "perl@2.0", "perl@9.9", own]
    assert own.startswith("perl@2.5+local.")
    assert [end for end, _ in ends.values()] == ["done", "done", "not available", "done"]
    assert "no matching version found for 9.9" in str(ends["perl@9.9"][1])
    fetched = {path.parent.parent.name: path.read_text() for path in (tmp_path / "cache" / "sdks").glob("*/*/fetched")}
    assert fetched == {"perl@1.0": "1.0\n", "perl@2.0": "2.0\n", own: "a build of one's own\n"}


def test_another_state_of_a_build_is_fetched_anew(tmp_path: Path) -> None:
    build = tmp_path / "Toy-Milvus-2.5.pm"
    for state in ("one", "two"):
        build.write_text(state)
        asyncio.run(run(tmp_path, [f"perl@{build}"]))
        shutil.rmtree(tmp_path / "run")
    assert sorted(path.read_text() for path in (tmp_path / "cache" / "sdks").glob("*/*/fetched")) == ["one", "two"]

"""Releases of a real SDK: ranges, one that does not exist, a build of one's own, and where a case changed."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from eight_targets import Command
from milvus_parity.store.reader import read_run

NPM = shutil.which("npm")
PACKAGE = "@zilliz/milvus2-sdk-node"
needs_npm = pytest.mark.skipif(NPM is None, reason="there is no npm")


@pytest.mark.e2e
@needs_npm
def test_each_release_is_a_column_and_what_is_missing_is_said_by_the_registry(parity: Command, tmp_path: Path) -> None:
    assert NPM is not None
    packed = subprocess.run(
        [NPM, "pack", "--silent", f"{PACKAGE}@2.3.5"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout.strip()
    wanted = f"javascript@2.2.24,2.3.2..2.3.3,9.9.9,{tmp_path / packed}"
    out = tmp_path / "run"
    arguments = ("--target", wanted, "--scenario", "drop_partition/with_rows", "--out", out, "--format", "json")
    done = parity("run", *arguments, code=1)
    (case,) = json.loads(done.stdout)["verdict"]["cases"]
    said = {target["target"]: target for target in case["targets"]}
    own = next(label for label in said if "+local." in label)
    assert list(said) == ["javascript@2.2.24", "javascript@2.3.2", "javascript@2.3.3", "javascript@9.9.9", own]
    assert own.startswith("javascript@2.3.5+local.")
    assert said["javascript@9.9.9"]["status"] == "could not run"
    assert said["javascript@9.9.9"]["detail"].startswith("not available: ")
    assert "No matching version found" in said["javascript@9.9.9"]["detail"]
    loaded = {trace.target: trace.sdk_version for trace in read_run(out).traces("drop_partition/with_rows")}
    assert {label: loaded[label] for label in ("javascript@2.2.24", "javascript@2.3.2", own)} == {
        "javascript@2.2.24": "2.2.24",
        "javascript@2.3.2": "2.3.2",
        own: "2.3.5",
    }
    changed = json.loads(parity("diff", out, "--format", "json", code=None).stdout)["changes"]
    better = [one for one in changed if one["pair"]["after"] == "javascript@2.3.2"]
    assert [one["kind"] for one in better] == ["newly agrees"]


@pytest.mark.e2e
@needs_npm
def test_bisect_names_the_release_and_costs_nothing_again(parity: Command) -> None:
    arguments = ("javascript", "--case", "drop_partition/with_rows", "--good", "2.2.24", "--bad", "2.3.5")
    first = parity("bisect", *arguments)
    assert first.stdout.startswith(
        "javascript 2.3.2 is the first release in which drop_partition/with_rows is not as in 2.2.24."
    )
    assert "step 3, value\n  2.2.24  null\n  2.3.2   5\n" in first.stdout
    assert 'output_fields: ["count(*)"],' in first.stdout
    again = parity("bisect", *arguments)
    assert again.stdout == first.stdout
    assert "0 of them had to be run." in again.stderr
    assert "starting" not in again.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("go", "--case", "drop_partition/twice"), "'go' is not one target.\n  Choose one of go-v1, go-v2"),
        (("go-v1@2.3.5", "--case", "drop_partition/twice"), "versions are --good and --bad"),
        (("goo-v1", "--case", "drop_partition/twice"), "Did you mean 'go-v1'?"),
        (("go-v1", "--case", "drop_partition/*"), "cases; bisect follows one"),
        (("go-v1", "--case", "drop_partition/thrice"), "No case matches 'drop_partition/thrice'"),
    ],
)
def test_what_bisect_cannot_follow(arguments: tuple[str, ...], words: str, parity: Command) -> None:
    done = parity("bisect", *arguments, "--good", "2.2.8", "--bad", "2.4.2", code=2)
    assert words in done.stderr


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("javascript@", "names no version after the @"),
        ("javascript@2.3.5..2.2.24", "Did you mean 2.2.24..2.3.5?"),
        ("javascript@./nothing.tgz", "There is no such build"),
        ("csharp@5.0..6.0", "No release of csharp is in '5.0..6.0'"),
    ],
)
def test_versions_that_cannot_be_meant(wanted: str, words: str, parity: Command) -> None:
    done = parity("list", "--target", wanted, code=2)
    assert words in done.stderr

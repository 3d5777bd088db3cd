"""Builds of one's own: which a pack takes, what they are called, and that each state of one is a version of its own."""

from pathlib import Path

import pytest
from milvus_parity.model.errors import BadInputError
from milvus_parity.packs.builds import build_files, content_digest
from milvus_parity.packs.discover import discover, packaged, select_targets
from milvus_parity.packs.versions import parsed

PACKS = discover([packaged("runners")])


def label(wanted: str) -> str:
    (target,) = select_targets(PACKS, [wanted], "2.3.5")
    return target.label


@pytest.mark.parametrize(
    ("target", "file", "version"),
    [
        ("python-orm", "pymilvus-3.1.0-py3-none-any.whl", "3.1.0"),
        ("python-orm", "pymilvus-3.1.0rc6.tar.gz", "3.1.0rc6"),
        ("python-client", "pymilvus-2.6.0b1.dev3-py3-none-any.whl", "2.6.0b1.dev3"),
        ("java-v2", "milvus-sdk-java-2.6.23-SNAPSHOT.jar", "2.6.23"),
        ("javascript", "zilliz-milvus2-sdk-node-3.0.7.tgz", "3.0.7"),
        ("javascript", "zilliz-milvus2-sdk-node-3.1.0-nightly.4.tgz", "3.1.0-nightly.4"),
        ("csharp", "milvus.client.2.3.0-standin.1.nupkg", "2.3.0-standin.1"),
        ("csharp", "Milvus.Client.2.3.0-preview.1.nupkg", "2.3.0-preview.1"),
    ],
)
def test_the_version_is_in_the_name(target: str, file: str, version: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.write_bytes(b"one state")
    name, _, found = label(f"{target}@{path}").partition("@")
    assert name == target
    assert found == f"{version}+local.{content_digest(path)[:8]}"
    assert parsed(found) is not None


def test_a_folder_follows_the_newest_release_that_is_known(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module github.com/milvus-io/milvus-sdk-go/v2\n")
    assert label(f"go-v1@{tmp_path}").startswith("go-v1@2.4.2+local.")
    assert label(f"go-v1@2.7.0={tmp_path}").startswith("go-v1@2.7.0+local.")


def test_each_state_is_a_version_of_its_own(tmp_path: Path) -> None:
    source = tmp_path / "client.go"
    source.write_text("package client\n")
    before = label(f"go-v1@{tmp_path}")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    assert label(f"go-v1@{tmp_path}") == before
    assert [name for name, _ in build_files(tmp_path)] == ["client.go"]
    source.write_text("package client // changed\n")
    assert label(f"go-v1@{tmp_path}") != before


@pytest.mark.parametrize(
    ("target", "file", "words"),
    [
        ("go-v1", "sdk.zip", "no build that the pack of Go can use: it takes a folder"),
        ("python-orm", "pymilvus.jar", r"it takes *.whl, *.tar.gz, a folder"),
        ("java-v1", "missing.jar", "There is no such build"),
    ],
)
def test_what_a_pack_cannot_use_is_refused(target: str, file: str, words: str, tmp_path: Path) -> None:
    if not file.startswith("missing"):
        (tmp_path / file).write_bytes(b"")
    with pytest.raises(BadInputError) as caught:
        label(f"{target}@{tmp_path / file}")
    assert words in str(caught.value)
    assert str(tmp_path / file) in str(caught.value)

"""Which pages changed since a revision."""

import subprocess
from pathlib import Path

import pytest
from milvus_parity.docs.changed import changed_pages
from milvus_parity.model.errors import BadInputError


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    for name in ("same.md", "changed.md"):
        (tmp_path / name).write_text(name)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "pages")
    (tmp_path / "changed.md").write_text("other")
    (tmp_path / "new é.md").write_text("new")
    return tmp_path


def test_changed_and_new_pages(pages: Path) -> None:
    all_pages = sorted(str(path) for path in pages.glob("*.md"))
    assert [Path(path).name for path in changed_pages(all_pages, "HEAD")] == ["changed.md", "new é.md"]


@pytest.mark.parametrize("revision", ["nowhere", "--output=x"])
def test_a_revision_that_is_none(pages: Path, revision: str) -> None:
    with pytest.raises(BadInputError):
        changed_pages([str(pages / "same.md")], revision)
    assert not (pages / "x").exists()

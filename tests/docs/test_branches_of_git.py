"""The line of Milvus that a page's branch says."""

import subprocess
from pathlib import Path

import pytest
from milvus_parity.docs.branches import line_of_branch


def checkout(folder: Path, branch: str) -> Path:
    folder.mkdir()
    git = [
        "git",
        "-C",
        str(folder),
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.org",
        "-c",
        "commit.gpgsign=false",
    ]
    subprocess.run([*git, "init", "-q", "-b", branch], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "pages"], check=True)
    return folder / "site" / "page.md"


@pytest.mark.parametrize(
    ("branch", "line"), [("v2.3.x", "2.3"), ("2.4.x", "2.4"), ("master", None), ("fix-v2.3.x-links", None)]
)
def test_the_branch_that_is_checked_out(tmp_path: Path, branch: str, line: str | None) -> None:
    page = checkout(tmp_path / "docs", branch)
    page.parent.mkdir()
    assert line_of_branch(page, {}) == line


def test_the_branch_that_a_change_is_made_against(tmp_path: Path) -> None:
    page = checkout(tmp_path / "docs", "fix-a-typo")
    page.parent.mkdir()
    assert line_of_branch(page, {}, "origin/v2.4.x") == "2.4"
    assert line_of_branch(page, {"GITHUB_BASE_REF": "v2.2.x"}) == "2.2"
    assert line_of_branch(page, {}, "HEAD~1") is None


def test_no_checkout_at_all(tmp_path: Path) -> None:
    assert line_of_branch(tmp_path / "page.md", {}) is None

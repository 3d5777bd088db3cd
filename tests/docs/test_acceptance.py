"""The five partition pages of the docs branch v2.2.x: every known defect is found, and nothing else is an error."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docs.docs_pages import dialects, real_pages
from milvus_parity.docs.check import static_findings
from milvus_parity.docs.pages import read_page
from milvus_parity.docs.tables import check_tables

STATIC = {
    ("check_partition.md", 132, "misnamed parameter"),
    ("check_partition.md", 136, "misnamed parameter"),
    ("create_partition.md", 60, "missing await"),
    ("drop_partition.md", 59, "misnamed call"),
    ("load_partition.md", 178, "misnamed parameter"),
    ("release_partition.md", 60, "no semicolon"),
}
SDKS = {
    ("create_partition.md", 43, "syntax"),
    ("load_partition.md", 35, "raised"),
    ("load_partition.md", 51, "syntax"),
    ("load_partition.md", 62, "syntax"),
    ("load_partition.md", 86, "misnamed parameter"),
    ("load_partition.md", 190, "raised"),
    ("release_partition.md", 21, "raised"),
    ("release_partition.md", 36, "syntax"),
    ("release_partition.md", 72, "misnamed parameter"),
}
WARNINGS = {
    ("check_partition.md", 48, "missing table"),
    ("drop_partition.md", 28, "not self-contained"),
    ("load_partition.md", 31, "needs more nodes"),
    ("load_partition.md", 68, "no common release"),
    ("release_partition.md", 4, "prose"),
    ("release_partition.md", 161, "prose"),
}


def test_without_a_toolchain() -> None:
    pages = [read_page(str(path), dialects()) for path in real_pages()]
    found = [*static_findings(pages, dialects()), *(one for page in pages for one in check_tables(page, dialects()))]
    errors = {(Path(one.path).name, one.line, one.kind) for one in found if one.severity == "error"}
    assert errors == STATIC
    assert {(Path(one.path).name, one.line, one.kind) for one in found if one.severity == "warning"} >= WARNINGS
    assert {page.docs_version for page in pages} == {"2.2"}


@pytest.mark.e2e
def test_with_the_sdks_and_a_server(tmp_path: Path) -> None:
    pages = real_pages()
    out = tmp_path / "report.json"
    command = ["docs", "check", "--trust", "--runtime", "process", "--format", "json", "--out", str(out)]
    command += [word for name in ("python", "java", "go", "javascript") for word in ("--target", name)]
    command += ["--target", os.environ.get("MILVUS_PARITY_TEST_CSHARP", "csharp")]
    done = subprocess.run(
        [sys.executable, "-m", "milvus_parity", *command, *map(str, pages)],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    report = json.loads(out.read_text())
    found = {
        severity: {
            (Path(one["path"]).name, one["line"], one["kind"])
            for one in report["findings"]
            if one.get("severity", "error") == severity
        }
        for severity in ("error", "warning")
    }
    assert found["error"] == STATIC | SDKS
    assert found["warning"] >= WARNINGS
    clean = [
        fence
        for page in report["pages"]
        for fence in page["fences"]
        if Path(page["path"]).name == "check_partition.md" and fence["language"] != "csharp"
    ]
    for fence in clean:
        assert {level: fence["levels"][level] for level in ("compiles", "runs", "effect", "tabs")} == dict.fromkeys(
            ("compiles", "runs", "effect", "tabs"), "passed"
        )


@pytest.mark.e2e
def test_what_is_wrong_is_patched_and_the_patched_pages_hold(tmp_path: Path) -> None:
    folder = tmp_path / "v2.2.x"
    folder.mkdir()
    for path in real_pages():
        shutil.copy(path, folder)
        (folder / path.name).chmod(0o644)
    command = [sys.executable, "-m", "milvus_parity", "docs", "check", "--trust", "--runtime", "process"]
    command += ["--target", "python", "--target", "java", "--target", "go", str(folder)]
    fixing = subprocess.run([*command, "--fix", "--write"], capture_output=True, text=True, timeout=900, check=False)
    told = [line.strip() for line in fixing.stderr.splitlines() if "patched fence was" in line]
    load = folder / "load_partition.md"
    one = "the patched fence was run with one replica: it needs more query nodes than there are"
    assert told == [f"{load}:28: {one}", f"{load}:188: {one}"]
    assert 'partition = Partition(Collection("book"), "novel")       # Get an existing' in load.read_text()
    again = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert again.returncode == 0, again.stdout

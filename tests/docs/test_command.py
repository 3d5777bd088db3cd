"""``milvus-parity docs`` as people call it."""

import subprocess
import sys
from pathlib import Path

import pytest


def docs(*words: str, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "milvus_parity", "docs", *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "v2.2.x" / "drop_partition.md"
    path.parent.mkdir()
    path.write_text('# Drop\n\n```csharp\nawait c.GetCollection("book").DropPartitionsAsync("novel");\n```\n')
    return path


def test_code_of_strangers_is_not_run_without_a_word(page: Path) -> None:
    assert "--trust" in docs("check", "--runtime", "process", str(page), status=2)


def test_an_error_on_a_page_is_exit_status_1(page: Path) -> None:
    assert f"{page} (Milvus 2.2)" in docs("check", "--static", str(page), status=1)


def test_a_known_finding_does_not_count_and_a_stale_entry_does(page: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "known.yaml"
    ledger.write_text("schema: 1\nfindings: [{page: drop_partition.md, kind: misnamed call, why: w}]\n")
    docs("check", "--static", "--ledger", str(ledger), str(page))
    page.write_text("# Drop\n")
    assert "known no longer" in docs("check", "--static", "--ledger", str(ledger), str(page), status=4)


def test_findings_are_pinned_and_removed_by_command(page: Path, tmp_path: Path) -> None:
    ledger, out = tmp_path / "known.yaml", tmp_path / "report.json"

    def known(*words: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "milvus_parity", "known", *words],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    docs("check", "--static", "--format", "json", "--out", str(out), str(page), status=1)
    told = known("add", str(out), "--reason", "docs", "--why", "w", "--ledger", str(ledger), "--review", "2020-01-01")
    assert told == "Added misnamed call on drop_partition.md.\n"
    docs("check", "--static", "--ledger", str(ledger), str(page))
    assert "(overdue)" in known("list", "--overdue", "--ledger", str(ledger))
    page.write_text("# Drop\n")
    docs("check", "--static", "--format", "json", "--out", str(out), str(page))
    assert "no longer holds" in known("update", str(out), "--ledger", str(ledger))
    assert known("list", "--ledger", str(ledger)) == "0 differences, 0 findings, 0 overdue\n"
    assert "neither" in known("update", str(page), "--ledger", str(ledger), status=2)
    assert "--facet" in known(
        "add", str(out), "--facet", "code", "--reason", "docs", "--why", "w", "--ledger", str(ledger), status=2
    )


def test_the_patch_is_offered_and_applied_on_request(page: Path) -> None:
    before = page.read_text()
    assert "+await c.GetCollection" in docs("check", "--static", "--fix", str(page), status=1)
    assert page.read_text() == before
    docs("check", "--static", "--fix", "--write", str(page), status=1)
    assert page.read_text() == before.replace("DropPartitionsAsync", "DropPartitionAsync")
    docs("check", "--static", str(page))


@pytest.mark.parametrize(
    "words", [["check", "nowhere.md"], ["check", "--write", "."], ["check", "--target", "rust", "."]]
)
def test_bad_input_is_a_sentence(words: list[str]) -> None:
    assert len(docs(*words, status=2).strip().splitlines()) <= 3


def test_a_block_of_a_page_is_written_for_a_scenario() -> None:
    text = docs("render", "drop_partition/empty", "--target", "java-v1", "--target", "javascript")
    assert text.count('<div class="multipleCode">') >= 1
    assert "<td><code>partition_name</code></td>" in text
    assert text.index("```java\n") < text.index("```javascript\n") < text.index('<table class="language-java">')


def test_coverage_names_the_scenarios(page: Path) -> None:
    assert "drop_partition/" in docs("coverage", str(page))

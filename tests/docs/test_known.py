"""Known findings are shown and do not count; entries that match nothing are stale."""

from datetime import date
from pathlib import Path

import pytest
from milvus_parity.docs.finding import Finding
from milvus_parity.docs.known import apply_known, read_entries
from milvus_parity.model.errors import BadInputError

FINDING = Finding(path="en/a.md", line=3, level="compiles", kind="misnamed call", language="csharp", message="No X.")
TEXT = """\
schema: 1
findings:
  - {page: a.md, kind: misnamed call, language: csharp, message: No X, why: fixed with 2.4, review: 2020-01-01}
  - {page: a.md, kind: missing await, why: gone}
  - {page: other.md, kind: missing await, why: not checked now}
"""


def test_known_stale_and_overdue(tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(TEXT)
    known = apply_known([FINDING], read_entries(tmp_path / "known.yaml"), ["en/a.md"], date(2026, 1, 1))
    assert known.findings[0].known == "fixed with 2.4"
    assert [line.partition(" (")[0] for line in known.stale] == ["a.md: no missing await is found any more"]
    assert len(known.overdue) == 1


@pytest.mark.parametrize("text", ["schema: 2\n", "schema: 1\nfindings: [{page: a}]\n", "[", "schema: 1\nfnd: []\n"])
def test_a_file_that_cannot_be_used(tmp_path: Path, text: str) -> None:
    (tmp_path / "known.yaml").write_text(text)
    with pytest.raises(BadInputError):
        read_entries(tmp_path / "known.yaml")

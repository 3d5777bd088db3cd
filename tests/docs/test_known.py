"""Known findings are shown and do not count; entries that match nothing are stale; entries are written and removed."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from milvus_parity.docs.finding import KINDS, FenceResult, Finding, PageResult, Report
from milvus_parity.docs.known import Known, apply_known
from milvus_parity.docs.known_edit import add_findings, update_findings
from milvus_parity.judge.ledger import parse_ledger
from milvus_parity.judge.ledger_edit import Explanation
from milvus_parity.model.errors import BadInputError

NAME = "known.yaml"
TODAY = date(2026, 1, 1)
WHY = Explanation(reason_class="docs", why="Left so: # for now.", link="https://example.org/1")
FINDING = Finding(path="en/a.md", line=3, level="compiles", kind="misnamed call", language="csharp", message="No X.")
TEXT = """\
schema: 1
findings:   # of pages
  # With a reason.
  - {page: a.md, kind: misnamed call, language: csharp, message: No X, why: fixed with 2.4, review: 2020-01-01}
  - page: [a.md, en/b.md]
    kind: missing await
    why: gone
  - {page: other.md, kind: missing await, why: not checked now}
# The end.
"""


def fence(language: str, runs: str) -> FenceResult:
    return FenceResult(
        path="en/a.md", index=0, line=1, last=5, word=language, language=language, target=f"{language}@1",
        levels={"runs": runs},
    )  # fmt: skip


def report(*findings: Finding, fences: tuple[FenceResult, ...] = (), **more: object) -> Report:
    made = Report(server="2.3.5", pages=(PageResult(path="en/a.md", fences=fences),), findings=findings)
    return msgspec.structs.replace(made, **more)


def known(text: str, of: Report) -> Known:
    return apply_known(of, parse_ledger(text, NAME, kinds=KINDS), TODAY)


def test_known_stale_and_overdue() -> None:
    found = known(TEXT, report(FINDING))
    assert found.report.findings[0].known == "fixed with 2.4"
    assert found.report.errors == ()
    assert [entry.location.line for entry in found.stale] == [5]
    assert [entry.location.line for entry in found.overdue] == [4]
    assert found.report.notes == (
        "known no longer: a.md, en/b.md: no missing await is found any more (gone) known.yaml:5:5",
        "a.md: misnamed call was to be looked at by 2020-01-01 (fixed with 2.4) known.yaml:4:5",
    )


def test_an_entry_is_stale_only_when_its_finding_would_have_been_found() -> None:
    entry = "schema: 1\nfindings:\n  - {page: a.md, kind: raised, language: python, why: w}\n"
    ran = fence("python", "passed")
    assert known(entry, report(fences=(ran,))).stale
    assert not known(entry, report(fences=(fence("python", "not checked: no server"),))).stale
    assert not known(entry, report(fences=(ran,), unavailable={"python@1": "no python"})).stale
    assert not known(entry.replace("why: w", "why: w, class: flaky"), report(fences=(ran,))).stale
    assert not known(entry.replace("why: w", "why: w, milvus: '>=2.4'"), report(fences=(ran,))).stale


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{page: a.md, why: w}", "kind"),
        ("{page: a.md, kind: misnamed cal, why: w}", "misnamed call"),
        ("{page: a.md, kind: raised, why: w, mesage: x}", "message"),
        ("{page: a.md, kind: raised, why: ' '}", "reason"),
        ("{page: [], kind: raised, why: w}", "no page"),
        ("{page: a.md, kind: raised, message: '(', why: w}", "pattern"),
        ("{page: a.md, kind: raised, review: soon, why: w}", "date"),
    ],
)
def test_a_slip_is_told_with_its_place(entry: str, said: str) -> None:
    with pytest.raises(BadInputError, match=r"known\.yaml:\d+:\d+") as raised:
        known(f"schema: 1\nfindings:\n  - {entry}\n", report())
    assert said in str(raised.value)


@pytest.mark.parametrize("text", ["", "schema: 1\n", "schema: 1\ndifferences: []\n", "schema: 1\nfindings: []\n", TEXT])
def test_what_is_added_is_known_from_then_on(text: str) -> None:
    again = msgspec.structs.replace(FINDING, path="en/b.md", line=9)
    other = msgspec.structs.replace(FINDING, kind="raised", message="(1+1) [x] (table at line 77)", language=None)
    told = msgspec.structs.replace(FINDING, kind="prose", severity="warning")
    found = report(FINDING, again, other, told)
    marked = known(text or "schema: 1", found).report
    edit = add_findings(text, NAME, marked, (), (), WHY)
    assert {line for line in text.splitlines() if not line.endswith("[]")} <= set(edit.text.splitlines())
    moved = msgspec.structs.replace(other, message="(1+1) [x] (table at line 80)")
    assert known(edit.text, report(FINDING, again, moved, told)).report.errors == ()
    assert add_findings(edit.text, NAME, known(edit.text, found).report, (), (), WHY).done == ()


def test_findings_can_be_chosen() -> None:
    found = report(FINDING, msgspec.structs.replace(FINDING, path="en/b.md", kind="raised"))
    assert add_findings("", NAME, found, ("b*.md",), (), WHY).done == ("Added raised on b.md.",)
    assert add_findings("", NAME, found, (), ("misnamed call",), WHY).done == ("Added misnamed call on a.md.",)


def test_what_holds_no_longer_is_removed_and_dates_are_moved() -> None:
    edit = update_findings(TEXT, NAME, known(TEXT, report(FINDING)), date(2027, 2, 3))
    expected = TEXT.replace("2020-01-01", "2027-02-03")
    start = expected.index("  - page: [a.md")
    expected = expected[:start] + expected[expected.index("  - {page: other.md") :]
    assert edit.text == expected
    assert len(edit.done) == 2
    unchanged = update_findings(expected, NAME, known(expected, report(FINDING)))
    assert (unchanged.text, unchanged.done) == (expected, ())


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
def test_any_message_can_be_pinned(message: str) -> None:
    finding = msgspec.structs.replace(FINDING, message=message)
    edit = add_findings("", NAME, report(finding), (), (), WHY)
    assert known(edit.text, report(finding)).report.errors == ()

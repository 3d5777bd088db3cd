"""Entries written from a run, renewed and removed; everything else in the file stays byte for byte."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milvus_parity.judge import exit_code, judge_run
from milvus_parity.judge.ledger import parse_ledger
from milvus_parity.judge.ledger_edit import Choice, Explanation, add_entries, update_entries
from milvus_parity.judge.ledger_text import LedgerText, entry_text, flow
from milvus_parity.judge.versions import target_pattern
from milvus_parity.model.errors import BadInputError, ExitCode
from milvus_parity.model.verdict import RunVerdict
from sample_runs import a_run

TODAY = date(2024, 6, 1)
NAME = "known.yaml"
WHY = Explanation(reason_class="by design", why="It is so: “quoted”, # and all.", review=date(2025, 1, 1))

KEPT = """\
# The ledger of a test.
schema: 1

differences:
  # Go looks it up.
  - case: drop_partition/missing   # the plain one
    targets: [go-v1]
    step: 2
    facet: result
    actual: refused
    class: SDK bug
    why: >-
      It looks the partition up
      before it asks.

  # Below it another.
  - case:
      - drop_partition/loaded
      - drop_partition/empty   # stale
    targets: [go-v1, java-v1]
    facet: code
    actual: not exposed
    class: by design
    why: It passes on the text.
    review: 2024-01-01
# The end.
"""


def judged(text: str) -> RunVerdict:
    return judge_run(a_run(), parse_ledger(text, NAME), None, TODAY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "schema: 1\n",
        "schema: 1\ndifferences:\n",
        "schema: 1\ndifferences: []\n",
        "schema: 1\ndifferences: []   # none yet\n# end\n",
        "differences:\nschema: 1\n",
        "schema: 1\ndifferences: [\n]\n",
        "schema: 1\ndifferences:",
        KEPT,
        KEPT + "milvus: '2.3.5'\n",
    ],
)
def test_all_findings_added_make_a_green_run(text: str):
    verdict = judged(text or "schema: 1")
    edit = add_entries(text, NAME, verdict, Choice(), WHY)
    after = judged(edit.text)
    stale_before = {stale.what for stale in verdict.stale}
    assert {stale.what for stale in after.stale} == stale_before
    assert exit_code(after) == (ExitCode.STALE_LEDGER if stale_before else ExitCode.OK)
    assert edit.done
    again = add_entries(edit.text, NAME, after, Choice(), WHY)
    assert (again.text, again.done) == (edit.text, ())


def test_adding_keeps_every_byte_of_the_rest():
    edit = add_entries(KEPT, NAME, judged(KEPT), Choice(), WHY)
    added = edit.text.splitlines()
    for line in KEPT.splitlines():
        assert line in added
    assert edit.text.startswith(KEPT.removesuffix("# The end.\n"))
    assert edit.text.endswith("# The end.\n")
    assert (
        "  - case: drop_partition/names[partition=blank]\n" in edit.text
        or "  - case: 'drop_partition/names[" in edit.text
    )


def test_what_is_added_is_explained():
    edit = add_entries("", NAME, judged("schema: 1"), Choice(), WHY)
    entries = parse_ledger(edit.text, NAME).entries
    assert {entry.why for entry in entries} == {WHY.why}
    assert {entry.review for entry in entries} == {WHY.review}
    assert edit.text.startswith("# Known differences")


def test_a_choice_narrows_what_is_added():
    verdict = judged("schema: 1")
    only = Choice(cases=("drop_partition/names*",), targets=(target_pattern("java-*"),), facets=("code",))
    (entry,) = parse_ledger(add_entries("", NAME, verdict, only, WHY).text, NAME).entries
    assert (entry.cases, [str(one) for one in entry.targets], entry.facet, entry.step) == (
        ("drop_partition/names[partition=blank]",),
        ["java-v1"],
        "code",
        2,
    )


def test_a_list_in_brackets_is_refused_with_its_place():
    text = "schema: 1\ndifferences: [{case: a, targets: [b], facet: code, actual: 1, class: server, why: x}]\n"
    with pytest.raises(BadInputError, match="brackets") as caught:
        add_entries(text, NAME, judged(text), Choice(), WHY)
    assert caught.value.where == "known.yaml:2:14"


def test_update_removes_what_no_longer_holds_and_moves_dates():
    verdict = judged(KEPT)
    assert len(verdict.stale) == 3
    edit = update_entries(KEPT, NAME, verdict, renew=date(2025, 6, 1))
    expected = KEPT.replace("      - drop_partition/empty   # stale\n", "")
    expected = expected.replace("[go-v1, java-v1]", "[go-v1]").replace("2024-01-01", "2025-06-01")
    assert edit.text == expected
    assert judged(edit.text).stale == ()
    assert update_entries(edit.text, NAME, judged(edit.text)).text == edit.text


def test_update_removes_an_entry_whole_and_keeps_its_neighbours():
    text = KEPT.replace("targets: [go-v1]", "targets: [java-v1]")
    edit = update_entries(text, NAME, judged(text))
    assert "looks the partition up" not in edit.text
    assert "  # Below it another.\n" in edit.text
    assert edit.text.endswith("# The end.\n")


def test_update_pins_a_changed_value_anew():
    text = KEPT.replace("actual: refused", "actual: hung   # once")
    edit = update_entries(text, NAME, judged(text))
    assert "    actual: refused   # once\n" in edit.text
    assert any("see whether its reason is still true" in line for line in edit.done)


def test_an_entry_that_holds_for_other_targets_elsewhere_becomes_two():
    text = """\
schema: 1
differences:
  - case: [drop_partition/missing, drop_partition/names*]
    targets: [go-v1, javascript]
    step: 2
    facet: result
    actual: {matches: 'refused|hung'}
    class: SDK bug
    why: Both are odd.
"""
    before = judged(text)
    # Go is not odd for blank names, but refused there as the others are: it is as pinned, nothing says it is stale.
    assert [(stale.case, stale.target) for stale in before.stale] == [("drop_partition/missing", "javascript@2.3.5")]
    edit = update_entries(text, NAME, before)
    entries = parse_ledger(edit.text, NAME).entries
    assert [(entry.cases, [str(one) for one in entry.targets]) for entry in entries] == [
        (("drop_partition/missing",), ["go-v1"]),
        (("drop_partition/names*",), ["go-v1", "javascript"]),
    ]
    assert judged(edit.text).stale == ()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(values)
def test_any_value_survives_as_yaml_on_one_line(value: object):
    from milvus_parity.scenarios.yaml_source import parse_yaml

    text = flow(value)
    assert "\n" not in text
    assert parse_yaml(f"a: {text}\n", "x").plain() == {"a": value}


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=3), st.text(min_size=1)
)
def test_any_entry_can_be_read_again(cases: list[str], why: str):
    entry = {"case": cases, "targets": ["go-v1"], "facet": "reason", "actual": why, "class": "server", "why": "x"}
    text = LedgerText("", NAME).inserted([entry])
    (read,) = parse_ledger(text, NAME).entries
    assert (read.cases, read.value) == (tuple(cases), why)
    assert entry_text(entry).startswith("  - case:")

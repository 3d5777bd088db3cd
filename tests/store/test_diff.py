"""What changed from one run to another: each kind, in order of what hurts, and what it means for the exit status."""

import json

import jsonschema
import msgspec
import pytest
from milvus_parity.model.diff import Change, RunDiff
from milvus_parity.model.errors import BadInputError, ExitCode
from milvus_parity.model.scenario import Case, Expectation, Expected
from milvus_parity.model.target import Target
from milvus_parity.model.trace import Trace
from milvus_parity.report.diff import diff_schema, render_diff
from milvus_parity.store.diff import diff_exit_code, diff_runs, diff_versions, without_told
from milvus_parity.store.reader import MemoryRun
from sample_runs import (
    COMPLETE,
    DROP_EMPTY,
    TARGETS,
    a_case,
    a_header,
    a_trace,
    book,
    error_value,
    programs_of,
    refused,
    returned,
    sdk_step,
)

PYTHON, JAVA, GO = TARGETS[0], TARGETS[2], TARGETS[3]
CASE = a_case(sdk_step(1, "drop"), sdk_step(2, "has"), id="drop/case")


def traces(*targets: Target, case: Case = CASE, **changed: Trace | None) -> list[Trace]:
    """A run in which all agree, but for the changed."""
    usual = [a_trace(one.label, returned(1), returned(2, False), case=case.id, after={2: book()}) for one in targets]
    return [found for trace in usual if (found := changed.get(trace.target.replace("-", "_"), trace)) is not None]


ALL = (PYTHON, JAVA, GO)


def run(found: list[Trace], *cases: Case, targets: tuple[Target, ...] = ALL, **header: object) -> MemoryRun:
    cases = cases or (CASE,)
    programs = tuple(program for case in cases for program in programs_of(case))
    return MemoryRun(a_header(*cases, targets=targets, **header), tuple(found), programs, footer=COMPLETE)


def all_three(**changed: Trace | None) -> MemoryRun:
    return run(traces(PYTHON, JAVA, GO, **changed))


def go(*steps: object, effect: object = None, **more: object) -> Trace:
    after = {2: effect if effect is not None else book()}
    return a_trace(GO.label, *steps, case=CASE.id, after=after, **more)  # type: ignore[arg-type]


def only(diff: RunDiff) -> Change:
    (change,) = diff.changes
    return change


def test_runs_that_are_alike_have_no_changes():
    diff = diff_runs(all_three(), all_three())
    assert (diff.changes, diff.same, diff_exit_code(diff)) == ((), 3, ExitCode.OK)


def test_newly_differs_is_worse_and_newly_agrees_is_not():
    odd = all_three(go_v1=go(refused(1, "no such partition"), returned(2, False)))
    worse = diff_runs(all_three(), odd)
    change = only(worse)
    assert (change.kind, change.worse, change.weight, change.pair.after) == ("newly differs", True, "must", GO.label)
    assert [(one.step, one.facet, one.before, one.after) for one in change.facets] == [
        (1, "result", "ok", "refused (no such partition)")
    ]
    assert diff_exit_code(worse) == ExitCode.DIFFERENT
    better = diff_runs(odd, all_three())
    assert (only(better).kind, only(better).worse, diff_exit_code(better)) == ("newly agrees", False, ExitCode.OK)


def test_another_effect_is_told_as_such():
    odd = all_three(go_v1=go(returned(1), returned(2, False), effect=book("novel")))
    change = only(diff_runs(all_three(), odd))
    assert (change.kind, change.worse) == ("newly differs", True)
    everywhere = run(
        [
            a_trace(one.label, returned(1), returned(2, False), case=CASE.id, after={2: book("novel")})
            for one in (PYTHON, JAVA, GO)
        ]
    )
    diff = diff_runs(all_three(), everywhere)
    assert [(one.kind, one.worse) for one in diff.changes] == [("changed its effect", False)] * 3


def test_only_the_message():
    before = all_three(
        python_orm=a_trace(PYTHON.label, refused(1, "no", 1), returned(2, False), case=CASE.id, after={2: book()}),
        java_v1=a_trace(JAVA.label, refused(1, "no", 1), returned(2, False), case=CASE.id, after={2: book()}),
        go_v1=go(refused(1, "not now", 1), returned(2, False)),
    )
    after = all_three(
        python_orm=a_trace(PYTHON.label, refused(1, "no", 1), returned(2, False), case=CASE.id, after={2: book()}),
        java_v1=a_trace(JAVA.label, refused(1, "no", 1), returned(2, False), case=CASE.id, after={2: book()}),
        go_v1=go(refused(1, "never", 1), returned(2, False)),
    )
    change = only(diff_runs(before, after))
    assert (change.kind, change.weight, change.worse) == ("changed only its message", "should", False)
    assert [(one.facet, one.before, one.after) for one in change.facets] == [("reason", "not now", "never")]


def test_told_only():
    before = [a_trace(one.label, error_value(1, "no"), returned(2), case=CASE.id) for one in ALL]
    after = [
        a_trace(one.label, refused(1, "no", classes=("Error",)), returned(2), case=CASE.id)
        for one in (PYTHON, JAVA, GO)
    ]
    assert {(one.kind, one.weight) for one in diff_runs(run(before), run(after)).changes} == {("told only", "told")}


def test_what_never_counts_can_be_left_out():
    before = [a_trace(one.label, error_value(1, "no"), returned(2), case=CASE.id) for one in ALL]
    after = [
        a_trace(one.label, refused(1, "no", classes=("Error",)), returned(2), case=CASE.id)
        for one in (PYTHON, JAVA, GO)
    ]
    diff = without_told(diff_runs(run(before), run(after)))
    assert diff.changes == ()
    assert diff.notes == ("3 changes of what never counts (channel, calls, time) are left out.",)
    mixed = [a_trace(one.label, refused(1, "other", classes=("Error",)), returned(2), case=CASE.id) for one in ALL]
    told = diff_runs(run(before), run(mixed)).changes[0]
    assert {facet.facet for facet in told.facets} == {"reason", "channel"}
    assert [facet.facet for facet in without_told(diff_runs(run(before), run(mixed))).changes[0].facets] == ["reason"]


def test_alone_another_result_is_worse_than_before():
    before = run(traces(GO), targets=(GO,))
    after = run([go(refused(1, "no"), returned(2, False))], targets=(GO,))
    assert (only(diff_runs(before, after)).kind, only(diff_runs(before, after)).worse) == ("changed its result", True)


def test_another_right_outcome_of_a_race_is_no_change():
    allowed = Expectation(any_of=(Expected(result="ok"), Expected(result="refused")))
    race = a_case(sdk_step(1, "drop", allowed), sdk_step(2, "has"), id=CASE.id)
    won = [a_trace(one.label, returned(1), returned(2, False), case=CASE.id, after={2: book()}) for one in ALL]
    lost = [go(refused(1, "too late"), returned(2, False), effect=book("novel")), *won[:2]]
    assert diff_runs(run(won, race), run(lost, race)).changes == ()
    assert diff_runs(run(won, CASE), run(lost, CASE)).changes != ()
    broken = [go(returned(1), returned(2, False), end="crashed", running_step=1), *won[:2]]
    change = only(diff_runs(run(won, race), run(broken, race)))
    assert (change.kind, change.worse) == ("newly differs", True)
    assert change.facets[0].facet == "result"


def test_new_gone_and_lost():
    assert only(diff_runs(all_three(go_v1=None), all_three())).kind == "new"
    assert only(diff_runs(all_three(), all_three(go_v1=None))).kind == "gone"
    lost = all_three(go_v1=go(end="not built", detail="oops"))
    diff = diff_runs(all_three(), lost)
    assert (only(diff).kind, only(diff).detail) == ("could not run", "its program does not compile: oops")
    assert diff_exit_code(diff) == ExitCode.COULD_NOT_RUN
    assert "it could not run" in (only(diff_runs(lost, all_three())).detail or "")
    assert diff_runs(lost, lost).changes == ()


def test_cases_come_and_go():
    both = run(traces(PYTHON, JAVA, GO) + traces(PYTHON, JAVA, GO, case=DROP_EMPTY), CASE, DROP_EMPTY)
    assert [(one.kind, one.case) for one in diff_runs(all_three(), both).changes] == [("new", DROP_EMPTY.id)] * 3
    assert [(one.kind, one.case) for one in diff_runs(both, all_three()).changes] == [("gone", DROP_EMPTY.id)] * 3


def test_a_bump_pairs_the_versions_of_a_target():
    newer = msgspec.structs.replace(GO, version="2.4.2")
    bumped = a_trace(newer.label, refused(1, "no"), returned(2, False), case=CASE.id, after={2: book()})
    after = run([*traces(PYTHON, JAVA), bumped], targets=(PYTHON, JAVA, newer))
    diff = diff_runs(all_three(), after)
    assert only(diff).pair.before == "go-v1@2.3.6"
    assert only(diff).pair.after == "go-v1@2.4.2"
    assert "go-v1@2.3.6 → 2.4.2" in render_diff(diff)


def test_versions_within_one_run():
    versions = [msgspec.structs.replace(GO, version=version) for version in ("2.2.8", "2.3.6", "2.4.2")]
    odd = a_trace(versions[0].label, error_value(1, "no"), returned(2, False), case=CASE.id, after={2: book()})
    found = (
        traces(PYTHON, JAVA)
        + [odd]
        + [a_trace(one.label, returned(1), returned(2, False), case=CASE.id, after={2: book()}) for one in versions[1:]]
    )
    diff = diff_versions(run(found, targets=(PYTHON, JAVA, *versions)))
    assert [(one.kind, one.pair.before, one.pair.after) for one in diff.changes] == [
        ("newly agrees", "go-v1@2.2.8", "go-v1@2.3.6")
    ]
    with pytest.raises(BadInputError, match="one version of each"):
        diff_versions(all_three())


def test_runs_without_a_common_target():
    with pytest.raises(BadInputError, match="no target in common"):
        diff_runs(run(traces(GO), targets=(GO,)), run(traces(JAVA), targets=(JAVA,)))


def a_mixed_diff() -> RunDiff:
    cases = [a_case(sdk_step(1, "drop"), sdk_step(2, "has"), id=f"drop/{name}") for name in "abcd"]
    before = [trace for case in cases[:3] for trace in traces(PYTHON, JAVA, GO, case=case)]
    after = [trace for case in cases[:2] for trace in traces(PYTHON, JAVA, case=case)]
    wrong = [
        a_trace(
            GO.label,
            refused(1, "no | `such` @someone <b>\x1b[31m"),
            returned(2, False),
            case=case.id,
            after={2: book()},
        )
        for case in cases[:2]
    ]
    after += [*wrong, *traces(PYTHON, JAVA, GO, case=cases[3])]
    after += traces(PYTHON, case=cases[2])
    after += [a_trace(GO.label, case=cases[2].id, end="not built", detail="main.go:1: oops")]
    return diff_runs(run(before, *cases[:3]), run(after, *cases))


def test_what_hurts_most_comes_first():
    assert [change.kind for change in a_mixed_diff().changes] == [
        "newly differs",
        "newly differs",
        "could not run",
        "gone",
        "new",
        "new",
        "new",
    ]


def test_text_says_the_same_once_and_is_safe_to_print():
    text = render_diff(a_mixed_diff())
    assert text.count("refused (no |") == 1
    assert "the same in drop/b" in text
    assert "2 newly differs, 1 could not run, 1 gone, 3 new, 5 the same: 2 got worse in what must match." in text
    assert "\x1b" not in text


def test_json_is_valid_against_its_schema():
    document = json.loads(render_diff(a_mixed_diff(), "json"))
    jsonschema.Draft202012Validator(diff_schema()).validate(document)
    assert document["changes"][0]["kind"] == "newly differs"


def test_markdown_survives_what_sdks_say():
    text = render_diff(a_mixed_diff(), "markdown")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {6}
    assert "\x1b" not in text
    assert len(text) < 65_536


def test_a_huge_diff_still_fits_a_comment():
    cases = [a_case(sdk_step(1, "drop"), id=f"drop/{number}") for number in range(2000)]
    before = [trace for case in cases for trace in traces(PYTHON, JAVA, GO, case=case)]
    after = [trace for case in cases for trace in traces(PYTHON, JAVA, case=case)]
    after += [a_trace(GO.label, refused(1, f"no {case.id}"), case=case.id) for case in cases]
    text = render_diff(diff_runs(run(before, *cases), run(after, *cases)), "markdown")
    assert len(text) < 65_536
    assert "left out here for length" in text


def test_another_server_is_noted():
    from milvus_parity.model.run import ServerInfo

    newer = run(traces(PYTHON, JAVA, GO), server=ServerInfo(kind="embedded", version="2.4.1"))
    assert "The servers differ" in diff_runs(all_three(), newer).notes[0]


def test_there_is_no_other_format():
    with pytest.raises(BadInputError, match="no format 'pdf'"):
        render_diff(a_mixed_diff(), "pdf")

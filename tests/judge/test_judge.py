"""A whole run judged: statuses, what the ledger pins, what is stale, the exit status."""

from datetime import date

import msgspec
import pytest
from milvus_parity.judge import exit_code, judge_run
from milvus_parity.judge.ledger import Ledger, parse_ledger
from milvus_parity.model.errors import ExitCode
from milvus_parity.model.run import Footer, RunRecord
from milvus_parity.model.target import BuildSpec, Commands, PackSpec, Rule, WorkerSpec
from milvus_parity.model.verdict import CaseVerdict, RunVerdict
from milvus_parity.store.reader import MemoryRun
from sample_runs import (
    CASES,
    COMPLETE,
    CSHARP_MISSING,
    DROP_BLANK,
    DROP_EMPTY,
    DROP_LOADED,
    DROP_MISSING,
    LABELS,
    TARGETS,
    a_header,
    a_run,
    a_trace,
    book,
    returned,
)

TODAY = date(2024, 6, 1)
GO, JAVA, NODE = "go-v1@2.3.6", "java-v1@2.3.10", "javascript@2.3.5"


def ledger(*entries: str) -> Ledger:
    return parse_ledger("schema: 1\ndifferences:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries), "known.yaml")


def judged(record: RunRecord | None = None, *entries: str) -> RunVerdict:
    return judge_run(record or a_run(), ledger(*entries), None, TODAY)


def case(verdict: RunVerdict, name: str) -> CaseVerdict:
    return next(one for one in verdict.cases if one.case == name)


def statuses(verdict: RunVerdict, name: str) -> dict[str, str]:
    return {one.target.partition("@")[0]: one.status for one in case(verdict, name).targets}


MISSING = (
    "case: drop_partition/missing, targets: [go-v1], step: 2, facet: result, actual: refused, class: SDK bug, why: x"
)
LOADED = "case: drop_partition/loaded, targets: [go-v1], facet: code, actual: not exposed, class: by design, why: x"
BLANK = (
    "case: 'drop_partition/names[partition=blank]', targets: [javascript], facet: result, actual: hung, "
    "class: SDK bug, why: x",
    "case: 'drop_partition/names*', targets: [java-v1], facet: code, actual: not exposed, class: by design, why: x",
    "case: 'drop_partition/names*', targets: [java-v1], facet: reason, actual: {matches: 'Partition name .* empty'}, "
    "class: by design, why: x",
)
ALL = (MISSING, LOADED, *BLANK)


def test_each_target_has_a_status_in_each_case():
    verdict = judged()
    assert [one.status for one in verdict.cases] == ["pass", "failed", "different", "different"]
    assert statuses(verdict, DROP_MISSING.id) == {
        "python-orm": "pass",
        "python-client": "pass",
        "java-v1": "pass",
        "go-v1": "different",
        "javascript": "pass",
    }
    assert statuses(verdict, DROP_LOADED.id)["go-v1"] == "failed"
    assert verdict.stale == ()
    assert exit_code(verdict) == ExitCode.DIFFERENT


def test_what_is_found_as_pinned_passes_and_is_shown():
    verdict = judged(None, *ALL)
    assert [one.status for one in verdict.cases] == ["pass", "known", "known", "known"]
    assert statuses(verdict, DROP_MISSING.id)["go-v1"] == "known"
    (difference,) = case(verdict, DROP_MISSING.id).differences
    assert difference.known
    assert difference.pins[GO].location.line == 3
    assert exit_code(verdict) == ExitCode.OK
    assert verdict.stale == ()


def test_another_value_fails_and_names_the_entry_that_pins_one():
    verdict = judged(None, MISSING.replace("actual: refused", "actual: hung"), *ALL[1:])
    (difference,) = case(verdict, DROP_MISSING.id).differences
    assert not difference.known
    assert difference.pinned_otherwise[GO].location.line == 3
    assert exit_code(verdict) == ExitCode.DIFFERENT
    assert verdict.stale == ()


def test_some_pinned_is_not_all_pinned():
    verdict = judged(None, MISSING, LOADED, *BLANK[1:])
    assert statuses(verdict, DROP_BLANK.id)["javascript"] == "different"
    assert statuses(verdict, DROP_BLANK.id)["java-v1"] == "known"
    assert exit_code(verdict) == ExitCode.DIFFERENT


def test_without_a_majority_pinning_all_but_those_who_agree_is_enough():
    targets = TARGETS[:4]
    traces = [a_trace(one.label, returned(1), returned(2), case=DROP_MISSING.id) for one in targets[:2]] + [
        a_trace(one.label, returned(1), case=DROP_MISSING.id, end="hung", running_step=2) for one in targets[2:]
    ]
    run = MemoryRun(a_header(DROP_MISSING, targets=targets), tuple(traces), footer=COMPLETE)
    assert exit_code(judged(run)) == ExitCode.DIFFERENT
    pinned = judged(run, MISSING.replace("[go-v1]", "[go-v1, java-v1]").replace("refused", "hung"))
    assert exit_code(pinned) == ExitCode.OK
    assert statuses(pinned, DROP_MISSING.id) == {
        "python-orm": "pass",
        "python-client": "pass",
        "java-v1": "known",
        "go-v1": "known",
    }


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        (MISSING.replace("go-v1", "java-v1"), "java-v1@2.3.10 no longer differs there as pinned."),
        (MISSING.replace("step: 2", "step: 1"), "go-v1@2.3.6 no longer differs there as pinned."),
        (MISSING.replace("[go-v1]", "[go-v1, java-v1]"), "java-v1@2.3.10 no longer differs there as pinned."),
        (MISSING.replace("case: drop_partition/missing", "case: [drop_partition/missing, drop_partition/empty]"), GO),
    ],
)
def test_a_claim_that_does_not_hold_is_stale(entry: str, what: str):
    verdict = judged(None, *ALL, entry)
    assert len(verdict.stale) == 1
    assert what in verdict.stale[0].what
    assert exit_code(verdict) == ExitCode.STALE_LEDGER


@pytest.mark.parametrize(
    "entry",
    [
        MISSING.replace("case: drop_partition/missing", "case: another/case"),
        MISSING.replace("go-v1", "go-v2"),
        MISSING.replace("go-v1", "go-v1@2.4.."),
        MISSING.replace("go-v1", "java-v1").replace("class: SDK bug", "class: flaky"),
        MISSING.replace("go-v1", "java-v1").replace("why: x", "why: x, milvus: '>=2.5'"),
        "case: '*', targets: ['*'], facet: origin, actual: client, class: docs, why: x",
    ],
)
def test_what_the_run_did_not_cover_is_not_stale(entry: str):
    assert judged(None, *ALL, entry).stale == ()


def test_a_pattern_that_no_case_and_a_target_that_no_pack_has_is_stale():
    known = {"known_cases": tuple(one.id for one in CASES), "known_targets": tuple(one.name for one in TARGETS)}
    verdict = judged(
        a_run(**known),
        *ALL,
        MISSING.replace("drop_partition/missing", "drop_partition/mising"),
        MISSING.replace("go-v1", "go-v1, go-v9"),
    )
    assert [stale.what for stale in verdict.stale] == [
        "No case is named drop_partition/mising.",
        "No target is named go-v9.",
    ]


def agreeing(name: str, **header: object) -> MemoryRun:
    """A run in which only one target ran, or all did and agree with what was pinned for one."""
    traces = [
        a_trace(one.label, returned(1), case=DROP_MISSING.id, end="hung", running_step=2)
        for one in TARGETS
        if name in ("*", one.name)
    ]
    targets = tuple(one for one in TARGETS if name in ("*", one.name))
    return MemoryRun(a_header(DROP_MISSING, targets=targets, **header), tuple(traces), footer=COMPLETE)


def test_a_pinned_value_that_cannot_show_as_a_difference_is_stale_only_when_all_targets_ran():
    entry = MISSING.replace("refused", "hung")
    known = tuple(one.name for one in TARGETS)
    assert judged(agreeing("go-v1", known_targets=known), entry).stale == ()
    assert judged(agreeing("*"), entry).stale == ()
    (stale,) = judged(agreeing("*", known_targets=known), entry).stale
    assert stale.what == "go-v1@2.3.6 is as pinned, and now all others are too."


def test_a_pattern_of_many_cases_is_not_stale_as_long_as_one_of_them_was_left_out():
    entry = MISSING.replace("case: drop_partition/missing", "case: drop_partition/*").replace("refused", "deadline")
    header = {"known_targets": tuple(one.name for one in TARGETS)}
    some = agreeing("*", known_cases=(DROP_MISSING.id, DROP_EMPTY.id), **header)
    assert judged(some, entry).stale == ()
    (stale,) = judged(agreeing("*", known_cases=(DROP_MISSING.id,), **header), entry).stale
    assert stale.what == "go-v1@2.3.6 no longer differs there as pinned."


def test_entries_past_their_date_warn():
    verdict = judged(None, MISSING.replace("why: x", "why: x, review: 2024-05-31"), *ALL[1:])
    assert [one.review for one in verdict.overdue] == ["2024-05-31"]
    assert exit_code(verdict) == ExitCode.OK
    assert judged(None, MISSING.replace("why: x", "why: x, review: 2024-06-01"), *ALL[1:]).overdue == ()


def test_todays_rules_win_over_stored_ones():
    rule = Rule(result="deadline")
    pack = PackSpec(
        schema=1,
        language="go",
        title="Go",
        extension="go",
        targets={},
        files=(),
        resolve=Commands(commands=()),
        build=BuildSpec(commands=()),
        worker=WorkerSpec(command=()),
        outcome=(rule,),
    )
    verdict = judge_run(a_run(), None, {"go": pack}, TODAY)
    (difference, *_) = case(verdict, DROP_MISSING.id).differences
    assert [group.text for group in difference.groups] == ["ok", "deadline"]


def test_a_lost_execution_could_not_run_and_so_did_a_missing_one():
    run = a_run()
    kept = [trace for one in CASES for trace in run.traces(one.id)]
    lost = [
        msgspec.structs.replace(trace, end="not built", detail="main.go:3: oops")
        if trace.target == "go-v1" and trace.case == DROP_MISSING.id
        else trace
        for trace in kept
        if not (trace.target == "java-v1" and trace.case == DROP_EMPTY.id)
    ]
    verdict = judged(MemoryRun(run.header, tuple(lost), footer=COMPLETE), *ALL)
    assert statuses(verdict, DROP_MISSING.id)["go-v1"] == "could not run"
    assert statuses(verdict, DROP_EMPTY.id)["java-v1"] == "could not run"
    assert case(verdict, DROP_MISSING.id).differences == ()
    assert case(verdict, DROP_MISSING.id).status == "could not run"
    assert verdict.stale == ()
    assert exit_code(verdict) == ExitCode.COULD_NOT_RUN


def test_a_case_that_the_server_cannot_serve_is_not_applicable():
    verdict = judged(a_run(not_applicable={DROP_LOADED.id: "no load of partitions"}), MISSING, *BLANK)
    found = case(verdict, DROP_LOADED.id)
    assert found.status == "not applicable"
    assert {one.detail for one in found.targets} == {"no load of partitions"}
    assert exit_code(verdict) == ExitCode.OK


def test_strict_must_leaves_out_what_only_should_match():
    verdict = judged(None, MISSING, BLANK[0])
    assert exit_code(verdict) == ExitCode.DIFFERENT
    assert exit_code(verdict, strict="must") == ExitCode.OK


def test_nothing_is_no_success():
    assert exit_code(judged(MemoryRun(a_header(), footer=COMPLETE))) == ExitCode.COULD_NOT_RUN
    no_targets = MemoryRun(a_header(DROP_EMPTY, targets=(), unavailable=(CSHARP_MISSING,)), footer=COMPLETE)
    assert exit_code(judged(no_targets)) == ExitCode.COULD_NOT_RUN
    nothing_fits = MemoryRun(a_header(DROP_EMPTY, not_applicable={DROP_EMPTY.id: "no"}), footer=COMPLETE)
    assert exit_code(judged(nothing_fits)) == ExitCode.COULD_NOT_RUN


def test_required_targets_must_be_there():
    verdict = judged(None, *ALL)
    assert exit_code(verdict, required=["go-v1", "java-v1@2.3.10"]) == ExitCode.OK
    assert exit_code(verdict, required=["csharp"]) == ExitCode.COULD_NOT_RUN
    assert exit_code(verdict, required=["java-v1@2.4.8"]) == ExitCode.COULD_NOT_RUN


@pytest.mark.parametrize("end", ["interrupted", "server died", "disk full", "error"])
def test_a_run_that_did_not_end_well_is_no_success(end: str):
    run = a_run()
    run.footer = Footer(end=end, ended=1.0)  # type: ignore[arg-type]
    assert exit_code(judged(run, *ALL)) == ExitCode.COULD_NOT_RUN


@pytest.mark.parametrize("condition", ["truncated", "edited"])
def test_a_run_that_is_not_whole_is_no_success(condition: str):
    run = a_run()
    run.condition = condition  # type: ignore[assignment]
    assert exit_code(judged(run, *ALL)) == ExitCode.COULD_NOT_RUN


def test_a_difference_comes_before_what_could_not_run_and_that_before_stale_entries():
    run = a_run()
    run.footer = Footer(end="interrupted", ended=1.0)
    stale = MISSING.replace("go-v1", "java-v1")
    assert exit_code(judged(run, stale)) == ExitCode.DIFFERENT
    assert exit_code(judged(run, *ALL, stale)) == ExitCode.COULD_NOT_RUN


def test_one_target_alone_is_not_compared_and_the_verdict_says_so():
    traces = tuple(trace for one in CASES for trace in a_run().traces(one.id) if trace.target == "python-orm")
    verdict = judged(MemoryRun(a_header(*CASES, targets=TARGETS[:1]), traces, footer=COMPLETE))
    assert verdict.notes == ("4 cases ran through one target only: nothing was compared there.",)
    assert exit_code(verdict) == ExitCode.OK


def test_verdicts_survive_json():
    verdict = judged(None, *ALL[:2])
    again = msgspec.json.decode(msgspec.json.encode(verdict), type=RunVerdict)
    assert msgspec.json.encode(again) == msgspec.json.encode(verdict)


def test_an_effect_is_pinned_as_the_observer_saw_it():
    wrong = [
        a_trace(
            label, returned(1), returned(2), case=DROP_EMPTY.id, after={2: book("novel") if label == GO else book()}
        )
        for label in LABELS
    ]
    run = MemoryRun(a_header(DROP_EMPTY), tuple(wrong), footer=COMPLETE)
    assert exit_code(judged(run)) == ExitCode.DIFFERENT
    entry = "case: drop_partition/empty, targets: [go-v1], facet: effect, actual: {0}, class: SDK bug, why: x"
    for actual in ("{database: {book: {partitions: [_default, novel]}}}", "{matches: 'book: .*novel.*'}"):
        verdict = judged(run, entry.replace("{0}", actual))
        assert exit_code(verdict) == ExitCode.OK, actual
        assert verdict.stale == ()

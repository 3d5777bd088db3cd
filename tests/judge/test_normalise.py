"""Outcomes from traces: rules, words, masks, values, how executions end. And that nothing a trace holds raises."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from milvus_parity.judge.normalise import normalise
from milvus_parity.judge.wire_facets import by_step
from milvus_parity.model.run import PackRules
from milvus_parity.model.scenario import Case
from milvus_parity.model.target import Rule
from milvus_parity.model.trace import End, Raised, StepTrace, Trace
from milvus_parity.model.wire import RecordedCall, Recording
from sample_runs import (
    a_case,
    a_trace,
    book,
    error_value,
    refused,
    returned,
    sdk_step,
    status,
)

DROP = a_case(sdk_step(1, "connect"), sdk_step(2, "drop", collection="book", partition="novel"))


def rules(*rules: Rule, values: dict[str, dict[str, str]] | None = None) -> PackRules:
    return PackRules(language="python", title="Python", outcome=rules, values=values or {})


def outcome_of(step: StepTrace, *pack_rules: Rule, case: Case = DROP, **more: object):
    trace = a_trace("python-orm@2.3.7", returned(1), step, **more)
    return normalise(trace, case, rules(*pack_rules)).steps[1]


def test_a_plain_return_is_ok():
    found = outcome_of(returned(2))
    assert (found.result, found.channel, found.code, found.reason, found.origin) == ("ok", "returned", None, None, None)


def test_the_first_rule_that_fits_decides():
    first = Rule(
        on=("raised",), classes=("*RpcError",), where={"fields.code": "UNAVAILABLE|UNKNOWN"}, result="transport failure"
    )
    second = Rule(classes=("MilvusException",), result="refused", code="fields.code", reason="message")
    refusal = outcome_of(
        refused(2, "no", 100, classes=("pymilvus.exceptions.MilvusException", "Exception")), first, second
    )
    assert (refusal.result, refusal.code, refusal.reason, refusal.channel) == ("refused", 100, "no", "raised")
    broken = outcome_of(
        refused(2, "x", "UNAVAILABLE", classes=("grpc._channel._InactiveRpcError", "grpc.RpcError")), first, second
    )
    assert broken.result == "transport failure"


def test_without_a_rule_it_is_unknown_and_keeps_the_message():
    found = outcome_of(refused(2, "what is this"), Rule(classes=("Other",), result="refused"))
    assert (found.result, found.reason) == ("unknown", "what is this")


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("RpcError", "grpc.RpcError", True),
        ("grpc.RpcError", "grpc.RpcError", True),
        ("*.RpcError", "grpc.RpcError", True),
        ("RpcError", "grpc.MyRpcError", False),
        ("Inner", "io.milvus.Outer$Inner", True),
        ("milvusError", "github.com/milvus-io/milvus/pkg/v2/util/merr.milvusError", True),
        ("merr.*", "merr.milvusError", True),
        ("Exception", "System.Exception", True),
        ("[abc]", "a", True),
    ],
)
def test_classes_match_by_full_name_or_last_part(pattern: str, name: str, fits: bool):
    found = outcome_of(refused(2, "m", classes=(name,)), Rule(classes=(pattern,), result="refused"))
    assert (found.result == "refused") is fits


def test_a_where_needs_the_whole_text_and_a_missing_value_is_empty():
    assert outcome_of(refused(2, "abc"), Rule(where={"message": "ab"}, result="refused")).result == "unknown"
    assert outcome_of(refused(2, "a\nb"), Rule(where={"message": "a.b"}, result="refused")).result == "refused"
    assert outcome_of(refused(2, "abc"), Rule(where={"fields.code": ""}, result="refused")).result == "refused"


def test_paths_go_into_causes_and_keys_with_dots():
    error = Raised(
        classes=("A",), message="outer", cause=Raised(classes=("B",), message="inner", fields={"a.b": {"c": 7.0}})
    )
    step = StepTrace(step=2, outcome="raised", error=error)
    found = outcome_of(step, Rule(result="refused", code="cause.fields.a.b.c", reason="cause.message"))
    assert (found.code, found.reason) == (7, "inner")


def test_a_status_is_read_by_its_keys():
    ok = Rule(on=("status",), where={"error_code": "Success"}, result="ok")
    bad = Rule(on=("status",), result="refused", code="code", reason="reason")
    fine = StepTrace(step=2, outcome="returned", status={"error_code": "Success", "code": 0, "reason": ""})
    broken = StepTrace(step=2, outcome="returned", status={"error_code": "Unexpected", "code": 65535, "reason": "no"})
    assert outcome_of(fine, ok, bad).result == "ok"
    assert outcome_of(fine, ok, bad).channel == "returned"
    found = outcome_of(broken, ok, bad)
    assert (found.result, found.code, found.reason, found.channel) == ("refused", 65535, "no", "status")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("65535", 65535),
        (65535, 65535),
        (65535.0, 65535),
        ("", None),
        (None, None),
        ("NotFound", "NotFound"),
        (0, 0),
        (-1, -1),
    ],
)
def test_codes_are_numbers_where_they_can_be(raw: object, code: object):
    error = Raised(classes=("E",), message="m", fields={"code": raw})
    found = outcome_of(StepTrace(step=2, outcome="raised", error=error), Rule(result="refused", code="fields.code"))
    assert found.code == code


def test_patterns_take_the_first_group():
    rule = Rule(
        result="refused", code="message", code_pattern=r"code=(\d+)", reason="message", reason_pattern=r"reason=(.*)"
    )
    found = outcome_of(refused(2, "code=100, reason=collection not found"), rule)
    assert (found.code, found.reason) == (100, "collection not found")
    other = outcome_of(refused(2, "something else"), rule)
    assert (other.code, other.reason) == (None, "something else")


def test_real_names_and_addresses_become_the_scenarios_words():
    trace = a_trace(
        "python-orm@2.3.7",
        returned(1),
        refused(2, "database parity_x1_2 not found at 127.0.0.1:39001 (also parity_x1)"),
    )
    trace = msgspec.structs.replace(trace, databases={"database": "parity_x1", "other": "parity_x1_2"})
    found = normalise(trace, DROP, rules(Rule(result="refused", reason="message"))).steps[1]
    assert found.reason == "database other not found at address (also database)"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("collection 447046787187425281 is not loaded", "collection <id> is not loaded"),
        ("deadline exceeded after 0.099s", "deadline exceeded after <duration>"),
        ("deadline exceeded after 99.9ms.", "deadline exceeded after <duration>."),
        ("partition 2s of v1", "partition <duration> of v1"),
        ("code=65535, 100 rows", "code=65535, 100 rows"),
        ("io.milvus.Foo@1b6d3586", "io.milvus.Foo@<hash>"),
        ("  spaces around  ", "spaces around"),
    ],
)
def test_what_changes_from_run_to_run_is_masked(text: str, masked: str):
    assert outcome_of(refused(2, text), Rule(result="refused", reason="message")).reason == masked


@pytest.mark.parametrize(
    ("operation", "raw", "value"),
    [
        ("has", True, True),
        ("has", "true", True),
        ("has", 1, 1),
        ("list", ["b", "a", "_default"], ("_default", "a", "b")),
        ("list", None, None),
        ("count", "100", 100),
        ("count", 100.0, 100),
        ("count", "many", "many"),
        ("query", ["3", 1, 2], (1, 2, 3)),
        ("load_state", "LoadStateLoaded", "loaded"),
        ("load_state", 3, "loaded"),
        ("load_state", "Surprise", "Surprise"),
        ("echo", "true", "true"),
        ("drop", {"anything": 1}, msgspec.UNSET),
    ],
)
def test_values_have_one_form_for_all_languages(operation: str, raw: object, value: object):
    case = a_case(sdk_step(1, "connect"), sdk_step(2, operation))
    words = {"load_state": {"LoadStateLoaded": "loaded", "3": "loaded"}}
    found = normalise(a_trace("go-v1@2.3.6", returned(1), returned(2, raw)), case, rules(values=words)).steps[1]
    assert found.value == value
    assert type(found.value) is type(value)


def test_the_order_of_names_is_kept_where_it_matters():
    case = a_case(sdk_step(1, "connect"), sdk_step(2, "list"), ordered=True)
    found = normalise(a_trace("go-v1@2.3.6", returned(1), returned(2, ["b", "a"])), case, rules()).steps[1]
    assert found.value == ("b", "a")


@pytest.mark.parametrize("end", ["not available", "not built", "no server", "interrupted", "harness error"])
def test_ends_that_say_nothing_about_the_sdk_could_not_run(end: End):
    found = normalise(a_trace("go-v1@2.3.6", returned(1), end=end, detail="line 3: no such thing"), DROP, rules())
    assert found.steps == ()
    assert found.could_not_run is not None
    assert "line 3: no such thing" in found.could_not_run


@pytest.mark.parametrize(("end", "result"), [("crashed", "crashed"), ("hung", "hung"), ("killed", "crashed")])
def test_a_program_that_ends_takes_its_running_step_with_it(end: End, result: str):
    case = a_case(sdk_step(1, "connect"), sdk_step(2, "drop"), sdk_step(3, "has"))
    found = normalise(a_trace("go-v1@2.3.6", returned(1), end=end, running_step=2, detail="signal 11"), case, rules())
    assert [step.result for step in found.steps] == ["ok", result, "not run"]
    assert found.steps[1].reason == "signal 11"


def test_a_crash_between_steps_belongs_to_the_next_and_after_all_to_the_last():
    case = a_case(sdk_step(1, "connect"), sdk_step(2, "drop"))
    between = normalise(a_trace("go-v1@2.3.6", returned(1), end="crashed"), case, rules())
    assert [step.result for step in between.steps] == ["ok", "crashed"]
    after = normalise(a_trace("go-v1@2.3.6", returned(1), returned(2), end="crashed"), case, rules())
    assert [step.result for step in after.steps] == ["ok", "crashed"]


def test_a_step_that_was_skipped_was_not_run_and_an_unsupported_one_says_why():
    case = a_case(sdk_step(1, "connect"), sdk_step(2, "drop"), sdk_step(3, "load_state"))
    unsupported = StepTrace(step=3, outcome="unsupported", reason="this API has no load state")
    found = normalise(a_trace("go-v1@2.3.6", returned(1), unsupported), case, rules())
    assert [step.result for step in found.steps] == ["ok", "not run", "not supported"]
    assert found.steps[2].reason == "this API has no load state"


@pytest.mark.parametrize(
    ("milliseconds", "time"),
    [(10, "within deadline"), (990, "at deadline"), (1900, "at deadline"), (9000, "beyond deadline")],
)
def test_time_is_a_class(milliseconds: float, time: str):
    case = a_case(sdk_step(1, "connect"), sdk_step(2, "drop", timeout=1.0))
    assert outcome_of(returned(2, milliseconds=milliseconds), case=case).time == time
    assert outcome_of(returned(2, milliseconds=milliseconds)).time == "no deadline"


def test_a_hung_step_with_a_deadline_says_so():
    case = a_case(sdk_step(1, "connect"), sdk_step(2, "drop", timeout=1.0))
    found = normalise(a_trace("go-v1@2.3.6", returned(1), end="hung", running_step=2), case, rules())
    assert found.steps[1].time == "beyond deadline (hung)"


def call(name: str, step: int, **more: object) -> RecordedCall:
    return RecordedCall(
        method=f"/milvus.proto.milvus.MilvusService/{name}",
        name=name,
        step=step,
        **{"status": 0, **more},  # type: ignore[arg-type]
    )


REFUSAL = Rule(on=("raised", "error value"), result="refused", reason="message")


def recorded(step: StepTrace, *calls: RecordedCall, problem: str | None = None):
    trace = a_trace("go-v1@2.3.6", returned(1), step, wire="recorded")
    return normalise(trace, DROP, rules(REFUSAL), by_step(Recording(calls=calls, problem=problem)))


def test_who_refused_is_known_from_the_wire_only():
    no = error_value(2, "no such partition")
    assert recorded(no).steps[1].origin == "client"
    assert recorded(no, call("HasPartition", 2)).steps[1].origin == "client"
    assert recorded(no, call("DropPartition", 2, code=200)).steps[1].origin == "server"
    assert recorded(no, call("DropPartition", 2, code=200), problem="cut").steps[1].origin == "not recorded"
    assert recorded(returned(2), call("DropPartition", 2)).steps[1].origin is None
    without = normalise(a_trace("go-v1@2.3.6", returned(1), no), DROP, rules(REFUSAL))
    assert without.steps[1].origin == "not recorded"
    assert without.steps[1].calls is None


def test_calls_are_told_step_by_step_without_the_sdks_own():
    found = recorded(
        returned(2), call("Connect", 1, background=True), call("HasPartition", 2), call("DropPartition", 2)
    )
    assert found.steps[0].calls == ()
    assert [one.partition("(")[0] for one in found.steps[1].calls or ()] == ["HasPartition", "DropPartition"]


def test_what_the_observer_found_is_the_effect():
    found = normalise(a_trace("go-v1@2.3.6", returned(1), returned(2), after={2: book("novel")}), DROP, rules())
    assert [(effect.after, effect.snapshot) for effect in found.effects] == [(2, book("novel"))]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
errors = st.builds(
    Raised,
    classes=st.lists(st.text(max_size=20), max_size=3).map(tuple),
    message=st.text(),
    fields=st.dictionaries(st.text(max_size=8), json_values, max_size=3),
)
step_traces = st.builds(
    StepTrace,
    step=st.integers(0, 4),
    outcome=st.sampled_from(["returned", "raised", "error value", "unsupported"]),
    value=json_values,
    status=json_values,
    error=st.none() | errors,
    reason=st.none() | st.text(),
)
traces = st.builds(
    Trace,
    case=st.just("c"),
    target=st.just("go-v1"),
    sdk_version=st.just("1"),
    end=st.sampled_from(get_args(End)),
    steps=st.lists(step_traces, max_size=4).map(tuple),
    running_step=st.none() | st.integers(0, 4),
    detail=st.none() | st.text(),
    databases=st.dictionaries(st.text(max_size=4), st.text(max_size=8), max_size=3),
    address=st.text(max_size=12),
)
ANY_RULES = rules(
    Rule(on=("status",), where={"code": "0"}, result="ok"),
    Rule(classes=("*a*",), result="refused", code="fields.code", reason="cause.message", reason_pattern="(.)"),
    Rule(on=("raised",), where={"message": ".*x.*"}, result="deadline", code="message", code_pattern="(x)?"),
)
ALL_OPERATIONS = a_case(
    sdk_step(1, "has"), sdk_step(2, "list", timeout=0.5), sdk_step(3, "query"), sdk_step(4, "not known yet")
)


@given(traces)
def test_whatever_a_trace_holds_becomes_an_outcome_and_always_the_same(trace: Trace):
    found = normalise(trace, ALL_OPERATIONS, ANY_RULES)
    assert found == normalise(trace, ALL_OPERATIONS, ANY_RULES)
    assert found.could_not_run is not None or [step.step for step in found.steps] == [1, 2, 3, 4]
    for step in found.steps:
        assert step.result == "ok" or step.value is msgspec.UNSET
        assert step.result != "ok" or (step.code is None and step.reason is None)


@given(traces)
def test_the_wires_way_into_a_file_changes_no_outcome(trace: Trace):
    stored = msgspec.json.decode(msgspec.json.encode(trace), type=Trace)
    assert normalise(stored, ALL_OPERATIONS, ANY_RULES) == normalise(trace, ALL_OPERATIONS, ANY_RULES)


def test_a_status_may_be_a_bare_word():
    step = StepTrace(step=2, outcome="returned", status="Success")
    assert outcome_of(step, Rule(on=("status",), where={"status": "Success"}, result="ok")).result == "ok"
    assert outcome_of(status(2, 5)).result == "unknown"

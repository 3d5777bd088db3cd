"""Who agrees, who is the odd one out; what is promised; what follows from what."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from milvus_parity.judge.compare import compare
from milvus_parity.model.outcome import Effect, Outcome, StepOutcome
from milvus_parity.model.scenario import Case, Expectation, Expected
from milvus_parity.model.verdict import Difference
from sample_runs import a_case, book, expected, place, sdk_step, then_book

STEPS = (sdk_step(1, "drop"), sdk_step(2, "has"), sdk_step(3, "list"))
CASE = a_case(*STEPS)
A, B, C, D, E = "python-orm@2.3.7", "java-v1@2.3.10", "go-v1@2.3.6", "javascript@2.3.5", "go-v2@2.5.6"


def step(number: int, result: str = "ok", **more: object) -> StepOutcome:
    return StepOutcome(step=number, result=result, **more)  # type: ignore[arg-type]


def outcome(target: str, *steps: StepOutcome, effects: Sequence[Effect] = (), **more: object) -> Outcome:
    rest = [step(number) for number in range(len(steps) + 1, 4)]
    return Outcome(case=CASE.id, target=target, end="done", steps=(*steps, *rest), effects=tuple(effects), **more)  # type: ignore[arg-type]


def refusal(number: int = 1, **more: object) -> StepOutcome:
    return step(number, "refused", **{"code": 1, "reason": "no", "channel": "raised", "origin": "server", **more})


def differences(*outcomes: Outcome, case: Case = CASE) -> tuple[Difference, ...]:
    return compare(case, outcomes).differences


def test_equal_outcomes_never_differ():
    assert differences(outcome(A, refusal()), outcome(B, refusal()), outcome(C, refusal())) == ()


def test_the_minority_is_odd():
    (found,) = differences(outcome(A), outcome(B), outcome(C, refusal()))
    assert (found.step, found.facet, found.weight, found.basis, found.odd) == (1, "result", "must", "majority", (C,))
    assert [(group.text, group.targets) for group in found.groups] == [("ok", (A, B)), ("refused", (C,))]
    assert found.groups[1].detail == "no"


def test_without_a_majority_all_are_odd_and_it_says_so():
    (found,) = differences(outcome(A), outcome(B), outcome(C, refusal()), outcome(D, refusal()))
    assert (found.basis, found.odd) == ("none", (A, B, C, D))


def test_half_is_no_majority():
    found = differences(outcome(A), outcome(B), outcome(C, refusal()), outcome(D, step(1, "hung")))
    assert (found[0].facet, found[0].basis) == ("result", "none")


def test_versions_of_one_target_have_one_voice():
    versions = [f"python-orm@2.{minor}" for minor in range(3, 8)]
    (found,) = differences(*(outcome(one, refusal()) for one in versions), outcome(B), outcome(C), outcome(D))
    assert (found.basis, set(found.odd)) == ("majority", set(versions))


def test_versions_of_the_only_target_are_counted_one_by_one():
    versions = [f"python-orm@2.{minor}" for minor in range(3, 8)]
    (found,) = differences(*(outcome(one) for one in versions[:-1]), outcome(versions[-1], refusal()))
    assert (found.basis, found.odd) == ("majority", (versions[-1],))


def test_who_is_as_promised_is_never_odd_however_few():
    case = a_case(sdk_step(1, "drop", expected("refused")), *STEPS[1:])
    (found,) = differences(outcome(A), outcome(B), outcome(C, refusal()), case=case)
    assert (found.basis, found.odd) == ("expected", (A, B))
    assert [(group.text, group.expected) for group in found.groups] == [("ok", False), ("refused", True)]


def test_a_promise_that_all_keep_does_not_hide_that_they_differ():
    case = a_case(sdk_step(1, "drop", expected("refused", reason="is loaded")), *STEPS[1:])
    told = [outcome(one, refusal(reason="it is loaded")) for one in (A, B)]
    (found,) = differences(*told, outcome(C, refusal(reason="partition is loaded")), case=case)
    assert (found.facet, found.basis, found.odd) == ("reason", "majority", (C,))


def test_the_root_is_told_once():
    (found,) = differences(
        outcome(A, step(1, value=(1,))), outcome(B, step(1, value=(1,))), outcome(C, refusal(code=7, reason="x"))
    )
    assert found.facet == "result"


def test_among_those_with_the_same_result_the_rest_is_compared():
    found = differences(outcome(A), outcome(B, refusal()), outcome(C, refusal(code=None)), outcome(D, refusal()))
    assert [(one.facet, one.among, one.odd) for one in found] == [("result", None, (A,)), ("code", "refused", (C,))]
    assert [group.text for group in found[1].groups] == ["1", "not exposed"]


@pytest.mark.parametrize(
    ("facet", "one", "other"),
    [
        ("code", 1, None),
        ("code", 1, "1"),
        ("reason", "no", "No"),
        ("origin", "client", "server"),
        ("channel", "raised", "status"),
        ("calls", ("Drop()",), ("Has()", "Drop()")),
    ],
)
def test_each_facet_of_a_refusal_is_compared(facet: str, one: object, other: object):
    (found,) = differences(outcome(A, refusal(**{facet: one})), outcome(B, refusal(**{facet: other})))
    assert found.facet == facet


@pytest.mark.parametrize(
    ("one", "other"), [(True, 1), (1, 1.0), ("1", 1), (None, False), (("a",), "a"), ((1,), (True,))]
)
def test_values_of_other_types_differ(one: object, other: object):
    (found,) = differences(outcome(A, step(1, value=one)), outcome(B, step(1, value=other)))
    assert found.facet == "value"


def test_words_of_transports_are_not_compared_but_codes_are():
    broken = [step(1, "transport failure", code=code, reason=code) for code in ("UNAVAILABLE", "14")]
    (found,) = differences(outcome(A, broken[0]), outcome(B, broken[1]))
    assert found.facet == "code"


def test_an_unrecorded_wire_is_no_value():
    assert differences(outcome(A, refusal(origin="not recorded")), outcome(B, refusal(origin="server"))) == ()
    assert differences(outcome(A, step(1, calls=None)), outcome(B, step(1, calls=("Drop()",)))) == ()


def test_not_supported_is_an_outcome_like_any_other():
    (found,) = differences(outcome(A), outcome(B), outcome(C, step(1, "not supported", reason="no such call")))
    assert (found.facet, found.weight, found.odd) == ("result", "must", (C,))


def test_what_could_not_run_is_neither_passed_nor_different():
    lost = Outcome(case=CASE.id, target=C, end="not built", could_not_run="it does not compile")
    found = compare(CASE, [outcome(A), outcome(B), lost])
    assert found.differences == ()
    assert found.compared
    assert not compare(CASE, [outcome(A), lost]).compared


def effect(after: int, *partitions: str) -> Effect:
    return Effect(after=after, snapshot=book(*partitions))


def test_effects_are_compared_after_each_look():
    same = [outcome(one, effects=[effect(1, "novel"), effect(3)]) for one in (A, B)]
    (found,) = differences(*same, outcome(C, effects=[effect(1, "novel"), effect(3, "novel")]))
    assert (found.step, found.facet, found.odd) == (3, "effect", (C,))
    assert [group.text for group in found.groups] == ["book: _default", "book: _default, novel"]


def test_an_effect_that_is_as_promised_is_not_odd():
    case = a_case(*STEPS, then=then_book())
    kept = outcome(C, effects=[effect(3)])
    (found,) = differences(*(outcome(one, effects=[effect(3, "novel")]) for one in (A, B)), kept, case=case)
    assert (found.basis, found.odd) == ("expected", (A, B))


def test_what_may_follow_from_an_earlier_difference_says_so():
    left = outcome(C, refusal(), step(2, value=True), effects=[effect(1, "novel"), effect(3, "novel")])
    others = [outcome(one, step(1), step(2, value=False), effects=[effect(1), effect(3)]) for one in (A, B)]
    found = differences(*others, left)
    assert [(one.step, one.facet, one.consequence_of) for one in found] == [
        (1, "result", None),
        (1, "effect", 1),
        (2, "value", 1),
        (3, "effect", 1),
    ]


def test_another_odd_one_is_a_difference_of_its_own():
    found = differences(outcome(A), outcome(B), outcome(D), outcome(E), outcome(C, refusal()), case=CASE) + differences(
        outcome(A), outcome(B), outcome(D, step(1), refusal(2)), outcome(C, refusal()), outcome(E)
    )
    assert [(one.step, one.odd, one.consequence_of) for one in found[1:]] == [(1, (C,), None), (2, (D,), None)]


def test_why_a_step_was_not_run_is_told_once():
    left = outcome(C, step(1, "hung"), step(2, "not run"), step(3, "not run"))
    (found,) = differences(outcome(A), outcome(B), left)
    assert (found.step, found.facet, found.odd) == (1, "result", (C,))
    promised = a_case(*(sdk_step(number, "drop", expected("ok")) for number in (1, 2, 3)))
    assert [one.step for one in compare(promised, [left]).failures] == [1]
    unpromised = a_case(sdk_step(1, "drop"), *(sdk_step(number, "drop", expected("ok")) for number in (2, 3)))
    assert [one.step for one in compare(unpromised, [left]).failures] == [2]


def test_a_step_that_was_not_run_for_no_reason_that_was_told_is_a_difference():
    (found,) = differences(outcome(A), outcome(B), outcome(C, step(1), step(2, "not run"), step(3, "not run")))
    assert (found.step, found.odd) == (2, (C,))


RACE = a_case(
    sdk_step(
        1,
        "drop",
        Expectation(any_of=(Expected(result="ok"), Expected(result="deadline")), location=place(4)),
        timeout=0.001,
    ),
    *STEPS[1:],
)


def test_a_set_of_allowed_outcomes_suspends_parity_and_effects():
    one = outcome(A, effects=[effect(1), effect(3)])
    other = outcome(B, step(1, "deadline", code="4"), effects=[effect(1, "novel"), effect(3, "novel")])
    found = compare(RACE, [one, other])
    assert (found.differences, found.failures) == ((), ())


def test_what_is_not_in_the_set_has_failed():
    found = compare(RACE, [outcome(A), outcome(B, refusal())])
    assert found.differences == ()
    (failure,) = found.failures
    assert (failure.target, failure.facet, failure.expected, failure.actual) == (
        B,
        "result",
        "ok or deadline",
        "refused (no)",
    )


def test_a_step_that_was_not_run_after_a_race_is_not_compared():
    lost = [outcome(one, step(1, "deadline"), step(2, "not run"), step(3, "not run")) for one in (A, C, D)]
    assert differences(*lost, outcome(B), case=RACE) == ()


def test_what_follows_from_an_outcome_that_a_race_does_not_allow_says_so():
    others = [outcome(one, step(1), step(2, value=False)) for one in (A, C)]
    (found,) = differences(*others, outcome(B, refusal(), step(2, value=True)), case=RACE)
    assert (found.step, found.consequence_of) == (2, 1)


def test_a_then_is_judged_in_a_race_too():
    case = msgspec.structs.replace(RACE, then=then_book())
    found = compare(case, [outcome(A, effects=[effect(3)]), outcome(B, effects=[effect(3, "novel")])])
    assert found.differences == ()
    assert [(one.target, one.facet, one.expected, one.actual) for one in found.failures] == [
        (B, "effect", "book: partitions [_default]", "book: _default, novel")
    ]


def test_other_steps_of_a_race_are_still_compared():
    (found,) = differences(outcome(A, step(1), step(2, value=True)), outcome(B, step(1), step(2, value=1)), case=RACE)
    assert (found.step, found.facet) == (2, "value")


@pytest.mark.parametrize(
    ("promise", "actual", "facets"),
    [
        (Expected(result="ok"), step(1), []),
        (Expected(result="ok"), refusal(), ["result"]),
        (Expected(result="refused", code=1, reason="NO", by="server"), refusal(), []),
        (Expected(result="refused", code=2, reason="yes"), refusal(), ["code", "reason"]),
        (Expected(result="refused", by="client"), refusal(), ["origin"]),
        (Expected(result="refused", by="client"), refusal(origin="not recorded"), []),
        (Expected(result="refused", reason="x"), refusal(reason=None), ["reason"]),
        (Expected(result="ok", value=("b", "a")), step(1, value=("a", "b")), []),
        (Expected(result="ok", value=True), step(1, value=True), []),
        (Expected(result="ok", value=True), step(1, value=1), ["value"]),
        (Expected(result="ok", value=1), step(1, value=True), ["value"]),
        (Expected(result="ok", value=None), step(1, value=None), []),
        (Expected(result="ok", value="loaded"), step(1, value="not loaded"), ["value"]),
    ],
)
def test_promises(promise: Expected, actual: StepOutcome, facets: list[str]):
    case = a_case(sdk_step(1, "drop", Expectation(any_of=(promise,), location=place(9, 7))), *STEPS[1:])
    found = compare(case, [outcome(A, actual)])
    assert [failure.facet for failure in found.failures] == facets
    assert all(str(failure.location) == "scenarios/drop_partition/sample.yaml:9:7" for failure in found.failures)


def test_the_nearest_alternative_says_what_is_wrong():
    promise = Expectation(any_of=(Expected(result="ok"), Expected(result="refused", code=5)))
    case = a_case(sdk_step(1, "drop", promise), *STEPS[1:])
    (failure,) = compare(case, [outcome(A, refusal())]).failures
    assert (failure.facet, failure.expected, failure.actual) == ("code", "ok or refused (code 5)", "1")


results = st.sampled_from(["ok", "refused", "hung", "not supported", "deadline", "unknown", "not run"])
step_outcomes = st.builds(
    StepOutcome,
    step=st.just(0),
    result=results,
    value=st.sampled_from([msgspec.UNSET, None, True, 1, ("a",)]),
    code=st.sampled_from([None, 1, "X"]),
    reason=st.sampled_from([None, "no"]),
    channel=st.sampled_from([None, "raised", "status"]),
    origin=st.sampled_from([None, "client", "server", "not recorded"]),
    calls=st.sampled_from([None, (), ("Drop()",)]),
)


@st.composite
def outcomes(draw: st.DrawFn, target: str) -> Outcome:
    steps = tuple(msgspec.structs.replace(draw(step_outcomes), step=number) for number in (1, 2, 3))
    effects = draw(st.sampled_from([(), (effect(3),), (effect(3, "novel"),), (effect(1), effect(3))]))
    lost = draw(st.sampled_from([None, None, None, "it does not compile"]))
    return Outcome(case=CASE.id, target=target, end="done", steps=steps, effects=effects, could_not_run=lost)


@st.composite
def runs(draw: st.DrawFn) -> list[Outcome]:
    return [draw(outcomes(target)) for target in draw(st.permutations([A, B, C, D, E]))[: draw(st.integers(0, 5))]]


promises = st.lists(
    st.builds(Expected, result=results, code=st.sampled_from([None, 1]), value=st.sampled_from([msgspec.UNSET, True])),
    max_size=2,
).map(lambda found: Expectation(any_of=tuple(found)) if found else None)


@given(runs(), promises, st.randoms())
def test_permuting_targets_does_not_change_the_verdict(run: list[Outcome], promise: Expectation | None, random):
    case = a_case(sdk_step(1, "drop", promise), *STEPS[1:], then=then_book())
    shuffled = list(run)
    random.shuffle(shuffled)
    one, other = compare(case, run), compare(case, shuffled)
    assert {(a.target, a.step, a.facet, a.actual) for a in one.failures} == {
        (a.target, a.step, a.facet, a.actual) for a in other.failures
    }
    assert {_without_order(found) for found in one.differences} == {
        _without_order(found) for found in other.differences
    }


def _without_order(found: Difference) -> object:
    groups = frozenset((group.text, group.expected, frozenset(group.targets)) for group in found.groups)
    return found.step, found.facet, found.basis, found.among, found.consequence_of, frozenset(found.odd), groups


@given(outcomes(A), st.lists(st.sampled_from([B, C, D, E]), min_size=1, unique=True))
def test_copies_of_one_outcome_never_differ(one: Outcome, targets: list[str]):
    copies = [msgspec.structs.replace(one, target=target) for target in (A, *targets)]
    assert compare(CASE, copies).differences == ()


@given(runs())
def test_every_difference_has_groups_that_cover_their_targets_once(run: list[Outcome]):
    for one in compare(CASE, run).differences:
        members = [target for group in one.groups for target in group.targets]
        assert len(one.groups) > 1
        assert len(members) == len(set(members))
        assert set(one.odd) <= set(members)
        assert one.odd
        assert (one.basis == "none") == (set(one.odd) == set(members))

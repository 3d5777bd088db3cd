"""Halving, without any SDK: an oracle answers instead."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milvus_parity.engine.bisect import (
    Answer,
    Found,
    as_good,
    found,
    next_release,
    places_that_differ,
    road,
    seen,
    text_at,
)
from milvus_parity.model.errors import BadInputError
from milvus_parity.model.outcome import Effect, Outcome, StepOutcome
from milvus_parity.model.trace import CollectionSnapshot, Snapshot

WAY = tuple(f"2.{minor}.0" for minor in range(20))


def search(way: tuple[str, ...], oracle: Callable[[str], Answer]) -> tuple[Found, list[str]]:
    answers: dict[str, Answer] = {}
    while (release := next_release(way, answers)) is not None:
        assert release not in answers, "a release was tried twice"
        answers[release] = oracle(release)
    return found(way, answers), list(answers)


@given(st.integers(2, 60), st.data())
def test_it_finds_the_first_and_tries_few(count: int, data: st.DataObject) -> None:
    way = tuple(f"1.{number}" for number in range(count))
    first = data.draw(st.integers(1, count - 1))
    end, tried = search(way, lambda release: "other" if way.index(release) >= first else "good")
    assert end == Found(last=way[first - 1], first=way[first])
    assert len(tried) <= count.bit_length()


@given(st.integers(2, 30), st.data())
def test_what_cannot_be_tried_is_walked_around_and_named(count: int, data: st.DataObject) -> None:
    way = tuple(f"1.{number}" for number in range(count))
    first = data.draw(st.integers(1, count - 1))
    broken = data.draw(st.sets(st.sampled_from(way[1:-1]))) if count > 2 else set()

    def oracle(release: str) -> Answer:
        return "skipped" if release in broken else "other" if way.index(release) >= first else "good"

    end, _ = search(way, oracle)
    low, high = way.index(end.last), way.index(end.first)
    assert low < first <= high
    assert end.between == way[low + 1 : high]
    assert set(end.between) <= broken


def test_answers_that_are_there_cost_nothing() -> None:
    answers: dict[str, Answer] = {release: "good" if release < "2.10.0" else "other" for release in WAY[1:-1]}
    assert next_release(WAY, answers) is None


def test_the_road_is_ordered_and_leaves_out_what_lies_beside_it() -> None:
    releases = ["3.0.0", "2.10.0", "2.9.0", "2.10.0rc1", "2.8.0", "1.0.0", "nightly"]
    assert road(releases, "2.8.0", "3.0.0") == ("2.8.0", "2.9.0", "2.10.0", "3.0.0")
    assert road(releases, "3.0.0", "2.8.0") == ("3.0.0", "2.10.0", "2.9.0", "2.8.0")
    assert road(releases, "2.8.0", "2.10.0rc1") == ("2.8.0", "2.9.0", "2.10.0rc1")
    assert road([], "2.8.0", "3.0.0") == ("2.8.0", "3.0.0")


@pytest.mark.parametrize(
    ("good", "bad", "words"), [("2.3", "2.3.0", "the same"), ("old", "2.3", "'old' is no version")]
)
def test_ends_that_are_none(good: str, bad: str, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        road([], good, bad)


def outcome(*steps: StepOutcome, partitions: tuple[str, ...] = ("_default",)) -> Outcome:
    held = Snapshot(databases={"database": {"book": CollectionSnapshot(partitions=partitions)}})
    return Outcome(case="topic/case", target="go@1", end="done", steps=steps, effects=(Effect(after=2, snapshot=held),))


def refused(reason: str, code: int = 1) -> StepOutcome:
    return StepOutcome(step=2, result="refused", code=code, reason=reason, channel="raised", calls=())


def test_a_changed_result_hides_no_message_before_it() -> None:
    good, bad = seen(outcome(refused("no ghost"))), seen(outcome(StepOutcome(step=2, result="ok", calls=("Drop",))))
    assert places_that_differ(good, bad) == ((2, "result"),)
    assert as_good(good, seen(outcome(refused("ghost not found", code=200))), ((2, "result"),))
    assert text_at(good, (2, "result")) == "refused (no ghost)"


def test_the_heaviest_facets_that_differ_are_followed() -> None:
    good = seen(outcome(refused("no ghost")))
    assert places_that_differ(good, seen(outcome(refused("no such ghost", code=200)))) == ((2, "code"), (2, "reason"))
    assert places_that_differ(good, seen(outcome(refused("no such ghost", code=200))), ["reason"]) == ((2, "reason"),)
    emptied = seen(outcome(refused("no such ghost"), partitions=()))
    assert places_that_differ(good, emptied) == ((2, "effect"),)
    assert places_that_differ(good, good) == ()


def test_what_was_not_recorded_is_no_difference() -> None:
    recorded = outcome(StepOutcome(step=2, result="ok", calls=("Drop",)))
    assert places_that_differ(seen(recorded), seen(recorded)) == ()
    assert (2, "calls") not in seen(outcome(StepOutcome(step=2, result="ok", calls=None)))

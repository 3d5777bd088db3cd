"""Which cases run: selection, what a server cannot serve, shards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milvus_parity.engine.plan import matches, plan, select
from milvus_parity.engine.shards import cases_of_shard
from milvus_parity.model.errors import BadInputError
from milvus_parity.model.scenario import Case, Location, Requirements

EVERYTHING = ("databases", "load_partitions")


def case(name: str, *, milvus: str | None = None, features: tuple[str, ...] = ()) -> Case:
    return Case(
        id=name,
        title=name,
        scenario=name.partition("[")[0],
        location=Location(file=f"scenarios/{name.partition('[')[0]}.yaml", line=1),
        requires=Requirements(milvus=milvus, features=features),
    )


CASES = [case("topic/names[a]"), case("topic/names[b]"), case("topic/twice"), case("other/twice")]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("topic/twice", ["topic/twice"]),
        ("topic/names", ["topic/names[a]", "topic/names[b]"]),
        ("topic/names[b]", ["topic/names[b]"]),
        ("topic/names*", ["topic/names[a]", "topic/names[b]"]),
        ("*/twice", ["topic/twice", "other/twice"]),
        ("scenarios/topic/twice.yaml", ["topic/twice"]),
        ("names.yaml", ["topic/names[a]", "topic/names[b]"]),
    ],
)
def test_a_pattern_names_cases(pattern: str, found: list[str]) -> None:
    assert [case.id for case in select(CASES, [pattern])] == found


def test_a_pattern_that_names_nothing_is_an_error() -> None:
    with pytest.raises(BadInputError, match="No case matches 'nothing'"):
        select(CASES, ["topic/twice", "nothing"])


def test_no_scenarios_are_no_success() -> None:
    with pytest.raises(BadInputError, match="There are no scenarios"):
        select([], [])


@given(st.text(max_size=20))
def test_any_text_is_a_pattern(pattern: str) -> None:
    assert matches(CASES[0], pattern) in (True, False)


def test_what_a_server_cannot_serve_is_told() -> None:
    planned = plan(
        [case("t/old", milvus="<2.0"), case("t/aliases", features=("aliases",)), case("t/fine", milvus=">=2.3")],
        server_version="2.3.5",
        features=EVERYTHING,
    )
    assert [case.id for case in planned.cases] == ["t/fine"]
    assert planned.not_applicable == {
        "t/old": "not supported by this server: it needs Milvus <2.0",
        "t/aliases": "not supported by this server: it lacks aliases",
    }


def test_a_server_without_databases_serves_nothing() -> None:
    planned = plan([case("t/a")], server_version="2.2.0", features=())
    assert planned.cases == ()
    assert "no databases" in planned.not_applicable["t/a"]


@given(
    st.lists(st.integers(0, 100), min_size=1, max_size=40, unique=True),
    st.integers(1, 9),
    st.dictionaries(st.integers(0, 100), st.floats(0, 100)),
)
def test_shards_are_parts_of_the_whole(numbers: list[int], count: int, seconds: dict[int, float]) -> None:
    cases = [case(f"t/c{number}") for number in numbers]
    known = {f"t/c{number}": time for number, time in seconds.items()}
    shards = [cases_of_shard(cases, index, count, known) for index in range(1, count + 1)]
    assert sorted(case.id for shard in shards for case in shard) == sorted(case.id for case in cases)
    for shard in shards:
        assert shard == [case for case in cases if case in shard], "the order is that of the whole"


def test_shards_take_about_the_same_time() -> None:
    cases = [case(f"t/c{number}") for number in range(6)]
    seconds = {"t/c0": 10.0, "t/c1": 4.0, "t/c2": 3.0, "t/c3": 3.0, "t/c4": 5.0, "t/c5": 5.0}
    loads = [sum(seconds[case.id] for case in cases_of_shard(cases, index, 3, seconds)) for index in (1, 2, 3)]
    assert sum(loads) == 30.0
    assert max(loads) <= 11.0

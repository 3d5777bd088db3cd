"""What the calls of a step say of the SDK that made them."""

from typing import Any

import pytest
from milvus_parity.model.wire import FieldDifference, RecordedCall
from milvus_parity.wire.summary import compare, of_step, origin, text, texts


def call(name: str = "DropPartition", *, status: int | None = 0, code: int | None = 0, **more: Any) -> RecordedCall:
    return RecordedCall(
        method=f"/milvus.proto.milvus.MilvusService/{name}", name=name, status=status, code=code, **more
    )


LOOKUP = call("HasPartition")
REFUSED = call(code=65535, error_code="UnexpectedError")
CONNECT = call("Connect", background=True)


@pytest.mark.parametrize(
    ("calls", "who"),
    [
        ([], "client"),
        ([CONNECT], "client"),
        ([CONNECT, REFUSED], "server"),
        ([LOOKUP], "client"),
        ([LOOKUP, REFUSED], "server"),
        ([call(code=None, error_code="UnexpectedError")], "server"),
        ([call(status=7, code=None)], "server"),
        ([call("Connect", background=True, status=16, code=None)], "server"),
        ([call("Connect", background=True, status=0, code=800)], "server"),
        ([call("ClientHeartbeat", background=True, status=12, code=None)], "client"),
        ([call("Connect", background=True, status=16, code=None), LOOKUP], "client"),
        ([call(status=None, code=None)], "client"),
        ([call(status=4, code=None)], "client"),
    ],
)
def test_who_refused(calls: list[RecordedCall], who: str) -> None:
    assert origin(calls) == who


def test_the_calls_of_a_step() -> None:
    calls = [call(step=1), call(step=2), call(step=None), call(step=2, stream=9)]
    assert of_step(calls, 2) == (calls[1], calls[3])


def test_a_call_as_people_read_it() -> None:
    made = call(request={"collection_name": "book", "partition_name": 'no"vel'}, metadata={"dbname": "mp_3"})
    assert (
        text(made, {"mp_3": "database"})
        == r'DropPartition(collection_name="book", partition_name="no\"vel") in database'
    )
    many = call("Search", request={"nq": 1, "ids": ["a"] * 9, "p": [{"k": True}]})
    assert text(many) == "Search(ids=[9 items], nq=1, p=[{k: true}])"
    wrapped = call("Insert", request={"rows": [{"scalars": {"long_data": {"data": [1, 2]}}, "type": "Int64"}]})
    assert text(wrapped) == 'Insert(rows=[{scalars.long_data.data: [1, 2], type: "Int64"}])'
    assert text(call("Dummy", request=[{}, {}], requests=2)) == "Dummy(2 messages)"


def test_the_facet_tells_retries_repeats_and_polls_apart() -> None:
    cut = call(status=14, code=None)
    assert texts([CONNECT, call(), CONNECT, call(), call()]) == ("DropPartition() ×3",)
    assert texts([cut, cut, call()]) == ("DropPartition() retried",)
    assert texts([cut]) == ("DropPartition()",)
    progress, state = call("GetLoadingProgress"), call("GetLoadState")
    assert texts([call("LoadPartitions"), progress, state, progress, progress, state]) == (
        "LoadPartitions()",
        "GetLoadingProgress()",
        "GetLoadState()",
    )
    assert texts([LOOKUP, call(), LOOKUP]) == ("HasPartition()", "DropPartition()", "HasPartition()")


def test_what_others_did_not_send_and_what_they_sent_otherwise() -> None:
    plain = {"collection_name": "book", "partition_name": "novel"}
    found = compare(
        {
            "go": [LOOKUP, call(request=plain, metadata={"dbname": "x1"})],
            "node": [call(request=plain | {"db_name": "y1"}, metadata={"dbname": "y1"}, deadline_ms=15000.0)],
            "csharp": [CONNECT, call(request=plain)],
        },
        {"go": {"x1": "database"}, "node": {"y1": "database"}},
    )
    lookup, drop = found
    assert (lookup.name, lookup.sent_by, lookup.not_sent_by, lookup.same) == (
        "HasPartition",
        ("go",),
        ("node", "csharp"),
        False,
    )
    assert (drop.name, drop.occurrence, drop.not_sent_by) == ("DropPartition", 1, ())
    assert drop.differences == (
        FieldDifference(path="db_name", values={"go": None, "node": '"database"', "csharp": None}),
        FieldDifference(path="deadline", values={"go": "none", "node": "set", "csharp": "none"}),
        FieldDifference(path="metadata dbname", values={"go": "database", "node": "database", "csharp": None}),
    )


def test_the_same_calls_are_the_same_however_often_one_polls() -> None:
    poll = call("GetLoadingProgress")
    found = compare({"a": [poll, poll, call()], "b": [poll, call()]})
    assert [one.name for one in found] == ["GetLoadingProgress", "DropPartition"]
    assert all(one.same for one in found)


def test_a_call_made_twice_by_one_is_compared_twice() -> None:
    found = compare({"a": [call(), call()], "b": [call()]})
    assert [(one.occurrence, one.not_sent_by) for one in found] == [(1, ()), (2, ("b",))]

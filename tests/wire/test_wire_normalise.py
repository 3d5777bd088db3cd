"""What differs by nature is taken out; all else stays."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from milvus_parity.model.wire import RecordedCall
from milvus_parity.wire.normalise import fields, normal_database, normal_metadata, normal_request

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


def call(request: Any = None, **more: Any) -> RecordedCall:
    return RecordedCall(method="/m.S/Any", name="Any", request=request, **more)


def test_ids_times_and_who_asked_are_no_part_of_it() -> None:
    request = {
        "base": {"msg_type": "DropPartition", "msgID": 7},
        "client_info": {"sdk_type": "Python", "host": "h"},
        "guarantee_timestamp": 5,
        "created_utc_timestamps": [1],
        "hash_keys": [1, 2],
        "collectionID": 44,
        "partitionIDs": [4, 5],
        "partition_names": ["novel"],
        "valid": True,
    }
    assert normal_request(call(request)) == {
        "collectionID": "(id)",
        "partitionIDs": ["(id)", "(id)"],
        "partition_names": ["novel"],
        "valid": True,
    }


def test_an_id_that_is_a_name_stays() -> None:
    assert normal_request(call({"collection_id": "book"})) == {"collection_id": "book"}


def test_databases_have_their_logical_names_wherever_they_stand() -> None:
    made = call({"db_name": "mp_1f_0", "filter": "x in mp_1f_0"}, metadata={"dbname": "mp_1f_0"})
    names = {"mp_1f_0": "database"}
    assert normal_request(made, names) == {"db_name": "database", "filter": "x in database"}
    assert normal_metadata(made, names) == {"dbname": "database"}
    assert normal_database(made, names) == "database"


def test_the_database_of_the_request_counts_before_that_of_the_connection() -> None:
    assert normal_database(call({"db_name": "b"}, metadata={"dbname": "a"})) == "b"
    assert normal_database(call({}, metadata={"dbname": "a"})) == "a"
    assert normal_database(call({})) is None


def test_request_ids_and_traces_are_no_part_of_the_metadata() -> None:
    noise = {"client-request-id": "1", "client-request-unixmsec": "2", "traceparent": "3"}
    assert normal_metadata(call(metadata={**noise, "identifier": "447", "authorization": "(redacted)"})) == {
        "authorization": "(redacted)",
        "identifier": "(id)",
    }


def test_paths_of_fields() -> None:
    value = {"a": 1, "b": [{"c": "x"}, {}], "d": {"e": []}}
    assert fields(value) == {"a": 1, "b[0].c": "x", "b[1]": {}, "d.e": []}


@given(JSON)
def test_normalising_again_changes_nothing(value: Any) -> None:
    once = normal_request(call(value))
    assert normal_request(call(once)) == once


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), JSON, max_size=4))
def test_every_leaf_has_a_path(value: dict[str, Any]) -> None:
    def leaves(part: Any) -> int:
        if isinstance(part, dict) and part:
            return sum(map(leaves, part.values()))
        if isinstance(part, list) and part:
            return sum(map(leaves, part))
        return 1

    keys_are_plain = all(not set(key) & set(".[]") and key for key in _keys(value))
    if keys_are_plain:
        assert len(fields(value)) == leaves(value)


def _keys(part: Any) -> list[str]:
    if isinstance(part, dict):
        return [*part, *(key for held in part.values() for key in _keys(held))]
    return [key for held in part for key in _keys(held)] if isinstance(part, list) else []


def test_the_order_of_columns_is_none() -> None:
    columns = [{"field_name": "vec", "type": "FloatVector"}, {"field_name": "id", "type": "Int64"}]
    one = normal_request(call({"fields_data": columns}))
    assert one == normal_request(call({"fields_data": columns[::-1]}))
    assert [column["field_name"] for column in one["fields_data"]] == ["id", "vec"]

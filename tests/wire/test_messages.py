"""Messages become plain values; what isn't known is kept, what is secret isn't."""

import gzip
import hashlib
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milvus_parity.wire.grpc_messages import KEEP_BYTES, WireMessage
from milvus_parity.wire.messages import (
    MAX_ITEMS,
    decode_request,
    decode_response,
    has_status,
    method_types,
    milvus_status,
)
from pymilvus.grpc_gen import common_pb2, milvus_pb2, schema_pb2
from wire_fakes import DROP

SERVICE = "/milvus.proto.milvus.MilvusService/"


def wire(body: bytes, *, size: int | None = None, compressed: bool = False, sha256: str | None = None) -> WireMessage:
    return WireMessage(
        head=body, size=len(body) if size is None else size, received=len(body), compressed=compressed, sha256=sha256
    )


def test_enums_are_names_and_zero_values_are_absent() -> None:
    request = milvus_pb2.ShowPartitionsRequest(collection_name="book", type=milvus_pb2.ShowType.InMemory)
    assert decode_request(f"{SERVICE}ShowPartitions", wire(request.SerializeToString()), None) == {
        "collection_name": "book",
        "type": "InMemory",
    }
    assert decode_request(DROP, wire(b""), None) == {}


def test_fields_that_pymilvus_does_not_know_are_kept_with_number_and_wire_type() -> None:
    body = milvus_pb2.DropPartitionRequest(partition_name="novel").SerializeToString()
    newer = body + b"\xc2\x3e\x03new" + b"\xc8\x3e\x07" + b"\xc8\x3e\x08" + b"\xd5\x3e\x01\x00\x00\x00"
    assert decode_request(DROP, wire(newer), None) == {
        "partition_name": "novel",
        "?1000:bytes": "new",
        "?1001:varint": [7, 8],
        "?1002:fixed32": 1,
    }


def test_a_method_that_pymilvus_does_not_know_is_told_by_size_and_hash() -> None:
    sha256 = hashlib.sha256(b"anything").hexdigest()
    assert decode_request("/new.Service/Method", wire(b"anything"), None) == {
        "(undecoded)": f"8 bytes, sha256 {sha256}"
    }


def test_bytes_that_are_no_message_are_told_with_the_reason() -> None:
    value = decode_request(DROP, wire(b"\xff\xff\xff"), None)
    assert set(value) == {"(undecoded)", "(problem)"}


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_messages(encoding: str, compress: object) -> None:
    assert callable(compress)
    body = milvus_pb2.DropPartitionRequest(collection_name="book" * 100).SerializeToString()
    message = wire(compress(body), compressed=True)
    assert decode_request(DROP, message, encoding) == {"collection_name": "book" * 100}


def test_a_compression_that_cannot_be_read() -> None:
    value = decode_request(DROP, wire(b"x", compressed=True), "snappy")
    assert value["(problem)"] == "ValueError: compressed with snappy, which can't be read here"


def test_a_compressed_message_does_not_grow_without_limit() -> None:
    bomb = zlib.compress(milvus_pb2.DropPartitionRequest(collection_name="x" * 50_000_000).SerializeToString())
    value = decode_request(DROP, wire(bomb, compressed=True), "deflate")
    assert "(cut)" in value
    assert len(json.dumps(value)) < 1000


def test_of_a_message_that_was_not_kept_whole_the_first_fields_are_shown() -> None:
    request = milvus_pb2.InsertRequest(collection_name="book", partition_name="novel", num_rows=5)
    vectors = schema_pb2.FieldData(field_name="vec")
    vectors.vectors.dim = 4
    vectors.vectors.float_vector.data.extend([0.5] * 100_000)
    request.fields_data.append(vectors)
    body = request.SerializeToString()
    head = WireMessage(head=body[:KEEP_BYTES], size=len(body), received=len(body), sha256="abc")
    value = decode_request(f"{SERVICE}Insert", head, None)
    assert (value["collection_name"], value["partition_name"]) == ("book", "novel")
    assert value["(cut)"] == f"{len(body)} bytes, sha256 abc"


def test_long_vectors_are_told_by_their_first_items_length_and_hash() -> None:
    data = schema_pb2.FieldData(field_name="vec")
    data.vectors.float_vector.data.extend(float(number) for number in range(1000))
    request = milvus_pb2.InsertRequest(fields_data=[data])
    value = decode_request(f"{SERVICE}Insert", wire(request.SerializeToString()), None)
    items = value["fields_data"][0]["vectors"]["float_vector"]["data"]
    assert items[:2] == [0.0, 1.0]
    assert len(items) == MAX_ITEMS + 1
    assert items[-1].startswith("(1000 values, sha256 ")


def test_the_schema_inside_create_collection_is_decoded_and_pairs_are_a_dict() -> None:
    schema = schema_pb2.CollectionSchema(
        name="book",
        fields=[
            schema_pb2.FieldSchema(
                name="vec",
                data_type=schema_pb2.DataType.FloatVector,
                type_params=[common_pb2.KeyValuePair(key="dim", value="4")],
            )
        ],
    )
    request = milvus_pb2.CreateCollectionRequest(collection_name="book", schema=schema.SerializeToString())
    value = decode_request(f"{SERVICE}CreateCollection", wire(request.SerializeToString()), None)
    assert value["schema"]["fields"] == [{"name": "vec", "data_type": "FloatVector", "type_params": {"dim": "4"}}]


def test_pairs_whose_key_comes_twice_stay_a_list() -> None:
    twice = [common_pb2.KeyValuePair(key="k", value=value) for value in ("1", "2")]
    request = milvus_pb2.CreateIndexRequest(extra_params=twice)
    value = decode_request(f"{SERVICE}CreateIndex", wire(request.SerializeToString()), None)
    assert value["extra_params"] == [{"key": "k", "value": "1"}, {"key": "k", "value": "2"}]


def test_numbers_that_json_cannot_say() -> None:
    data = schema_pb2.FieldData()
    data.vectors.float_vector.data.extend([float("inf"), float("nan")])
    request = milvus_pb2.InsertRequest(fields_data=[data])
    value = decode_request(f"{SERVICE}Insert", wire(request.SerializeToString()), None)
    assert value["fields_data"][0]["vectors"]["float_vector"]["data"] == ["inf", "nan"]


def test_status_of_a_response_and_of_a_bare_one() -> None:
    bare = common_pb2.Status(code=100, error_code=common_pb2.ErrorCode.CollectionNotExists, reason="no book")
    value = decode_response(DROP, wire(bare.SerializeToString()), None)
    assert milvus_status(value) == (100, "CollectionNotExists", "no book")
    inside = milvus_pb2.BoolResponse(status=bare)
    value = decode_response(f"{SERVICE}HasPartition", wire(inside.SerializeToString()), None)
    assert milvus_status(value) == (100, "CollectionNotExists", "no book")
    assert milvus_status({}) == (0, "Success", None)
    assert milvus_status(None) == (None, None, None)


def test_which_methods_answer_with_a_status() -> None:
    assert has_status(DROP)
    assert has_status(f"{SERVICE}HasPartition")
    assert not has_status("/new.Service/Method")
    assert len(method_types()) > 80


@given(st.sampled_from(["DropPartition", "Insert", "CreateCollection", "Search", "Connect"]), st.binary(max_size=300))
def test_any_bytes_at_all_become_json(method: str, body: bytes) -> None:
    value = decode_request(SERVICE + method, wire(body), None)
    assert isinstance(value, dict)
    json.dumps(value, allow_nan=False)


@given(st.binary(max_size=200), st.integers(1, 100))
def test_any_cut_message_becomes_json(body: bytes, missing: int) -> None:
    value = decode_request(f"{SERVICE}Insert", wire(body, size=len(body) + missing, sha256="s"), None)
    json.dumps(value, allow_nan=False)

"""Records have all of a call but its credentials."""

import base64
from typing import Any

import jsonschema
import msgspec
import pytest
from milvus_parity.model.wire import RecordedCall, schema
from milvus_parity.wire.decode import Side
from milvus_parity.wire.records import RAW_BYTES, deadline_ms, to_record
from milvus_parity.wire.redact import is_secret, redact
from pymilvus.grpc_gen import common_pb2, milvus_pb2
from wire_fakes import DROP, Script

SERVICE = "/milvus.proto.milvus.MilvusService/"
SECRET = "hunter2-hunter2"


def record(path: str, body: bytes, *, extra: list[tuple[str, str]] | None = None, answer: Any = None) -> RecordedCall:
    script = Script()
    script.request(1, path, body, extra or [])
    if answer is not None:
        script.answer(1, *answer)
    (call,), decoder = script.decode()
    assert decoder.problem is None
    return to_record(call, 4)


def line(call: RecordedCall) -> bytes:
    text = msgspec.json.encode(call)
    jsonschema.validate(msgspec.json.decode(text), schema())
    assert msgspec.json.decode(text, type=RecordedCall) == call
    return text


def test_a_call_with_a_milvus_status() -> None:
    status = common_pb2.Status(code=65535, error_code=common_pb2.ErrorCode.UnexpectedError, reason="is loaded")
    call = record(
        DROP, b"", extra=[("grpc-timeout", "15S"), ("user-agent", "grpc-go/1")], answer=(status.SerializeToString(),)
    )
    assert (call.status, call.code, call.error_code, call.reason) == (0, 65535, "UnexpectedError", "is loaded")
    assert (call.deadline_ms, call.user_agent, call.connection, call.reset) == (15_000.0, "grpc-go/1", 4, None)
    line(call)


def test_a_success_has_code_0() -> None:
    call = record(DROP, b"", answer=(b"",))
    assert (call.code, call.error_code, call.reason) == (0, "Success", None)


def test_a_call_that_grpc_refused_has_no_milvus_code() -> None:
    script = Script()
    script.request(1)
    headers = [(":status", "200"), ("grpc-status", "16"), ("grpc-message", "n%C3%B1o 100%25")]
    script.headers(Side.SERVER, 1, headers, end=True)
    call = to_record(script.decode()[0][0], 0)
    assert (call.status, call.status_message, call.code, call.responses) == (16, "nño 100%", None, 0)
    line(call)


def test_a_call_that_was_never_answered() -> None:
    call = record(DROP, b"")
    assert (call.status, call.code, call.reset) == (None, None, "connection lost")
    line(call)


def test_an_answer_that_is_no_grpc() -> None:
    script = Script()
    script.request(1)
    script.headers(Side.SERVER, 1, [(":status", "503"), ("content-type", "text/html")])
    script.data(Side.SERVER, 1, b"<html>", end=True)
    call = to_record(script.decode()[0][0], 0)
    assert (call.status, call.reset) == (None, "HTTP 503 without a gRPC status")
    line(call)


@pytest.mark.parametrize(
    ("timeout", "milliseconds"),
    [
        ("1H", 3.6e6),
        ("2M", 1.2e5),
        ("3S", 3e3),
        ("99999999n", 99.999999),
        ("5u", 0.005),
        ("15m", 15.0),
        ("x", None),
        ("", None),
        ("-1S", None),
    ],
)
def test_deadlines(timeout: str, milliseconds: float | None) -> None:
    found = deadline_ms(timeout.encode())
    assert found == (None if milliseconds is None else pytest.approx(milliseconds))
    assert deadline_ms(None) is None


def test_plumbing_is_left_out_and_repeated_keys_are_joined() -> None:
    extra = [
        ("te", "trailers"),
        ("grpc-accept-encoding", "gzip"),
        ("k", "1"),
        ("k", "2"),
        ("grpc-previous-rpc-attempts", "2"),
    ]
    assert record(DROP, b"", extra=extra).metadata == {"k": "1, 2", "grpc-previous-rpc-attempts": "2"}


@pytest.mark.parametrize(
    "key", ["authorization", "token", "x-auth-token", "api-key", "x-api-key", "cookie", "password"]
)
def test_credentials_in_metadata_are_never_written(key: str) -> None:
    call = record(DROP, b"", extra=[(key, SECRET)])
    assert call.metadata[key] == "(redacted)"
    assert SECRET.encode() not in line(call)


@pytest.mark.parametrize(
    ("method", "request_message"),
    [
        ("CreateCredential", milvus_pb2.CreateCredentialRequest(username="u", password=SECRET)),
        ("UpdateCredential", milvus_pb2.UpdateCredentialRequest(username="u", oldPassword=SECRET, newPassword=SECRET)),
        (
            "AlterDatabase",
            milvus_pb2.AlterDatabaseRequest(properties=[common_pb2.KeyValuePair(key="access_key", value=SECRET)]),
        ),
        (
            "CreateIndex",
            milvus_pb2.CreateIndexRequest(
                extra_params=[common_pb2.KeyValuePair(key="secret", value=value) for value in (SECRET, "other")]
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_credentials_in_messages_are_never_written(method: str, request_message: Any) -> None:
    body = request_message.SerializeToString()
    call = record(SERVICE + method, body, answer=(body,))
    text = line(call)
    assert SECRET.encode() not in text
    assert call.request_base64 is None
    assert b"(redacted)" in text


def test_what_a_newer_credential_call_carries_is_not_shown_either() -> None:
    unknown = b"\xc2\x3e" + bytes([len(SECRET)]) + SECRET.encode()
    for path in (f"{SERVICE}UpdateCredential", f"{SERVICE}RotateApiKeyCredential"):
        call = record(path, unknown)
        assert SECRET.encode() not in line(call)
        assert call.request_base64 is None


def test_a_request_that_could_not_be_decoded_is_not_kept_as_sent() -> None:
    assert record("/new.Service/Method", SECRET.encode()).request_base64 is None
    assert record(DROP, b"\xff" + SECRET.encode()).request_base64 is None


def test_requests_are_kept_for_replaying_when_they_are_small_and_in_the_foreground() -> None:
    body = milvus_pb2.DropPartitionRequest(partition_name="novel").SerializeToString()
    assert base64.b64decode(record(DROP, body).request_base64 or "") == body
    assert record(DROP, b"\x1a\xff\x7f" + b"x" * (RAW_BYTES + 1)).request_base64 is None
    connect = record(f"{SERVICE}Connect", milvus_pb2.ConnectRequest().SerializeToString())
    assert connect.background
    assert connect.request_base64 is None


@pytest.mark.parametrize(
    "path",
    [
        "/grpc.health.v1.Health/Check",
        f"{SERVICE}GetVersion",
        "/milvus.proto.milvus.ClientTelemetryService/ClientHeartbeat",
    ],
)
def test_the_sdks_own_business_is_in_the_background(path: str) -> None:
    assert record(path, b"").background


def test_a_stream_of_messages_is_a_list() -> None:
    script = Script()
    script.headers(Side.CLIENT, 1, [(":path", DROP)])
    for _ in range(40):
        script.data(Side.CLIENT, 1, b"\0\0\0\0\x07\x1a\x05novel"[:12])
    call = to_record(script.decode()[0][0], 0)
    assert call.requests == 40
    assert call.request[0] == {"collection_name": "novel"}
    assert call.request[-1] == {"(cut)": "40 messages, the first 16 shown"}
    line(call)


def test_names_of_secrets() -> None:
    assert all(
        map(is_secret, ["Authorization", "oldPassword", "newPassword", "token", "secret_access_key", "x-milvus-token"])
    )
    assert not any(map(is_secret, ["dbname", "collection_name", "partition_name", "hash_keys", "key", "reason"]))


def test_redacting_leaves_the_rest_as_it_was() -> None:
    value = {"a": [{"password": "p", "x": 1}], "token": "", "b": None}
    assert redact(value) == {"a": [{"password": "(redacted)", "x": 1}], "token": "", "b": None}

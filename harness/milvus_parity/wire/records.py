"""Makes the record of a call from what was read off the wire. Credentials end here."""

import base64
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote_to_bytes

from milvus_parity.model.wire import REDACTED, RecordedCall, Value
from milvus_parity.wire.decode import Headers, WireCall
from milvus_parity.wire.grpc_messages import MessageReader, WireMessage
from milvus_parity.wire.messages import decode_request, decode_response, has_status, milvus_status
from milvus_parity.wire.redact import contains_redacted, is_secret, is_secret_method, redact

RAW_BYTES: Final = 4 * 1024
"""Requests up to this size are kept as sent, for replaying."""

BACKGROUND: Final = frozenset(
    {
        "Connect",
        "GetVersion",
        "CheckHealth",
        "GetComponentStates",
        "ClientHeartbeat",
        "PushClientCommand",
        "AllocTimestamp",
        "ServerReflectionInfo",
        "Check",
        "Watch",
    }
)
"""Names of methods that SDKs call on their own account: to introduce themselves, to see whether the server lives."""

_PLUMBING: Final = frozenset({"te", "content-type", "user-agent", "accept-encoding", "content-length", "date"})
_Decode = Callable[[str, WireMessage, str | None], Value]
_UNITS: Final = {"H": 3_600_000.0, "M": 60_000.0, "S": 1_000.0, "m": 1.0, "u": 1e-3, "n": 1e-6}


def to_record(call: WireCall, connection: int) -> RecordedCall:
    """Make the record of a call. Raises nothing that the recorder doesn't catch."""
    headers = dict(call.headers)
    method = _text(headers.get(b":path", b""))
    encoding = _optional(headers.get(b"grpc-encoding"))
    answered = dict(call.response_headers)
    response = _messages(method, call.response, _optional(answered.get(b"grpc-encoding")), decode_response)
    end = answered | dict(call.trailers)
    code, legacy, reason = milvus_status(response) if call.response.count == 1 and has_status(method) else (None,) * 3
    status = _number(end.get(b"grpc-status"))
    name = method.rpartition("/")[2]
    background = name in BACKGROUND or method.startswith("/grpc.health.")
    request = redact(_messages(method, call.request, encoding, decode_request))
    return RecordedCall(
        method=method,
        name=name,
        step=call.step,
        background=background,
        connection=connection,
        stream=call.stream,
        user_agent=_optional(headers.get(b"user-agent")),
        metadata=metadata(call.headers),
        deadline_ms=deadline_ms(headers.get(b"grpc-timeout")),
        encoding=encoding,
        request=request,
        requests=call.request.count,
        request_size=call.request.size,
        request_sha256=_large(call.request),
        request_base64=None if background else _raw(method, call.request, request),
        response=redact(response),
        responses=call.response.count,
        response_size=call.response.size,
        response_sha256=_large(call.response),
        status=status,
        status_message=_message(end.get(b"grpc-message")),
        code=code,
        error_code=legacy,
        reason=reason,
        reset=None if status is not None else call.reset or _http_status(end),
        started=round(call.started, 6),
        ended=None if call.ended is None else round(call.ended, 6),
    )


def metadata(headers: Headers) -> dict[str, str]:
    """Request metadata without plumbing and credentials; a key that came twice has its values joined by a comma."""
    kept: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name = _text(raw_name)
        if name.startswith(":") or name in _PLUMBING or (name.startswith("grpc-") and "attempts" not in name):
            continue
        value = REDACTED if is_secret(name) else _text(raw_value)
        kept[name] = f"{kept[name]}, {value}" if name in kept else value
    return kept


def deadline_ms(timeout: bytes | None) -> float | None:
    """Milliseconds of a grpc-timeout header; None where there is none or it can't be read."""
    if timeout is None:
        return None
    digits, unit = _text(timeout[:-1]), _text(timeout[-1:])
    return int(digits) * _UNITS[unit] if digits.isascii() and digits.isdigit() and unit in _UNITS else None


def _messages(method: str, reader: MessageReader, encoding: str | None, decode: _Decode) -> Value:
    values = [decode(method, message, encoding) for message in reader.kept]
    if reader.count <= 1:
        return values[0] if values else None
    if reader.count > len(values):
        values.append({"(cut)": f"{reader.count} messages, the first {len(values)} shown"})
    return values


def _http_status(answer: dict[bytes, bytes]) -> str | None:
    """What answered was no gRPC: a proxy, or a server of another kind."""
    status = _number(answer.get(b":status"))
    return None if status is None else f"HTTP {status} without a gRPC status"


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _optional(raw: bytes | None) -> str | None:
    return None if raw is None else _text(raw)


def _number(raw: bytes | None) -> int | None:
    return int(raw) if raw is not None and raw.isdigit() else None


def _message(raw: bytes | None) -> str | None:
    return None if raw is None else _text(unquote_to_bytes(raw))


def _large(reader: MessageReader) -> str | None:
    return next((message.sha256 for message in reader.kept if message.sha256), None)


def _raw(method: str, reader: MessageReader, shown: Value) -> str | None:
    """The request as sent; None where it has, or may have, a credential, and where replaying it makes no sense."""
    if reader.count != 1 or is_secret_method(method) or not isinstance(shown, dict):
        return None
    if "(undecoded)" in shown or contains_redacted(shown):
        return None
    message: WireMessage = reader.kept[0]
    if not message.whole or message.size > RAW_BYTES or message.compressed:
        return None
    return base64.b64encode(message.head).decode()

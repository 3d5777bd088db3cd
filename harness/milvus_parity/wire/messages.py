"""Decodes gRPC messages with the Milvus descriptors of pymilvus into values that JSON can say.

The descriptors are loaded when the first message is decoded, not at import. A field that they don't know is kept under
``?NUMBER:WIRETYPE``; a message of an unknown method is told by size and hash only.
"""

import base64
import functools
import hashlib
import math
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from milvus_parity.model.wire import REDACTED, Value
from milvus_parity.wire.grpc_messages import WireMessage
from milvus_parity.wire.redact import is_secret, is_secret_method

MAX_ITEMS = 64
"""Numbers of a repeated scalar field (vectors, ids) that are shown one by one."""

MAX_BYTES_SHOWN = 64
"""Bytes of a bytes field that are shown; longer ones are told by size and hash."""

MAX_INFLATED = 1 << 20
"""Bytes to which a compressed message may grow when it is decoded."""

MAX_DEPTH = 32

_SUCCESS = "Success"


@dataclass(frozen=True, slots=True)
class MethodTypes:
    """Message classes of a method."""

    request: Callable[[], Any]
    response: Callable[[], Any]


@functools.cache
def method_types() -> dict[str, MethodTypes]:
    """Message classes of all methods that pymilvus knows, by full path."""
    from google.protobuf import message_factory
    from pymilvus.grpc_gen import milvus_pb2

    found = {}
    for service in milvus_pb2.DESCRIPTOR.services_by_name.values():
        for method in service.methods:
            found[f"/{service.full_name}/{method.name}"] = MethodTypes(
                message_factory.GetMessageClass(method.input_type),
                message_factory.GetMessageClass(method.output_type),
            )
    return found


def decode_request(method: str, message: WireMessage, encoding: str | None) -> Value:
    """Decode a request; never raises. ``encoding`` is the stream's grpc-encoding."""
    types = method_types().get(method)
    return _decode(types.request if types else None, method, message, encoding)


def decode_response(method: str, message: WireMessage, encoding: str | None) -> Value:
    """Decode a response; never raises."""
    types = method_types().get(method)
    return _decode(types.response if types else None, method, message, encoding)


def milvus_status(value: Value) -> tuple[int | None, str | None, str | None]:
    """Code, legacy error_code and reason of a decoded response's status; None where it has none.

    ``value`` is the response or the status itself (DropPartition answers with a bare one). Success is code 0 and
    "Success": both are zero values, which protobuf doesn't send.
    """
    if not isinstance(value, dict):
        return None, None, None
    status = value.get("status", value)
    if not isinstance(status, dict):
        return None, None, None
    code = status.get("code", 0)
    legacy = status.get("error_code", _SUCCESS)
    return (code if isinstance(code, int) else None), str(legacy), status.get("reason")


def has_status(method: str) -> bool:
    """Whether a method's response is a Milvus status or has one."""
    types = method_types().get(method)
    if types is None:
        return False
    descriptor = types.response.DESCRIPTOR  # type: ignore[attr-defined]
    return descriptor.full_name == "milvus.proto.common.Status" or "status" in descriptor.fields_by_name


def _decode(kind: Callable[[], Any] | None, method: str, message: WireMessage, encoding: str | None) -> Value:
    opaque = {"(undecoded)": _digest(message)}
    try:
        data, whole = _inflate(message, encoding)
        if kind is None:
            return opaque
        parsed = kind()
        parsed.ParseFromString(data if whole else data[: _whole_fields(data)])
        value = _Plain(secret=is_secret_method(method)).message(parsed)
    except Exception as error:  # what the SDK sent may be anything; a fault here isn't one of the run
        return opaque | {"(problem)": f"{type(error).__name__}: {error}"}
    if not whole:
        value["(cut)"] = _digest(message)
    return value


def _digest(message: WireMessage) -> str:
    if not message.size:
        return "0 bytes"
    sha256 = message.sha256 or hashlib.sha256(message.head).hexdigest()
    came = "" if message.received == message.size else f", {message.received} of them came"
    return f"{message.size} bytes{came}, sha256 {sha256}"


def _inflate(message: WireMessage, encoding: str | None) -> tuple[bytes, bool]:
    """Return the message's bytes, and whether they are all."""
    if not message.compressed:
        return message.head, message.whole
    if encoding == "gzip":
        inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    elif encoding == "deflate":
        inflater = zlib.decompressobj()
    else:
        raise ValueError(f"compressed with {encoding}, which can't be read here")
    data = inflater.decompress(message.head, MAX_INFLATED)
    return data, message.whole and inflater.eof


def _whole_fields(data: bytes) -> int:
    """Length of the longest prefix of a cut message that consists of whole fields."""
    position = 0
    while True:
        tag, after = _varint(data, position)
        if after is None:
            return position
        wire_type = tag & 7
        if wire_type == 0:
            end = _varint(data, after)[1]
        elif wire_type == 1:
            end = after + 8
        elif wire_type == 2:
            length, start = _varint(data, after)
            end = None if start is None else start + length
        elif wire_type == 5:
            end = after + 4
        else:
            return position
        if end is None or end > len(data):
            return position
        position = end


def _varint(data: bytes, position: int) -> tuple[int, int | None]:
    """Value and end of a varint; the end is None where it is cut."""
    value = shift = 0
    for index in range(position, min(position + 10, len(data))):
        value |= (data[index] & 0x7F) << shift
        if data[index] < 0x80:
            return value, index + 1
        shift += 7
    return 0, None


class _Plain:
    """Makes plain values of messages; ``secret``: nothing undecoded may be shown."""

    def __init__(self, *, secret: bool) -> None:
        self._secret = secret

    def message(self, message: Any, depth: int = 0) -> dict[str, Value]:
        if depth > MAX_DEPTH:
            return {"(problem)": f"nested deeper than {MAX_DEPTH}"}
        fields: dict[str, Value] = {}
        for descriptor, value in message.ListFields():
            fields[descriptor.name] = self._field(descriptor, value, depth)
        fields |= self._unknown(message, depth)
        return fields

    def _field(self, descriptor: Any, value: Any, depth: int) -> Value:
        kind = descriptor.message_type
        if kind is None and is_secret(descriptor.name):
            return REDACTED
        if kind is not None and kind.GetOptions().map_entry:
            inner = kind.fields_by_name["value"]
            return {
                str(key): REDACTED if is_secret(str(key)) else self._one(inner, item, depth)
                for key, item in sorted(value.items(), key=lambda pair: str(pair[0]))
            }
        if not _repeated(descriptor):
            return self._one(descriptor, value, depth)
        if kind is None:
            return self._scalars(descriptor, value)
        items = [self.message(item, depth + 1) for item in value[:MAX_ITEMS]]
        if kind.full_name == "milvus.proto.common.KeyValuePair":
            return _pairs(items)
        if len(value) > MAX_ITEMS:
            rest = hashlib.sha256(b"".join(item.SerializeToString(deterministic=True) for item in value)).hexdigest()
            items.append({"(cut)": f"{len(value)} items, sha256 {rest}"})
        return items

    def _scalars(self, descriptor: Any, value: Any) -> Value:
        items = [_scalar(descriptor, item) for item in value[:MAX_ITEMS]]
        if len(value) > MAX_ITEMS:
            rest = hashlib.sha256(repr(list(value)).encode()).hexdigest()
            items.append(f"({len(value)} values, sha256 {rest})")
        return items

    def _one(self, descriptor: Any, value: Any, depth: int) -> Value:
        if descriptor.message_type is not None:
            return self.message(value, depth + 1)
        if descriptor.name == "schema" and isinstance(value, bytes):
            return self._schema(value, depth)
        return _scalar(descriptor, value)

    def _schema(self, data: bytes, depth: int) -> Value:
        """CreateCollection carries its schema as the bytes of another message."""
        from google.protobuf.message import DecodeError
        from pymilvus.grpc_gen import schema_pb2

        try:
            return self.message(schema_pb2.CollectionSchema.FromString(data), depth + 1)
        except DecodeError:
            return _bytes(data)

    def _unknown(self, message: Any, depth: int) -> dict[str, Value]:
        from google.protobuf.unknown_fields import UnknownFieldSet

        return _unknown_fields(UnknownFieldSet(message), self._secret, depth)


def _repeated(descriptor: Any) -> bool:
    return bool(descriptor.is_repeated)


_WIRE_TYPES = {0: "varint", 1: "fixed64", 2: "bytes", 3: "group", 5: "fixed32"}


def _unknown_fields(found: Iterable[Any], secret: bool, depth: int) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    for item in found:
        name = f"?{item.field_number}:{_WIRE_TYPES.get(item.wire_type, item.wire_type)}"
        if secret:
            value: Value = REDACTED
        elif item.wire_type == 3:
            value = _unknown_fields(item.data, secret, depth + 1) if depth < MAX_DEPTH else "(nested too deep)"
        elif isinstance(item.data, bytes):
            value = _bytes(item.data)
        else:
            value = item.data
        if name in fields:
            earlier = fields[name]
            fields[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
        else:
            fields[name] = value
    return fields


def _pairs(items: list[dict[str, Value]]) -> Value:
    """Key-value pairs as a dict, whose order nobody means; as they are where a key comes twice."""
    pairs = [(str(item.get("key", "")), item.get("value", "")) for item in items]
    hidden = [(key, REDACTED if is_secret(key) and value else value) for key, value in pairs]
    if len({key for key, _ in pairs}) == len(pairs) and all(set(item) <= {"key", "value"} for item in items):
        return dict(sorted(hidden))
    return [item | {"value": value} for item, (_, value) in zip(items, hidden, strict=True)]


def _scalar(descriptor: Any, value: Any) -> Value:
    if descriptor.enum_type is not None:
        known = descriptor.enum_type.values_by_number.get(value)
        return known.name if known is not None else value
    if isinstance(value, bytes):
        return _bytes(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _bytes(data: bytes) -> str:
    """Bytes as text where they are text, else in base64; long ones by size and hash."""
    if len(data) > MAX_BYTES_SHOWN:
        return f"({len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()})"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(data).decode()
    return text if text.isprintable() else "base64:" + base64.b64encode(data).decode()

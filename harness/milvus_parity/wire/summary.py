"""What the recorded calls of a step say: who refused, what was sent, how SDKs differ in it.

Pure: recorded calls in, values out. A recording that isn't whole says nothing: ask ``Recording.complete`` first.
"""

import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Final, Literal

from milvus_parity.model.wire import CallComparison, FieldDifference, RecordedCall, Value
from milvus_parity.wire.normalise import fields, normal_database, normal_metadata, normal_request

POLLS: Final = frozenset(
    {
        "GetLoadState",
        "GetLoadingProgress",
        "GetIndexState",
        "GetIndexBuildProgress",
        "DescribeIndex",
        "GetFlushState",
        "GetFlushAllState",
        "GetCompactionState",
        "GetImportState",
        "ShowCollections",
        "ShowPartitions",
    }
)
"""Methods that SDKs ask again until something is done. How often is a matter of time, not of behaviour."""

MAX_ITEMS: Final = 4
"""Items of a list that are shown in a call's text."""

_UNIMPLEMENTED: Final = 12
_TRANSPORT: Final = frozenset({None, 1, 4, 14})
"""gRPC statuses by which no server refuses: none, CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE."""


def of_step(calls: Iterable[RecordedCall], step: int | None) -> tuple[RecordedCall, ...]:
    """The calls of a step, in the order in which they were sent."""
    return tuple(call for call in calls if call.step == step)


def failed(call: RecordedCall) -> bool:
    """Whether the call did not succeed, for whatever reason."""
    return call.status != 0 or bool(call.code) or call.error_code not in (None, "Success")


def refused(call: RecordedCall) -> bool:
    """Whether the server said no; a call that was cut off, or met its deadline, wasn't refused by anybody."""
    return failed(call) and call.status not in _TRANSPORT


def origin(calls: Iterable[RecordedCall]) -> Literal["client", "server"]:
    """Who refused a step that was refused, from the step's calls.

    The server, when it refused one of them. Where the SDK made no other calls than its own, these count: a wrong
    password is met by Connect, while a server that doesn't know a method has refused nothing. Else the client: it sent
    nothing, or made up its mind after calls that went well.
    """
    found = tuple(calls)
    foreground = [call for call in found if not call.background]
    counting = foreground or [call for call in found if call.status != _UNIMPLEMENTED]
    return "server" if any(refused(call) for call in counting) else "client"


def texts(calls: Iterable[RecordedCall], names: Mapping[str, str] = {}) -> tuple[str, ...]:
    """The facet ``calls``: one text a call, without the SDK's own. ``names``: real -> logical names of databases.

    Calls that are the same and follow each other become one text: ``×3`` where each was answered, ``retried`` where an
    earlier one failed. Those that only ask whether something is done are told once, where they first came.
    """
    foreground = [(text(call, names), call) for call in calls if not call.background]
    asked = {said for said, call in foreground if call.name in POLLS}
    found: list[str] = []
    for said, group in groupby(foreground, key=lambda pair: pair[0]):
        same = [call for _, call in group]
        if said in asked:
            if said not in found:
                found.append(said)
        elif len(same) == 1:
            found.append(said)
        elif any(failed(call) for call in same[:-1]):
            found.append(f"{said} retried")
        else:
            found.append(f"{said} ×{len(same)}")
    return tuple(found)


def text(call: RecordedCall, names: Mapping[str, str] = {}) -> str:
    """A call as people read it: ``DropPartition(collection_name="book", partition_name="novel") in database``."""
    request = normal_request(call, names)
    arguments = f"{call.requests} messages" if isinstance(request, list) else ""
    if isinstance(request, dict):
        arguments = ", ".join(f"{key}={_short(value)}" for key, value in request.items())
    database = normal_database(call, names)
    return f"{call.name}({arguments})" + (f" in {database}" if database else "")


def compare(
    calls: Mapping[str, Iterable[RecordedCall]], names: Mapping[str, Mapping[str, str]] = {}
) -> tuple[CallComparison, ...]:
    """Compare what targets sent in a step, field by field.

    ``calls``: target -> the step's calls; ``names``: target -> real -> logical names of databases. The first
    DropPartition of one is compared with the first of the others, and so on; polls are compared once.
    """
    sent: dict[tuple[str, int], dict[str, dict[str, str]]] = {}
    for target, made in calls.items():
        seen: dict[str, int] = {}
        for call in made:
            if call.background or (call.name in POLLS and call.name in seen):
                continue
            seen[call.name] = seen.get(call.name, 0) + 1
            sent.setdefault((call.name, seen[call.name]), {})[target] = _fields_of(call, names.get(target, {}))
    found = []
    for (name, occurrence), by_target in sent.items():
        paths = sorted({path for values in by_target.values() for path in values})
        differing = tuple(
            FieldDifference(path=path, values={target: values.get(path) for target, values in by_target.items()})
            for path in paths
            if len({values.get(path) for values in by_target.values()}) > 1
        )
        found.append(
            CallComparison(
                name=name,
                occurrence=occurrence,
                sent_by=tuple(by_target),
                not_sent_by=tuple(target for target in calls if target not in by_target),
                differences=differing,
            )
        )
    return tuple(found)


def _fields_of(call: RecordedCall, names: Mapping[str, str]) -> dict[str, str]:
    """All that is compared of a call, by path."""
    request = normal_request(call, names)
    found = {path: _json(value) for path, value in fields(request).items() if path}
    found |= {f"metadata {key}": value for key, value in normal_metadata(call, names).items()}
    found["deadline"] = "none" if call.deadline_ms is None else "set"
    if call.encoding:
        found["encoding"] = call.encoding
    return found


def _short(value: Value) -> str:
    if isinstance(value, list) and len(value) > MAX_ITEMS:
        return f"[{len(value)} items]"
    if isinstance(value, list):
        return "[" + ", ".join(_short(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(_entry(key, held) for key, held in value.items()) + "}"
    return _json(value)


def _entry(key: str, value: Value) -> str:
    """A field of a nested message; messages that only wrap another (``scalars.long_data.data``) share one line."""
    while isinstance(value, dict) and len(value) == 1:
        inner, value = next(iter(value.items()))
        key = f"{key}.{inner}"
    return f"{key}: {_short(value)}"


def _json(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)

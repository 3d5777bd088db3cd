"""JSON Schemas of the files of a run folder."""

from typing import Any

import msgspec

from milvus_parity.model.run import Footer, Program, RunHeader
from milvus_parity.model.trace import Trace
from milvus_parity.store.files import CALLS, FOOTER, HEADER, PROGRAMS, TRACES, WIRE, CallLine, WireLine


def run_schemas() -> dict[str, dict[str, Any]]:
    """The schema of each file: of the whole for .json, of a line for .jsonl."""
    types = {HEADER: RunHeader, PROGRAMS: Program, TRACES: Trace, CALLS: CallLine, WIRE: WireLine, FOOTER: Footer}
    return {name: schema_of(kind) for name, kind in types.items()}


def schema_of(kind: type) -> dict[str, Any]:
    """The JSON Schema of a type; ``object`` stands for any JSON."""
    return msgspec.json.schema(kind, schema_hook=_any)


def _any(kind: type) -> dict[str, Any]:
    if kind is object:
        return {"description": "any JSON value"}
    raise NotImplementedError(kind)

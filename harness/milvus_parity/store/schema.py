"""JSON Schemas of the files of a run folder."""

from typing import Any

import msgspec

from milvus_parity.model.run import Footer, Program, RunHeader
from milvus_parity.model.trace import Trace
from milvus_parity.store.files import CALLS, FOOTER, HEADER, PROGRAMS, TRACES, CallLine


def run_schemas() -> dict[str, dict[str, Any]]:
    """The schema of each file: of the whole for .json, of a line for .jsonl."""
    types = {HEADER: RunHeader, PROGRAMS: Program, TRACES: Trace, CALLS: CallLine, FOOTER: Footer}
    return {name: msgspec.json.schema(kind) for name, kind in types.items()}

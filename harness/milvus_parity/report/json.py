"""The report for programs: one JSON document with a published schema."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from milvus_parity.judge.exit_code import Strict
from milvus_parity.model.run import RunRecord, ServerInfo
from milvus_parity.model.scenario import Frozen
from milvus_parity.model.target import Target
from milvus_parity.model.verdict import RunVerdict
from milvus_parity.report.findings import Finding, findings_of
from milvus_parity.report.overview import conclusion
from milvus_parity.store.schema import schema_of

REPORT_SCHEMA = 1


class JsonReport(Frozen, frozen=True, kw_only=True):
    """A report. Fields at their default are left out.

    ``exit_status`` and ``meaning``: the status of the command and what it means. ``verdict`` has everything, case by
    case; ``findings`` is the same put together as the other reports show it, with snippets.
    """

    schema: int
    exit_status: int
    meaning: str
    started: float
    ended: float | None = None
    harness_version: str
    runtime: str = ""
    server: ServerInfo | None = None
    targets: tuple[Target, ...] = ()
    totals: Mapping[str, int] = {}
    """Number of executions by status."""
    verdict: RunVerdict
    findings: tuple[Finding, ...] = ()


def json_report(verdict: RunVerdict, record: RunRecord, *, strict: Strict, required: Collection[str]) -> str:
    """The report as indented JSON."""
    header = record.header
    code, meaning = conclusion(verdict, strict, required)
    counted: dict[str, int] = {}
    for case in verdict.cases:
        for one in case.targets:
            counted[one.status] = counted.get(one.status, 0) + 1
    report = JsonReport(
        schema=REPORT_SCHEMA,
        exit_status=int(code),
        meaning=meaning,
        started=header.started,
        ended=record.footer.ended if record.footer else None,
        harness_version=header.harness_version,
        runtime=header.runtime,
        server=header.server,
        targets=header.targets,
        totals=counted,
        verdict=verdict,
        findings=findings_of(verdict, record),
    )
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def report_schema() -> dict[str, Any]:
    """The JSON Schema of a report."""
    return schema_of(JsonReport)

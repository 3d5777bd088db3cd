"""``milvus-parity schema``: JSON Schemas."""

import json

import click

KINDS = ["scenario", "run", "trace", "call", "report", "diff", "ledger", "docs", "coverage"]


@click.command("schema")
@click.argument("kind", type=click.Choice(KINDS))
def command(kind: str) -> None:
    """Print a JSON Schema: of scenario files, a run's header, its traces, its recorded calls, a JSON report or diff,
    the ledger, the JSON of `docs check` and of `docs coverage`."""
    click.echo(json.dumps(schema_of(kind), indent=2, ensure_ascii=False))


def schema_of(kind: str) -> dict[str, object]:
    """The schema of one kind."""
    from milvus_parity.store.schema import schema_of as schema_of_type

    if kind == "scenario":
        from milvus_parity.scenarios.schema import scenario_schema

        return scenario_schema()
    if kind == "report":
        from milvus_parity.report.json import report_schema

        return report_schema()
    if kind == "diff":
        from milvus_parity.report.diff import diff_schema

        return diff_schema()
    if kind == "ledger":
        from milvus_parity.docs.finding import KINDS as FINDING_KINDS
        from milvus_parity.judge.ledger_schema import ledger_schema

        return ledger_schema(FINDING_KINDS)
    if kind == "docs":
        from milvus_parity.docs.finding import Report

        return schema_of_type(Report)
    if kind == "coverage":
        from milvus_parity.docs.coverage import Coverage

        return schema_of_type(Coverage)
    if kind == "run":
        from milvus_parity.model.run import RunHeader

        return schema_of_type(RunHeader)
    if kind == "trace":
        from milvus_parity.model.trace import Trace

        return schema_of_type(Trace)
    from milvus_parity.model.wire import RecordedCall

    return schema_of_type(RecordedCall)

"""Chooses the report by its name; what a format needs is imported when it is asked for."""

from typing import Literal, get_args

from milvus_parity.judge.exit_code import Strict
from milvus_parity.model.errors import BadInputError
from milvus_parity.model.run import RunRecord
from milvus_parity.model.verdict import RunVerdict

Format = Literal["text", "json", "junit", "markdown", "html"]
FORMATS: tuple[Format, ...] = get_args(Format)


def render(
    verdict: RunVerdict,
    record: RunRecord,
    format: str = "text",  # noqa: A002
    width: int | None = None,
    color: bool = False,
    strict: Strict = "should",
    required: tuple[str, ...] = (),
) -> str:
    """A report. ``width`` in columns (of text; 100 when None). ``strict`` and ``required`` as for the exit code.

    Raises BadInputError for a format that does not exist.
    """
    if format == "text":
        from milvus_parity.report.text import text_report

        return text_report(verdict, record, width=width or 100, color=color, strict=strict, required=required)
    if format == "json":
        from milvus_parity.report.json import json_report

        return json_report(verdict, record, strict=strict, required=required)
    if format == "junit":
        from milvus_parity.report.junit import junit_report

        return junit_report(verdict, record, strict=strict)
    if format == "markdown":
        from milvus_parity.report.markdown import markdown_report

        return markdown_report(verdict, record, strict=strict, required=required)
    if format == "html":
        from milvus_parity.report.html import html_report

        return html_report(verdict, record, strict=strict, required=required)
    raise BadInputError(f"There is no report format {format!r}.", hint=f"Choose one of {', '.join(FORMATS)}.")

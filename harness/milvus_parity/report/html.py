"""The report as one HTML file that needs nothing from elsewhere: for a browser, an artifact of CI, an e-mail."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from milvus_parity.judge.exit_code import Strict
from milvus_parity.model.run import RunRecord
from milvus_parity.model.verdict import RunVerdict
from milvus_parity.report.clean import clean
from milvus_parity.report.findings import Finding, findings_of, flag_of
from milvus_parity.report.overview import (
    APART,
    DIFFERENT,
    FAILED,
    KNOWN,
    LOST,
    MEANINGS,
    PASS,
    SUBTLE,
    conclusion,
    headline,
    incomplete,
    mark,
    span,
    totals,
    who_differs,
)

if TYPE_CHECKING:
    from jinja2 import Template

_CLASSES: Mapping[str, str] = {
    PASS: "pass",
    DIFFERENT: "different",
    FAILED: "failed",
    SUBTLE: "subtle",
    KNOWN: "known",
    LOST: "lost",
    APART: "apart",
}


def html_report(verdict: RunVerdict, record: RunRecord, *, strict: Strict, required: Collection[str]) -> str:
    """The report as one HTML document."""
    code, sentence = conclusion(verdict, strict, required)
    findings = findings_of(verdict, record)
    lost = [(case.case, one) for case in verdict.cases for one in case.targets if one.status == "could not run"]
    return _template().render(
        verdict=verdict,
        headline=headline(verdict, record),
        code=int(code),
        sentence=sentence,
        incomplete=incomplete(verdict, record),
        rows=[(case, [(mark(one), _CLASSES[mark(one)], one) for one in case.targets]) for case in verdict.cases],
        anchors=_anchors(findings),
        meanings=[(sign, _CLASSES[sign], words) for sign, words in MEANINGS.items()],
        who=who_differs(verdict),
        findings=findings,
        lost=lost,
        operations=list(dict.fromkeys(one.operation for one in verdict.round_trips)),
        spans={(one.operation, one.target): span(one) for one in verdict.round_trips},
        totals=totals(verdict),
    )


def _anchors(findings: Collection[Finding]) -> dict[str, int]:
    """The first finding of each case, to jump to."""
    anchors: dict[str, int] = {}
    for number, finding in enumerate(findings, 1):
        for case in finding.cases:
            anchors.setdefault(case, number)
    return anchors


@lru_cache(maxsize=1)
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("milvus_parity.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clean"] = clean
    environment.globals["flag_of"] = flag_of
    return environment.get_template("report.html.jinja")

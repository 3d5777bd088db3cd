"""Reports in all formats, and the JSON against its schema."""

import json
from xml.etree import ElementTree

import jsonschema
import pytest
from docs.docs_pages import dialects, page
from milvus_parity.docs.check import merge, report_of, static_findings
from milvus_parity.docs.finding import Report
from milvus_parity.docs.plan import Planned
from milvus_parity.docs.report import render
from milvus_parity.store.schema import schema_of

TEXT = (
    '# T\n```csharp\nawait c.GetCollection("b").DropPartitionsAsync("p");\n```\n```bash\nls\n```\n'
    "```python\ncollection.drop_partition('p')\n```\n</div>\n"
)


@pytest.fixture
def report() -> Report:
    ready = page(TEXT, "a,b:c.md")
    planned = Planned(lanes={}, target_of={})
    _, results = merge([ready], planned, [])
    return report_of([ready], static_findings([ready], dialects()), results, server=None, planned=planned)


def test_every_fence_is_looked_at_or_counted_with_its_reason(report: Report) -> None:
    assert report.fences == report.checked + sum(report.skipped.values()) == 3
    assert report.skipped == {"shell": 1}


def test_json_is_what_the_schema_says(report: Report) -> None:
    value = json.loads(render(report, "json"))
    jsonschema.validate(value, schema_of(Report))
    assert [one["line"] for one in value["findings"]] == [3, 9, 11]


def test_junit_has_a_test_a_fence_and_fails_where_an_error_is(report: Report) -> None:
    suite = ElementTree.fromstring(render(report, "junit").encode())[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "2")


def test_annotations_stand_on_the_pages_lines(report: Report) -> None:
    first = render(report, "github").splitlines()[0]
    assert first.startswith("::error file=a%2Cb%3Ac.md,line=3,col=28,title=compiles%3A misnamed call::")


def test_text_and_markdown_name_place_and_what_is_right(report: Report) -> None:
    assert "  3:28 error [compiles] C#: DropPartitionsAsync does not exist" in render(report, "text")
    assert "| 3 | error | C# | DropPartitionsAsync" in render(report, "markdown")
    assert "`DropPartitionAsync` |" in render(report, "markdown")


def test_what_readers_do_not_see_is_a_warning_at_most() -> None:
    ready = page(f'<div style="display: none">\n\n{TEXT}\n')
    planned = Planned(lanes={}, target_of={})
    _, results = merge([ready], planned, [])
    found = report_of([ready], static_findings([ready], dialects()), results, server=None, planned=planned)
    assert [one.severity for one in found.findings if one.kind == "misnamed call"] == ["warning"]
    assert found.errors == ()

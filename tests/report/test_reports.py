"""Reports: what a newcomer reads, what programs read, and that nothing an SDK says can break them."""

import json
import re
from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser
from xml.etree import ElementTree

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from milvus_parity.judge import judge_run
from milvus_parity.judge.ledger import Ledger, parse_ledger
from milvus_parity.model.errors import BadInputError
from milvus_parity.model.run import Footer, RunRecord
from milvus_parity.model.target import Missing
from milvus_parity.model.verdict import RunVerdict
from milvus_parity.report import FORMATS, render
from milvus_parity.report.clean import clean, one_line
from milvus_parity.report.json import report_schema
from milvus_parity.store.reader import MemoryRun
from rich.cells import cell_len
from sample_runs import (
    CASES,
    COMPLETE,
    DROP_EMPTY,
    DROP_MISSING,
    LABELS,
    TARGETS,
    a_case,
    a_header,
    a_run,
    a_trace,
    book,
    refused,
    returned,
    sdk_step,
)

TODAY = date(2024, 6, 1)
Golden = Callable[[str, str], None]

LEDGER = parse_ledger(
    """\
schema: 1
differences:
  - case: drop_partition/missing
    targets: [go-v1]
    step: 2
    facet: result
    actual: refused
    class: SDK bug
    why: The SDK looks the partition up by itself before it asks the server.
    link: https://example.org/issues/1
    review: 2024-05-01
  - case: drop_partition/empty
    targets: [java-v1]
    facet: result
    actual: refused
    class: server
    why: It was so once.
  - case: drop_partition/loaded
    targets: [go-v1]
    facet: code
    actual: 7
    class: by design
    why: It was seven.
""",
    "scenarios/known_differences.yaml",
)


def judged(run: RunRecord, ledger: Ledger | None = None) -> RunVerdict:
    return judge_run(run, ledger, None, TODAY)


def report(run: RunRecord, form: str = "text", ledger: Ledger | None = None, **options: object) -> str:
    return render(judged(run, ledger), run, form, **options)  # type: ignore[arg-type]


def eventful() -> MemoryRun:
    """A run with all that can be told: known, stale, changed, lost and unavailable."""
    run = a_run(recorded=True)
    traces = [trace for case in CASES for trace in run.traces(case.id)]
    lost = [
        msgspec.structs.replace(trace, end="not built", detail="programs/p0001.go:12:5: undefined: client\nmore")
        if trace.target == "go-v1" and trace.case == DROP_EMPTY.id
        else trace
        for trace in traces
    ]
    places = [(case.id, label) for case in CASES for label in LABELS]
    recordings = {place: found for place in places if (found := run.recording(*place))}
    programs = tuple(found for place in places if (found := run.program(*place)))
    return MemoryRun(run.header, tuple(lost), programs, recordings, footer=COMPLETE)


@pytest.mark.parametrize("form", FORMATS)
def test_the_sample(form: str, golden: Golden):
    golden(f"sample.{form}", report(a_run(recorded=True), form, width=100))


@pytest.mark.parametrize("form", ["text", "markdown", "junit"])
def test_all_that_can_be_told(form: str, golden: Golden):
    golden(f"eventful.{form}", report(eventful(), form, LEDGER, width=100))


def green() -> MemoryRun:
    traces = [a_trace(label, returned(1), returned(2), case=DROP_EMPTY.id, after={2: book()}) for label in LABELS]
    return MemoryRun(a_header(DROP_EMPTY), tuple(traces), footer=COMPLETE)


def test_a_green_run_is_short(golden: Golden):
    golden("green.text", report(green(), width=100))


def test_the_first_lines_say_who_differs_where():
    text = report(a_run())
    assert "go-v1       2 cases: result in 1, code in 1" in text
    assert "python-orm, python-client  nothing open" in text
    assert text.index("Who differs") < text.index("Differences")


def test_a_difference_has_all_one_needs_to_act():
    text = report(a_run())
    part = text[text.index("1. drop_partition/missing") : text.index("2. drop")]
    for needed in (
        "A partition that never was",
        "drop(collection=book, partition=poetry)",
        "scenarios/drop_partition/sample.yaml:7:5",
        "result  (must match)",
        "go-v1  ← odd one out",
        "partition poetry of collection book does not exist",
        'err := client.DropPartition(ctx, "book", "poetry")',
        "collection.drop_partition('poetry')",
    ):
        assert needed in part


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_line_is_wider_than_it_may_be_but_code(width: int):
    run = a_run(recorded=True)
    programs = [run.program(case.id, label) for case in CASES for label in LABELS]
    code = {line.strip() for one in programs if one for line in one.steps[1].text.splitlines()}
    for line in report(run, width=width).splitlines():
        legend = line.startswith("  ") and line.strip()[0] in "✓≠~✗k!–"
        assert cell_len(line) <= width or line.strip() in code or legend
        assert line == line.rstrip()


def test_narrow_pages_break_the_table_into_parts():
    text = report(a_run(), width=50)
    assert text.count("names[partition=") > 1
    for label in LABELS:
        assert label.partition("@")[2] in text


def test_colour_only_when_wanted():
    assert "\x1b[" not in report(a_run())
    colored = report(a_run(), color=True, width=100)
    assert "\x1b[" in colored
    plain = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    dashed = re.sub(r"(?m)^-+\n", "", report(a_run(), width=100))
    assert [line.rstrip() for line in plain.splitlines()] == [line.rstrip() for line in dashed.splitlines()]


def test_the_same_in_many_cases_is_told_once():
    cases = [a_case(sdk_step(1, "drop"), id=f"drop/{number}") for number in range(40)]
    traces = [
        a_trace(label, refused(1, f"no {case.id}", None if label.startswith("go") else 65535), case=case.id)
        for case in cases
        for label in LABELS
    ]
    text = report(MemoryRun(a_header(*cases), tuple(traces), footer=COMPLETE), width=100)
    assert text.count("not exposed") == 1
    assert "The same in 39 more cases: drop/1, drop/2" in text
    assert "and 27 more" in text


def test_many_cases_in_which_all_is_well_fold_into_few_rows():
    cases = [a_case(sdk_step(1, "drop"), id=f"drop/names[n={number}]") for number in range(100)]
    cases += [a_case(sdk_step(1, "drop"), id=f"other/c{number}") for number in range(100)]
    odd = cases[7].id, cases[150].id
    traces = [
        a_trace(label, refused(1, "no") if label.startswith("go") and case.id in odd else returned(1), case=case.id)
        for case in cases
        for label in LABELS
    ]
    run = MemoryRun(a_header(*cases), tuple(traces), footer=COMPLETE)
    text = report(run, width=100)
    table = text[: text.index("Who differs")]
    assert "and 198 cases in which nothing is open" in table
    assert "names[n=7]" in table
    assert "c50" in table
    assert len(table.splitlines()) < 20


def test_versions_are_named_where_one_target_has_several():
    versions = [msgspec.structs.replace(TARGETS[3], version=version) for version in ("2.2.8", "2.4.2")]
    targets = (TARGETS[0], TARGETS[2], *versions)
    traces = [
        a_trace(one.label, returned(1), refused(2, "no") if one is versions[0] else returned(2), case=DROP_MISSING.id)
        for one in targets
    ]
    text = report(MemoryRun(a_header(DROP_MISSING, targets=targets), tuple(traces), footer=COMPLETE))
    assert "go-v1@2.2.8  ← odd one out" in text
    assert "python-orm, java-v1, go-v1@2.4.2" in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"footer": Footer(end="interrupted", ended=1_700_000_005.0)}, "The run was interrupted"),
        ({"footer": Footer(end="server died", detail="exit status 139", ended=1.0)}, "exit status 139"),
        ({"footer": None, "condition": "truncated", "problems": ("It was cut.",)}, "It was cut."),
        ({"condition": "edited", "problems": ("traces.jsonl was changed.",)}, "changed after it ended"),
    ],
)
@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_a_run_that_is_not_whole_says_so_on_top(change: dict[str, object], words: str, form: str):
    run = a_run()
    for name, value in change.items():
        setattr(run, name, value)
    text = report(run, form)
    assert words in text
    assert text.index(words) < text.index("drop_partition")


def test_nothing_at_all_can_be_reported():
    for run in (MemoryRun(a_header()), MemoryRun(a_header(DROP_EMPTY, targets=(), server=None))):
        for form in FORMATS:
            assert report(run, form)
        assert "Exit status 3" in report(run)


def test_the_json_is_valid_against_its_schema_and_complete():
    document = json.loads(report(eventful(), "json", LEDGER))
    jsonschema.Draft202012Validator.check_schema(report_schema())
    jsonschema.Draft202012Validator(report_schema()).validate(document)
    assert document["exit_status"] == 1
    assert document["totals"] == {"pass": 15, "could not run": 1, "different": 2, "failed": 1, "known": 1}
    assert len(document["verdict"]["cases"]) == 4


def test_junit_counts_what_it_has():
    root = ElementTree.fromstring(report(eventful(), "junit", LEDGER))
    suites = {suite.get("name"): suite for suite in root.iter("testsuite")}
    for suite in suites.values():
        tests = list(suite.iter("testcase"))
        assert len(tests) == int(suite.get("tests", ""))
        for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert len([test for test in tests if test.find(tag) is not None]) == int(suite.get(kind, ""))
    go = suites["go-v1@2.3.6"]
    assert (go.get("failures"), go.get("errors")) == ("1", "1")
    assert suites["known differences"].get("failures") == "1"
    assert suites["not available here"].get("skipped") == "1"


def test_junit_with_strict_must_fails_only_what_must_match():
    run = a_run()
    root = ElementTree.fromstring(report(run, "junit", strict="must"))
    assert sum(int(suite.get("failures", "")) for suite in root.iter("testsuite")) == 2


def test_markdown_fits_a_comment():
    cases = [a_case(sdk_step(1, "drop"), id=f"drop/{number}", title="t" * 500) for number in range(300)]
    traces = [
        a_trace(label, refused(1, f"{case.id} " * 300) if label.startswith("go") else returned(1), case=case.id)
        for case in cases
        for label in LABELS
    ]
    text = report(MemoryRun(a_header(*cases), tuple(traces), footer=COMPLETE), "markdown")
    assert len(text) < 65_536
    assert "left out here for length" in text
    assert text.rstrip().endswith("1500 executions: 1200 pass, 300 different")


class Page(HTMLParser):
    """Collects what a page loads, and checks that its tags are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        loading = [(name, str(value)) for name, value in attrs if name in ("src", "href", "action")]
        self.loads += [value for _, value in loading if not value.startswith("#")]
        assert not any(name.startswith("on") for name, _ in attrs)
        self.scripts += tag == "script"
        if tag not in ("meta", "input", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page_of(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    return page


def test_html_is_one_file_that_loads_nothing():
    page = page_of(report(eventful(), "html", LEDGER))
    assert (page.loads, page.scripts) == ([], 1)


NASTY = (
    "</script><script>alert(1)</script> ]]> & \x00\x1b[31m\r\n| `` ``` @all <!-- "
    "\u202e \ud7ff \ufffe \U0001f600 {{ 7*7 }}"
)


def nasty(text: str) -> MemoryRun:
    """A run in which everything that comes from elsewhere is this text."""
    case = a_case(sdk_step(1, "drop", collection=text, partition=text), id=f"drop/names[n={text}]", title=text)
    traces = [
        a_trace(label, refused(1, text or "x", text) if label.startswith("go") else returned(1), case=case.id)
        for label in LABELS[:-1]
    ] + [a_trace(LABELS[-1], case=case.id, end="not built", detail=text)]
    missing = msgspec.structs.replace(UNAVAILABLE, missing=Missing(what=text, install=text))
    header = a_header(case, notes=(text,), unavailable=(missing,))
    return MemoryRun(header, tuple(traces), footer=Footer(end="server died", detail=text, ended=1.0))


UNAVAILABLE = a_run().header.unavailable[0]


@pytest.mark.parametrize("form", FORMATS)
def test_what_sdks_say_breaks_no_report(form: str):
    text = report(nasty(NASTY), form)
    assert "\x1b" not in text
    assert "\x00" not in text
    if form == "html":
        assert page_of(text).scripts == 1
        assert "49" not in text
    if form == "json":
        assert json.loads(text)["verdict"]["cases"][0]["title"] == NASTY
    if form == "junit":
        ElementTree.fromstring(text)
    if form == "markdown":
        for token in inline_of(text):
            assert token.type not in ("html_inline", "html_block") or "<script" not in token.content
            assert token.type not in ("text", "html_inline", "html_block") or "@all" not in token.content


def inline_of(text: str) -> list[Token]:
    """All pieces of a Markdown document, as GitHub would see them."""
    blocks = MarkdownIt("commonmark").enable("table").parse(text)
    return [*blocks, *(child for block in blocks for child in block.children or ())]


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_can_be_reported(text: str):
    run = nasty(text)
    verdict = judged(run)
    ElementTree.fromstring(render(verdict, run, "junit"))
    page_of(render(verdict, run, "html"))
    render(verdict, run, "markdown")
    for line in render(verdict, run, "text", 80).splitlines():
        assert line.isprintable() or "\t" in line


@given(st.text())
def test_clean_text_moves_no_cursor_and_keeps_what_is_plain(text: str):
    cleaned = clean(text)
    assert all(char in "\n\t" or (ord(char) >= 32 and not 0x7F <= ord(char) < 0xA0) for char in cleaned)
    assert "\n" not in one_line(text)
    if text.isascii() and text.isprintable():
        assert cleaned == text


def test_there_is_no_other_format():
    with pytest.raises(BadInputError, match="no report format 'pdf'"):
        report(a_run(), "pdf")

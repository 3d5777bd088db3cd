"""Reports of a check: terminal, JSON, Markdown for a pull request, JUnit, GitHub annotations."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import msgspec

from milvus_parity.docs.finding import LEVELS, FenceResult, Finding, Report
from milvus_parity.report.clean import clean, one_line

_LANGUAGES: Mapping[str | None, str] = {
    "python": "Python", "java": "Java", "go": "Go", "javascript": "Node.js", "csharp": "C#", None: "",
}  # fmt: skip


def render(report: Report, form: str, *, verbose: bool = False) -> str:
    """The report in one of the formats."""
    forms: Mapping[str, Callable[[Report], str]] = {
        "text": lambda one: text_report(one, verbose=verbose),
        "json": json_report,
        "markdown": markdown_report,
        "junit": junit_report,
        "github": github_report,
    }
    return forms[form](report)


def json_report(report: Report) -> str:
    """The whole report; `milvus_parity.docs.finding.schema` describes it."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def text_report(report: Report, *, verbose: bool = False) -> str:
    """For a terminal."""
    lines: list[str] = []
    for page in report.pages:
        found = [one for one in report.findings if one.path == page.path]
        shown = [one for one in found if verbose or one.severity != "note"]
        version = f" (Milvus {page.docs_version})" if page.docs_version else ""
        lines.append(f"{clean(page.path)}{version}")
        for one in shown:
            known = " (known)" if one.known else ""
            language = f" {_LANGUAGES.get(one.language, one.language)}" if one.language else ""
            lines.append(
                f"  {one.line}:{one.column} {one.severity}{known} [{one.level}]{language}: {one_line(one.message)}"
            )
            if one.right:
                lines.append(f"      right: {one_line(one.right)}")
        if not shown:
            lines.append("  nothing is wrong that was looked at")
        lines += [f"  {line}" for line in _fence_lines(page.fences, verbose)]
        lines.append("")
    lines += _summary(report)
    return "\n".join(lines) + "\n"


def _fence_lines(fences: Sequence[FenceResult], verbose: bool) -> Iterator[str]:
    unchecked: dict[str, list[str]] = {}
    for fence in fences:
        if fence.skipped is not None:
            continue
        where = f"{fence.line}-{fence.last} {_LANGUAGES.get(fence.language, fence.word)}"
        if verbose:
            words = ", ".join(f"{level} {fence.levels[level]}" for level in LEVELS if level in fence.levels)
            yield f"{where}: {one_line(words)}; before it: {fence.state}"
        for level in ("compiles", "runs"):
            word = fence.levels.get(level, "")
            if word.startswith("not checked: ") and not word.endswith("it does not compile"):
                unchecked.setdefault(f"{level}: {word}", []).append(where)
    if not verbose:
        for why, places in unchecked.items():
            yield f"{one_line(why, 200)} ({', '.join(places)})"


def _summary(report: Report) -> Iterator[str]:
    counts = {word: sum(one.severity == word for one in report.findings) for word in ("error", "warning", "note")}
    known = sum(one.known is not None for one in report.findings)
    skipped = ", ".join(f"{count} {reason}" for reason, count in report.skipped.items())
    yield (
        f"{len(report.pages)} pages, {report.fences} fences: {report.checked} looked at"
        + (f", {sum(report.skipped.values())} not code of the five SDKs ({skipped})" if skipped else "")
    )
    for level in ("parses", "compiles", "runs", "effect", "tabs"):
        words = [fence.levels.get(level, "") for page in report.pages for fence in page.fences if not fence.skipped]
        passed, failed = words.count("passed"), words.count("failed")
        yield f"  {level:9} {passed} passed, {failed} failed, {len(words) - passed - failed} not checked"
    yield (
        f"{counts['error']} errors, {counts['warning']} warnings, {counts['note']} notes"
        + (f", {known} of them known" if known else "")
    )
    if report.targets:
        yield f"SDKs: {', '.join(report.targets)}" + (f"; server: Milvus {report.server}" if report.server else "")
    for target, why in report.unavailable.items():
        yield f"{target} is not available here: {why}"
    yield from report.notes


def markdown_report(report: Report) -> str:
    """For a pull request."""
    counted = [one for one in report.findings if one.severity != "note"]
    lines = ["## Documentation pages", ""]
    lines += [
        line if index else f"**{line}**" for index, line in enumerate(_summary(report)) if not line.startswith("  ")
    ]
    for page in report.pages:
        found = [one for one in counted if one.path == page.path]
        if not found:
            continue
        lines += [
            "",
            f"### `{_cell(page.path)}`",
            "",
            "| line | | language | what | right |",
            "| ---: | --- | --- | --- | --- |",
        ]
        for one in found:
            known = " (known)" if one.known else ""
            right = f"`{_cell(one.right)}`" if one.right else ""
            language = _LANGUAGES.get(one.language, one.language) or ""
            lines.append(f"| {one.line} | {one.severity}{known} | {language} | {_cell(one.message)} | {right} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|").replace("`", "'").replace("<", "&lt;")


def junit_report(report: Report) -> str:
    """A suite a page, a test a fence; findings outside of fences are tests of their own."""
    root = Element("testsuites", name="milvus-parity docs")
    for page in report.pages:
        suite = SubElement(root, "testsuite", name=_xml(page.path))
        tests = failures = skipped = 0
        found = [one for one in report.findings if one.path == page.path]
        for fence in page.fences:
            tests += 1
            name = f"{fence.line}-{fence.last} {fence.word or 'fence'}"
            test = SubElement(
                suite,
                "testcase",
                classname=_xml(page.path),
                name=_xml(name),
                file=_xml(page.path),
                line=str(fence.line),
            )
            own = [one for one in found if one.fence == (fence.line, fence.last) and one.severity == "error"]
            counted = [one for one in own if one.known is None]
            words = {word for level, word in fence.levels.items() if level != "parses"}
            if counted:
                failures += 1
                failure = SubElement(
                    test, "failure", type=counted[0].kind, message=_xml(one_line(counted[0].message, 200))
                )
                failure.text = _xml("\n".join(f"{one.place}: {one.message}" for one in counted))
            elif fence.skipped or not words & {"passed", "failed"}:
                skipped += 1
                SubElement(test, "skipped", message=_xml(one_line(fence.skipped or "; ".join(sorted(words)), 300)))
        for one in found:
            if one.fence is None and one.severity == "error" and one.known is None:
                tests += 1
                failures += 1
                test = SubElement(suite, "testcase", classname=_xml(page.path), name=_xml(f"{one.line} {one.kind}"))
                failure = SubElement(test, "failure", type=one.kind, message=_xml(one_line(one.message, 200)))
                failure.text = _xml(f"{one.place}: {one.message}")
        for key, number in (("tests", tests), ("failures", failures), ("errors", 0), ("skipped", skipped)):
            suite.set(key, str(number))
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _xml(text: str) -> str:
    return (
        "".join(char if char >= " " or char in "\n\t" else f"\\x{ord(char):02x}" for char in clean(text))
        .replace("\ufffe", "\\ufffe")
        .replace("\uffff", "\\uffff")
    )


def github_report(report: Report) -> str:
    """Workflow commands: each finding becomes an annotation on the page's line."""
    words = {"error": "error", "warning": "warning", "note": "notice"}
    return "".join(_annotation(words[one.severity] if one.known is None else "notice", one) for one in report.findings)


def _annotation(word: str, one: Finding) -> str:
    title = f"{one.level}: {one.kind}"
    message = one.message + (f" Right: {one.right}" if one.right else "")
    return (
        f"::{word} file={_property(one.path)},line={one.line},col={one.column},title={_property(title)}::"
        f"{_escaped(clean(message))}\n"
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(clean(text)).replace(":", "%3A").replace(",", "%2C")

"""The report for CI systems: JUnit XML, a suite for each target and a test for each case."""

from collections.abc import Iterator
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from milvus_parity.judge.exit_code import Strict
from milvus_parity.model.run import RunRecord
from milvus_parity.model.verdict import CaseVerdict, RunVerdict, TargetVerdict
from milvus_parity.report.clean import clean, one_line


def junit_report(verdict: RunVerdict, record: RunRecord, *, strict: Strict) -> str:
    """The report as XML. With ``strict`` must, what only should match fails no test."""
    root = Element("testsuites", name="milvus-parity")
    started = datetime.fromtimestamp(record.header.started, UTC).isoformat(timespec="seconds")
    for label in verdict.targets:
        root.append(_suite(label, verdict, started, strict))
    if verdict.unavailable:
        root.append(_unavailable(verdict))
    if verdict.stale:
        root.append(_stale(verdict))
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(label: str, verdict: RunVerdict, started: str, strict: Strict) -> Element:
    suite = Element("testsuite", name=label, timestamp=started.replace("+00:00", ""))
    tests = failures = errors = skipped = 0
    seconds = 0.0
    for case in verdict.cases:
        found = case.target(label)
        if found is None:
            continue
        test = SubElement(
            suite,
            "testcase",
            classname=f"{label}.{case.case.partition('/')[0]}".replace(" ", "_"),
            name=clean(case.case),
            time=f"{found.seconds:.3f}",
            file=case.location.file,
            line=str(case.location.line),
        )
        tests += 1
        seconds += found.seconds
        words = list(_sentences(case, label))
        if found.status == "could not run":
            errors += 1
            error = SubElement(test, "error", type="could not run", message=clean(one_line(found.detail or "", 200)))
            error.text = clean(found.detail or "")
        elif found.status == "not applicable":
            skipped += 1
            SubElement(test, "skipped", message=clean(found.detail or "not supported by this server"))
        elif _counts(found, strict):
            failures += 1
            failure = SubElement(
                test, "failure", type=found.status, message=clean(one_line(words[0] if words else "", 200))
            )
            failure.text = clean("\n".join(words))
        elif words:
            SubElement(test, "system-out").text = clean("\n".join(words))
    for name, number in (("tests", tests), ("failures", failures), ("errors", errors), ("skipped", skipped)):
        suite.set(name, str(number))
    suite.set("time", f"{seconds:.3f}")
    return suite


def _counts(found: TargetVerdict, strict: Strict) -> bool:
    return found.status in ("different", "failed") and (strict == "should" or found.weight == "must")


def _sentences(case: CaseVerdict, label: str) -> Iterator[str]:
    """What is to say of a target in a case, what counts first."""
    known = []
    for failure in case.failures:
        if failure.target == label:
            where = f" ({failure.location})" if failure.location else ""
            words = f"step {failure.step}, {failure.facet}: expected {failure.expected}, got {failure.actual}{where}"
            if failure.known is None:
                yield words
            else:
                known.append(f"known ({failure.known.reason_class}: {failure.known.why}): {words}")
    for difference in case.differences:
        mine = difference.value_of(label)
        if mine is None or label not in difference.odd:
            continue
        others = "; ".join(
            f"{group.text} ({', '.join(group.targets)})" for group in difference.groups if group is not mine
        )
        words = f"step {difference.step}, {difference.facet}: {mine.text}, where others have {others}"
        pin = difference.pins.get(label)
        if pin is not None:
            known.append(f"known ({pin.reason_class}: {pin.why}): {words}")
        elif difference.weight != "told" and not difference.known:
            yield words
    yield from known


def _unavailable(verdict: RunVerdict) -> Element:
    number = str(len(verdict.unavailable))
    suite = Element("testsuite", name="not available here", tests=number, failures="0", errors="0", skipped=number)
    for one in verdict.unavailable:
        test = SubElement(suite, "testcase", classname="not-available", name=one.name)
        install = f" Install: {one.missing.install}" if one.missing.install else ""
        SubElement(test, "skipped", message=clean(f"{one.missing.what}{install}"))
    return suite


def _stale(verdict: RunVerdict) -> Element:
    number = str(len(verdict.stale))
    suite = Element("testsuite", name="known differences", tests=number, failures=number, errors="0", skipped="0")
    for one in verdict.stale:
        name = f"{one.location} {one.case}" + (f" {one.target}" if one.target else "")
        test = SubElement(suite, "testcase", classname="known-differences", name=clean(name))
        SubElement(test, "failure", type="stale", message=clean(one.what))
    return suite

"""Offer what would be right: the smallest edits of a page that take away what was proven wrong. Pure.

A name, an ``await``, a comma, a semicolon is put where it belongs; a fence that says only one operation, and says it
wrongly, is written as the pack's template writes it, with the page's names. All else of the page stays as it is.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

from milvus_parity.docs.code import Code, blank_comments
from milvus_parity.docs.dialect import Dialect
from milvus_parity.docs.finding import Finding
from milvus_parity.docs.pages import ReadyPage
from milvus_parity.model.operations import OPERATIONS
from milvus_parity.model.scenario import Argument, Frozen, SdkStep
from milvus_parity.packs.render import Renderer

_COMMA = re.compile(r"missing comma|missing ','")
_LACKING = re.compile(r"(\w+)\.__init__\(\) missing \d+ required positional argument")
_LINES = re.compile(r"[^\n]*\n|[^\n]+\Z")


class Edit(Frozen, frozen=True, kw_only=True):
    """Replace what stands from (line, column) to (last, end) by ``new``; lines and columns from 1, the end exclusive.

    ``fence``: the lines of the fence it is in, None in a table.
    """

    line: int
    column: int
    last: int
    end: int
    new: str
    fence: tuple[int, int] | None = None


def edits_for(
    ready: ReadyPage,
    findings: Iterable[Finding],
    dialects: Mapping[str, Dialect],
    renderers: Mapping[str, Renderer],
) -> list[Edit]:
    """The edits of a page. ``renderers``: by language, those of the targets that the page was checked with."""
    lines = _lines(ready.page.text)
    edits: list[Edit] = []
    whole: set[tuple[int, int]] = set()
    errors = [one for one in findings if one.path == ready.page.path and one.severity == "error" and not one.known]
    for finding in errors:
        small = _small(finding, lines, ready.collection)
        if small:
            edits += small
        elif finding.fence is not None and finding.level in ("parses", "compiles", "runs"):
            whole.add(finding.fence)
    for fence in sorted(whole):
        edits = [one for one in edits if one.fence != fence]
        edit = from_template(ready, fence, dialects, renderers)
        if edit is not None:
            edits.append(edit)
    unique = {(one.line, one.column): one for one in edits}
    return sorted(unique.values(), key=lambda one: (one.line, one.column))


def _small(finding: Finding, lines: Sequence[str], collection: str | None) -> list[Edit]:
    line = lines[finding.line - 1].rstrip("\r\n") if finding.line <= len(lines) else ""
    start = finding.column - 1
    if finding.kind in ("misnamed call", "misnamed parameter") and finding.right:
        found = re.compile(r"\w+").match(line, start)
        return [_replace(finding, start, found.end(), finding.right)] if found else []
    if finding.kind == "missing await":
        begins = re.compile(r"(\s*(?:(?:var|const|let)\s+\w+\s*=\s*)?)").match(line, start)
        at = begins.end() if begins else start
        return [_replace(finding, at, at, "await ")]
    if finding.kind == "raised" and finding.language == "python":
        return _with_collection(finding, lines, collection)
    if finding.kind == "no semicolon":
        at = len(line.rstrip())
        return [_replace(finding, at, at, ";")]
    if finding.kind == "syntax" and _COMMA.search(finding.message) and finding.language in ("go", "javascript"):
        at = len(blank_comments(line, "//").rstrip())
        spare = 1 if line[at : at + 2] == "  " else 0
        return [_replace(finding, at, at + spare, ",")] if at and line[at - 1] not in ",(" else []
    return []


def _with_collection(finding: Finding, lines: Sequence[str], collection: str | None) -> list[Edit]:
    """A constructor that lacks an argument gets the collection: the fence's variable, else the page's collection by
    its name, imported where its import stands. Whether that is what it lacked is seen when it is run."""
    lacking = _LACKING.match(finding.message.partition(": ")[2])
    if lacking is None or lacking[1] == "Collection":
        return []
    call = re.compile(rf"\b{lacking[1]}\((?=\s*[\"'])").search(lines[finding.line - 1], finding.column - 1)
    if call is None:
        return []
    first = finding.fence[0] if finding.fence else finding.line
    before = list(enumerate(lines[first : finding.line - 1], first + 1))
    if any(re.match(r"\s*collection\s*=", text) for _, text in before):
        return [_replace(finding, call.end(), call.end(), "collection, ")]
    imports = [(at, found) for at, text in before if (found := re.match(r"\s*from pymilvus import (?!\()", text))]
    if collection is None or not imports:
        return []
    edits = [_replace(finding, call.end(), call.end(), f'Collection("{collection}"), ')]
    if not any(re.search(r"\bimport\b.*(?:\bCollection\b|\*)", text) for _, text in before):
        at, found = imports[-1]
        edits.append(
            Edit(line=at, column=found.end() + 1, last=at, end=found.end() + 1, new="Collection, ", fence=finding.fence)
        )
    return edits


def _replace(finding: Finding, start: int, end: int, new: str) -> Edit:
    return Edit(line=finding.line, column=start + 1, last=finding.line, end=end + 1, new=new, fence=finding.fence)


def from_template(
    ready: ReadyPage, fence: tuple[int, int], dialects: Mapping[str, Dialect], renderers: Mapping[str, Renderer]
) -> Edit | None:
    """The edit that writes a fence as the pack would; None when that cannot be said."""
    for one in ready.ready.values():
        language = one.code.fence.language or ""
        if (one.code.fence.line, one.code.fence.last) == fence and language in renderers:
            return _from_template(ready, one.code, dialects[language], renderers[language])
    return None


def _from_template(ready: ReadyPage, code: Code, dialect: Dialect, renderer: Renderer) -> Edit | None:
    """The whole fence as the pack writes it; None when it says more than one operation, or not with what."""
    uses = [use for use in code.uses if use.operation not in ("connect",)]
    if len(uses) != 1 or code.other_calls or code.kind != "statements" or code.connects:
        return None
    use = uses[0]
    operation = OPERATIONS.get(use.operation)
    collection = use.collection or ready.collection
    if operation is None or collection is None or code.alternatives:
        return None
    arguments: dict[str, Argument] = {"collection": collection}
    if "partition" in operation.required:
        arguments["partition"] = use.partitions[0] if use.partitions else None
    if "partitions" in operation.required:
        arguments["partitions"] = use.partitions
    if set(operation.required) - set(arguments) or None in arguments.values() or () in arguments.values():
        return None
    snippet = renderer.snippet(SdkStep(id=1, operation=use.operation, arguments=arguments))
    if snippet.unsupported is not None:
        return None
    text = snippet.text.rstrip("\n")
    name = next((one for one in dialect.spec.clients if one in code.words), None)
    if name is not None and name != snippet.client and not re.search(rf"\b{re.escape(name)}\b", text):
        text = re.sub(rf"(?<![\w.]){re.escape(snippet.client)}(?=\.)", name, text)
    fence = code.fence
    indent = " " * min(fence.columns, default=0)
    new = "".join(f"{indent}{line}\n" if line else "\n" for line in text.split("\n"))
    return Edit(line=fence.line + 1, column=1, last=fence.last, end=1, new=new, fence=(fence.line, fence.last))


def _lines(text: str) -> list[str]:
    return _LINES.findall(text)


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The page with its edits made; everything else stays byte for byte."""
    lines = _lines(text)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for edit in sorted(edits, key=lambda one: (one.line, one.column), reverse=True):
        begin = starts[edit.line - 1] + edit.column - 1
        end = starts[edit.last - 1] + edit.end - 1
        text = text[:begin] + edit.new + text[end:]
    return text


def patch(path: str, before: str, after: str) -> str:
    """The change as a unified diff."""
    if before == after:
        return ""
    made = difflib.unified_diff(_lines(before), _lines(after), f"a/{path.lstrip('/')}", f"b/{path.lstrip('/')}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in made)

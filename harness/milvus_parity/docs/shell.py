"""curl and shell fences, as far as they can be checked without running them: syntax, JSON bodies, unknown fields."""

import difflib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator

from milvus_parity.docs.finding import Finding
from milvus_parity.docs.page import Fence
from milvus_parity.docs.pages import ReadyPage

WORDS = frozenset({"shell", "bash", "sh", "curl", "console", "zsh"})
_SECONDS = 5
_OLD_API = "/api/v1/"
"""The API of 2.1 and 2.2, whose fields have other names."""
_GOES_ON = ("\\", "|", "&&", "^", "`", "(")
_BODY = re.compile(r"(?:-d|--data(?:-raw|-binary)?)\s*(['\"])(.*?)(?<!\\)\1", re.DOTALL)
_PLACEHOLDER = re.compile(r"\$\{?\w+\}?|<[^<>\n]+>|\{\{[^}]*\}\}|\.\.\.|…")
FIELDS = frozenset(
    [
        *(
            "collectionName",
            "dbName",
            "partitionName",
            "partitionNames",
            "data",
            "filter",
            "limit",
            "offset",
            "outputFields",
            "vector",
            "id",
        ),
        *(
            "annsField",
            "consistencyLevel",
            "dimension",
            "dimensionality",
            "schema",
            "fields",
            "indexParams",
            "params",
            "metricType",
        ),
        *(
            "primaryFieldName",
            "vectorFieldName",
            "description",
            "idType",
            "autoID",
            "autoId",
            "primaryField",
            "vectorField",
        ),
        *(
            "enableDynamicField",
            "enabledDynamicField",
            "elementTypeParams",
            "fieldName",
            "dataType",
            "isPrimary",
            "isPartitionKey",
        ),
        *(
            "indexName",
            "indexType",
            "indexConfig",
            "searchParams",
            "groupingField",
            "search",
            "rerank",
            "strategy",
            "ids",
        ),
        *(
            "newCollectionName",
            "newDbName",
            "aliasName",
            "userName",
            "roleName",
            "password",
            "newPassword",
            "objectType",
            "objectName",
        ),
        *(
            "privilege",
            "jobId",
            "files",
            "options",
            "timeout",
            "ignoreGrowing",
            "username",
            "collection_name",
            "partition_names",
        ),
        *("partition_name",),
    ]
)
"""Fields of requests of Milvus's RESTful APIs, v1 and v2, as the documentation of 2.2 to 2.6 has them."""


def check_shell(ready: ReadyPage) -> tuple[list[Finding], dict[int, str]]:
    """Findings of the shell fences of a page, and for each of them (by index) what was looked at."""
    found: list[Finding] = []
    looked: dict[int, str] = {}
    for fence in ready.page.fences:
        if fence.word not in WORDS or not re.search(r"(?m)^\s*(?:\$ )?curl\b", fence.body):
            continue
        findings = list(_curl(ready.page.path, fence))
        found += findings
        looked[fence.index] = "curl: looked at, not run"
    return found, looked


def _finding(path: str, fence: Fence, line: int, kind: str, message: str, severity: str = "error") -> Finding:
    place = fence.place(line)
    return Finding(
        path=path,
        line=place[0],
        column=place[1],
        level="parses",
        kind=kind,  # type: ignore[arg-type]
        severity=severity,  # type: ignore[arg-type]
        language=None,
        message=message,
        fence=(fence.line, fence.last),
    )


def _curl(path: str, fence: Fence) -> Iterator[Finding]:
    wrong = _syntax(fence.body)
    if wrong is not None:
        line, message = wrong
        yield _finding(path, fence, line, "shell syntax", message)
        return
    yield from _loose_lines(path, fence)
    for body in _BODY.finditer(fence.body):
        text = body[2].strip()
        if not text.startswith(("{", "[")):
            continue
        line = fence.body.count("\n", 0, body.start(2)) + 1
        try:
            value = json.loads(_PLACEHOLDER.sub("0", re.sub(r'"[^"\n]*\$\{?\w+\}?[^"\n]*"', '""', text)))
        except ValueError as error:
            if _PLACEHOLDER.search(re.sub(r'"[^"\n]*"', '""', text)):
                continue
            at = line + getattr(error, "lineno", 1) - 1
            if re.match(r"[^\s\\)|;&]", fence.body[body.end() :]):
                text_ = f"The quote {body[1]} within the body ends it there: what Milvus gets is something else."
                yield _finding(path, fence, at, "shell syntax", text_, "warning")
                continue
            yield _finding(path, fence, at, "bad json", f"The body is no JSON: {error}")
            continue
        for name in value if isinstance(value, dict) and _OLD_API not in fence.body else ():
            near = difflib.get_close_matches(name, sorted(FIELDS), 1, 0.8)
            if name not in FIELDS and near:
                at = line + text[: text.find(f'"{name}"')].count("\n")
                text_ = f"The API has no field {name}; it has {near[0]}."
                yield _finding(path, fence, at, "unknown field", text_, "warning")


def _loose_lines(path: str, fence: Fence) -> Iterator[Finding]:
    """Options that belong to no command, since the line before them does not end in a backslash."""
    lines = fence.body.split("\n")
    quote = ""
    for at, line in enumerate(lines):
        before = lines[at - 1] if at else ""
        ends = before.rstrip()
        if not quote and at and re.match(r"\s*--?[A-Za-z]", line) and not before.endswith(_GOES_ON):
            said = "A space follows the backslash" if ends.endswith("\\") else "The line does not end in a backslash"
            text = f"{said}: the next one, {line.strip()[:40]}, is no part of the command."
            yield _finding(path, fence, at, "shell syntax", text)
        quote = _quote_after(line, quote)


def _quote_after(line: str, quote: str) -> str:
    """The quote that is open at the end of a line. ``quote``: the one open at its start."""
    at = 0
    while at < len(line):
        char = line[at]
        if char == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "#" and (at == 0 or line[at - 1].isspace()):
            break
        at += 1
    return quote


def _syntax(body: str) -> tuple[int, str] | None:
    """What bash says of the syntax, with the line; None when it is right, or there is no bash to ask."""
    bash = shutil.which("bash")
    if bash is None:
        return None
    text = re.sub(r"(?m)^\s*\$ ", "", re.sub(r"<([^<>\n]+)>", "X", body))
    try:
        done = subprocess.run(
            [bash, "-n"], input=text, capture_output=True, text=True, timeout=_SECONDS, check=False, env={"LC_ALL": "C"}
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeEncodeError):
        return None
    found = re.search(r"line (\d+): (.*)", done.stderr)
    return (int(found[1]), found[2]) if done.returncode != 0 and found else None

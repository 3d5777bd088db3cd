"""Read what compilers say: which complaints are the page's, which only say that a name comes from elsewhere."""

import re
from collections.abc import Sequence

from milvus_parity.docs.building import Complaint
from milvus_parity.docs.dialect import Dialect
from milvus_parity.docs.finding import Finding, Kind, Level, Severity
from milvus_parity.docs.plan import Member

_SYNTAX = re.compile(
    r"SyntaxError|IndentationError|TabError|syntax error|illegal start|not a statement|missing ','|missing ',' before|"
    r"^expected |unexpected|';' expected|'\)' expected|\)' or ',' expected|CS1002|CS1003|CS1026|CS1513|CS1525|"
    r"reached end of file|unclosed|class, interface, enum",
    re.IGNORECASE,
)

_AGAIN = re.compile(
    r"is already defined in|has already been declared|no new variables on left side of :=|"
    r"redeclared in this block|CS0128"
)
"""A name that is declared twice: pages show two ways to do a thing in one fence, "or" between them."""


def findings_of(
    member: Member, complaints: Sequence[Complaint], dialect: Dialect
) -> tuple[list[Finding], dict[str, str]]:
    """The findings of a fence that does not compile, and its levels."""
    fence = member.ready.code.fence
    last = len(member.ready.chain) - 1
    own = [one for one in complaints if one.chain == last]
    if not own:
        if complaints:
            line = member.ready.chain[complaints[0].chain].fence.line
            return [], {"compiles": f"not checked: it goes on from the fence at line {line}, which does not compile"}
        return [], {"compiles": "not checked: only what is unused keeps it from being built"}
    found: list[Finding] = []
    names: list[str] = []
    wrong: list[tuple[Complaint, bool]] = []
    again: list[Finding] = []
    for one in own:
        missing = next((match for pattern in dialect.undefined if (match := pattern.search(one.message))), None)
        if missing is not None:
            if missing[1] not in names:
                names.append(missing[1])
                text = f"{missing[1]} is never defined on this page."
                found.append(_finding(member, one, "context", "not self-contained", text, "warning"))
        elif any(pattern.search(one.message) for pattern in dialect.frame):
            continue
        elif _AGAIN.search(one.message):
            text = f"{one.message}: two ways to do it would stand in fences of their own"
            again.append(_finding(member, one, "compiles", "compile error", text, "warning"))
        else:
            wrong.append((one, bool(_SYNTAX.search(one.message))))
    found += again
    syntax = [one for one, is_syntax in wrong if is_syntax]
    if syntax:
        found.append(_finding(member, syntax[0], "parses", "syntax", syntax[0].message, "error"))
        return found, {"parses": "failed", "compiles": "not checked: it does not parse"}
    severity: Severity = "error"
    found += [_finding(member, one, "compiles", "compile error", one.message, severity) for one, _ in wrong]
    if wrong:
        return found, {"compiles": "failed"}
    if again:
        return found, {"compiles": "not checked: it declares a name twice"}
    if names:
        return found, {"compiles": f"not checked: it takes {', '.join(names)} from elsewhere"}
    return found, {"compiles": f"not checked: the frame of {fence.language} does not suit it"}


def _said(message: str) -> str:
    """A compiler's words without what only helps the one who builds."""
    return re.sub(r";? to add it:$", "", message).strip()


def _finding(member: Member, one: Complaint, level: Level, kind: Kind, message: str, severity: Severity) -> Finding:
    fence = member.ready.code.fence
    return Finding(
        path=member.page.page.path,
        line=one.line,
        column=one.column,
        level=level,
        kind=kind,
        severity=severity,
        language=fence.language,
        message=_said(message),
        target=member.target.label,
        fence=(fence.line, fence.last),
    )

"""What is told once, and what only follows from another finding."""

from milvus_parity.docs.finding import Finding, Kind, Severity, ordered


def one(kind: Kind, line: int = 3, severity: Severity = "error", message: str = "m") -> Finding:
    return Finding(
        path="p.md", line=line, level="compiles", kind=kind, severity=severity, message=message, fence=(1, 9)
    )


def kept(*findings: Finding) -> list[tuple[str, int]]:
    return [(found.kind, found.line) for found in ordered(findings)]


def test_what_a_compiler_says_of_a_call_that_is_known_to_be_wrong_is_left_out() -> None:
    assert kept(one("compile error"), one("misnamed call")) == [("misnamed call", 3)]
    assert kept(one("raised"), one("unknown call")) == [("unknown call", 3)]


def test_a_call_that_is_only_not_known_here_gives_way_to_the_compiler() -> None:
    assert kept(one("compile error"), one("unknown call", severity="warning")) == [("compile error", 3)]
    assert kept(one("compile error", 4), one("unknown call", severity="warning")) == [
        ("unknown call", 3),
        ("compile error", 4),
    ]


def test_a_name_that_a_fence_lacks_is_told_once() -> None:
    lacks = "not self-contained"
    assert kept(one(lacks, 4, "warning"), one(lacks, 3, "warning"), one(lacks, 3, "warning", "other")) == [
        (lacks, 3),
        (lacks, 3),
    ]

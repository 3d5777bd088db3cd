"""The ledger's file: what can be said, and that each slip is told with its place and the nearest right word."""

from datetime import date
from pathlib import Path

import pytest
from milvus_parity.judge.ledger import Entry, case_matches, load_ledger, parse_ledger
from milvus_parity.model.errors import BadInputError, ExitCode
from milvus_parity.model.run import ServerInfo

CORPUS = Path(__file__).parent / "ledgers"
TARGETS = ("go-v1", "python-orm", "python-client", "java-v1", "java-v2", "javascript", "csharp")


@pytest.mark.parametrize("path", sorted((CORPUS / "valid").glob("*.yaml")), ids=lambda path: path.stem)
def test_valid(path: Path):
    load_ledger(path, targets=TARGETS)


@pytest.mark.parametrize("path", sorted((CORPUS / "invalid").glob("*.yaml")), ids=lambda path: path.stem)
def test_invalid(path: Path):
    """The first line of each file says where its error is, and what is said of it."""
    where, _, words = path.read_text().splitlines()[0].removeprefix("# ").partition(" ")
    with pytest.raises(BadInputError) as caught:
        load_ledger(path, targets=TARGETS, name="known.yaml")
    assert caught.value.where == f"known.yaml:{where}"
    assert caught.value.exit_code == ExitCode.BAD_INPUT
    for part in words.split(" || "):
        assert part in str(caught.value)


def test_a_file_that_is_not_there():
    with pytest.raises(BadInputError, match="cannot be read"):
        load_ledger(CORPUS / "nowhere.yaml")


def entries() -> tuple[Entry, ...]:
    return load_ledger(CORPUS / "valid" / "full.yaml").entries


def test_all_keys():
    first, second, *_ = entries()
    assert (str(first.location).rpartition("/")[2], first.cases, first.step) == (
        "full.yaml:6:5",
        ("drop_partition/missing",),
        2,
    )
    assert (first.value, first.reason_class, first.review) == ("refused", "SDK bug", date(2026, 12, 31))
    assert (first.link, first.milvus) == ("https://example.org/1", "lite")
    assert second.cases == ("drop_partition/*", "load/names[partition=a, b]")
    assert (second.why, second.milvus) == ("It passes on the text and no code.", ">=2.3,<2.4")


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("go-v1@2.2.8", True),
        ("go-v1@2.3.6", True),
        ("go-v1@2.4.0", False),
        ("go-v1@v2.3.1", True),
        ("go-v2@2.3.0", False),
        ("python-client@2.6.17", True),
        ("python-client@3.0.2", False),
        ("javascript@2.3.5", True),
        ("javascript@2.3.50", False),
        ("java-v1@2.3.10", True),
        ("java-v1@2.2", False),
        ("go-v1@local build", False),
    ],
)
def test_targets_and_versions(label: str, meant: bool):
    assert any(target.matches(label) for target in entries()[0].targets) is meant


@pytest.mark.parametrize(
    ("pattern", "case", "meant"),
    [
        ("a/b", "a/b", True),
        ("a/*", "a/b[c=d]", True),
        ("a/names[partition=x]", "a/names[partition=x]", True),
        ("a/names[partition=*]", "a/names[partition=x y]", True),
        ("a/[bc]", "a/b", False),
        ("a/?", "a/b", True),
        ("a/b", "a/b[c=d]", False),
    ],
)
def test_only_stars_and_question_marks_are_special_in_cases(pattern: str, case: str, meant: bool):
    assert case_matches(pattern, case) is meant


def test_values_are_pinned_exactly():
    _, code, reason, effect, value = entries()
    assert code.pins(None, "not exposed")
    assert not code.pins(1, "1")
    assert reason.pins("Code: Refused", "Code: Refused")
    assert not reason.pins("x Code: Refused", "x Code: Refused")
    assert effect.pins({"database": {"book": {"partitions": ("_default", "novel")}}}, "")
    assert not effect.pins({"database": {"book": {"partitions": ["_default"]}}}, "")
    assert value.pins(("_default", "novel"), "")
    assert not value.pins(("novel",), "")


def test_types_are_part_of_a_value():
    text = "schema: 1\ndifferences:\n  - {case: a, targets: [b], facet: value, actual: 1, class: server, why: x}\n"
    (entry,) = parse_ledger(text, "x").entries
    assert entry.pins(1, "1")
    assert not entry.pins(True, "true")
    assert not entry.pins("1", "1")


@pytest.mark.parametrize(
    ("kind", "version", "places"),
    [
        ("embedded", "2.3.5", [1, 2, 3, 4]),
        ("lite", "3.2.2", [0]),
        ("external", "2.5.1", []),
        ("external", "v2.3.9", [1, 2, 3, 4]),
    ],
)
def test_entries_are_about_their_servers(kind: str, version: str, places: list[int]):
    ledger = load_ledger(CORPUS / "valid" / "full.yaml")
    assert [entry.place for entry in ledger.for_server(ServerInfo(kind=kind, version=version))] == places


def test_steps_by_number_or_operation():
    first, second, *_ = entries()
    assert first.is_at(2, "drop")
    assert not first.is_at(1, "drop")
    assert second.is_at(7, "drop")
    assert not second.is_at(7, "has")

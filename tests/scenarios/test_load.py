"""Scenario files: what is read, and how slips are told."""

from pathlib import Path

import pytest
from milvus_parity.model.errors import BadInputError, ExitCode
from milvus_parity.model.scenario import Case, DatabaseName, FaultStep, SdkStep
from milvus_parity.packs.discover import packaged
from milvus_parity.scenarios.load import load_all, load_file

HEAD = "schema: 1\ntitle: A title\n"
GIVEN = "given:\n  book: {partitions: [novel]}\n"


def write(folder: Path, text: str, name: str = "topic/case.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, text: str) -> list[Case]:
    return load_file(write(folder, text), folder)


def one(folder: Path, text: str) -> Case:
    (case,) = load(folder, text)
    return case


def test_a_client_is_connected_before_its_first_step(tmp_path: Path) -> None:
    case = one(tmp_path, HEAD + GIVEN + "steps:\n  - drop: {collection: book, partition: novel}\n    expect: ok\n")
    assert [step.operation for step in case.steps if isinstance(step, SdkStep)] == ["connect", "drop"]
    assert [step.id for step in case.steps] == [1, 2]
    assert case.id == "topic/case"


def test_the_place_of_a_step_is_that_of_its_word(tmp_path: Path) -> None:
    case = one(tmp_path, HEAD + GIVEN + "steps:\n  - drop: {collection: book, partition: novel}\n    expect: ok\n")
    step = case.steps[1]
    assert step.location is not None
    assert (step.location.line, step.location.column) == (6, 5)


def test_parameters_are_a_matrix_and_cases_are_rows(tmp_path: Path) -> None:
    text = (
        HEAD
        + GIVEN
        + (
            "cases:\n  hyphen: {name: bad-name}\n  long: {name: {text: ab, times: 3}}\n"
            "parameters:\n  who: {first: A, second: B}\n"
            "steps:\n  - drop: {collection: book, partition: $name}\n    as: $who\nexpect: same\n"
        )
    )
    cases = load(tmp_path, text)
    assert [case.id for case in cases] == [
        "topic/case[hyphen,who=first]",
        "topic/case[hyphen,who=second]",
        "topic/case[long,who=first]",
        "topic/case[long,who=second]",
    ]
    step = cases[2].steps[1]
    assert isinstance(step, SdkStep)
    assert step.arguments["partition"] == "ababab"
    assert [step.client for step in cases[1].steps if isinstance(step, SdkStep)] == ["B", "B"]


def test_a_dollar_sign_can_be_said(tmp_path: Path) -> None:
    text = (
        HEAD + GIVEN + "unknown: [$$novel]\nsteps:\n  - drop: {collection: book, partition: $$novel}\n    expect: ok\n"
    )
    step = one(tmp_path, text).steps[1]
    assert isinstance(step, SdkStep)
    assert step.arguments["partition"] == "$novel"


def test_null_is_a_name(tmp_path: Path) -> None:
    step = one(tmp_path, HEAD + GIVEN + "steps:\n  - drop: {collection: book, partition: null}\nexpect: same\n").steps[
        1
    ]
    assert isinstance(step, SdkStep)
    assert step.arguments == {"collection": "book", "partition": None}


def test_databases_of_the_harness_are_no_literals(tmp_path: Path) -> None:
    text = HEAD + (
        "given:\n  databases:\n    other: {book: {partitions: [novel]}}\n    default: {book: {}}\n"
        "unknown: [nowhere]\n"
        "steps:\n  - use: {database: other}\n  - use: {database: default}\n  - use: {database: nowhere}\nexpect: same\n"
    )
    case = one(tmp_path, text)
    assert [step.arguments["database"] for step in case.steps[1:] if isinstance(step, SdkStep)] == [
        DatabaseName(logical="other"),
        "default",
        "nowhere",
    ]
    assert case.exclusive
    assert case.requires.features == ("databases",)


def test_faults_are_steps_of_the_harness(tmp_path: Path) -> None:
    text = (
        HEAD
        + GIVEN
        + (
            "steps:\n  - connect\n  - server: gone\n  - drop: {collection: book, partition: novel}\n"
            "    expect: {any of: [transport failure, deadline]}\n"
        )
    )
    case = one(tmp_path, text)
    assert isinstance(case.steps[1], FaultStep)
    drop = case.steps[2]
    assert isinstance(drop, SdkStep)
    assert drop.expect is not None
    assert [allowed.result for allowed in drop.expect.any_of] == ["transport failure", "deadline"]


def test_features_follow_from_the_steps(tmp_path: Path) -> None:
    text = (
        HEAD + "given:\n  book: {partitions: [novel], loaded: [novel], alias: shelf}\nsteps:\n  - close\nexpect: same\n"
    )
    assert one(tmp_path, text).requires.features == ("aliases", "load_partitions")


WRONG = {
    "no YAML": ("schema: 1\ntitle: [\n", "no valid YAML", 3),
    "empty": ("", "empty", 1),
    "no mapping": ("- a\n", "must be a mapping", 1),
    "unknown key": (HEAD + "stepps: []\n", "Did you mean 'steps'?", 3),
    "unknown word": (HEAD + GIVEN + "steps:\n  - dropp: {collection: book}\n", "Did you mean 'drop'?", 6),
    "unknown argument": (
        HEAD + GIVEN + "steps:\n  - drop: {collection: book, partiton: novel}\n",
        "Did you mean 'partition'?",
        6,
    ),
    "argument lacks": (HEAD + GIVEN + "steps:\n  - drop: {collection: book}\n", "lacks 'partition'", 6),
    "key twice": (HEAD + "title: Again\n", "a second time", 3),
    "newer": ("schema: 2\nfuture: yes\n", "Install a newer milvus-parity", 1),
    "schema is a word": ("schema: one\n", "whole number", 1),
    "nobody made it": (
        HEAD + GIVEN + "steps:\n  - drop: {collection: book, partition: nowel}\n    expect: ok\n",
        "Did you mean 'novel'?",
        6,
    ),
    "nobody made the collection": (
        HEAD + GIVEN + "steps:\n  - drop: {collection: boook, partition: novel}\n    expect: ok\n",
        "Did you mean 'book'?",
        6,
    ),
    "expects nothing": (HEAD + GIVEN + "steps:\n  - close\n", "expects nothing", 1),
    "unknown outcome": (
        HEAD + GIVEN + "steps:\n  - close:\n    expect: refuzed\n",
        "Did you mean 'refused'?",
        7,
    ),
    "refused by whom": (
        HEAD + GIVEN + "steps:\n  - close:\n    expect: {refused: {by: me}}\n",
        "'client' or 'server'",
        7,
    ),
    "no parameter": (HEAD + GIVEN + "steps:\n  - drop: {collection: book, partition: $nmae}\n", "no parameter", 6),
    "rows differ": (
        HEAD + "cases:\n  one: {a: 1}\n  two: {b: 1}\nsteps:\n  - close\n",
        "other parameters than the first",
        5,
    ),
    "two operations": (HEAD + GIVEN + "steps:\n  - has: {}\n    drop: {}\n", "exactly one operation", 6),
    "no steps": (HEAD + GIVEN + "steps: []\n", "has no steps", 5),
    "client": (HEAD + GIVEN + "steps:\n  - close:\n    as: bob\n", "one capital letter", 7),
    "range": (HEAD + "requires: {milvus: new}\nsteps:\n  - close\nexpect: same\n", "no version range", 3),
    "feature": (HEAD + "requires: {features: [magic]}\nsteps:\n  - close\nexpect: same\n", "no feature", 3),
    "server": (HEAD + "steps:\n  - server: asleep\n", "cannot be 'asleep'", 4),
    "surrogate": (HEAD + 'unknown: ["\\ud800"]\nsteps:\n  - close\nexpect: same\n', "surrogate", 3),
    "loads nothing": (
        HEAD + "given:\n  book: {loaded: [novel]}\nsteps:\n  - close\n",
        "no partition 'novel' to load",
        4,
    ),
    "itself": (HEAD + "given: &g\n  book: *g\n", "contains itself|no valid YAML", None),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_slips_are_told_with_their_place(name: str, tmp_path: Path) -> None:
    text, words, line = WRONG[name]
    with pytest.raises(BadInputError) as caught:
        load(tmp_path, text)
    assert any(word in str(caught.value) for word in words.split("|")), str(caught.value)
    assert caught.value.where is not None
    if line is not None:
        assert caught.value.where.split("case.yaml:")[1].split(":")[0] == str(line), str(caught.value)
    assert caught.value.exit_code == ExitCode.BAD_INPUT


def test_a_file_that_is_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / "topic" / "case.yaml"
    path.parent.mkdir()
    path.write_bytes(b"schema: 1\ntitle: \xff\n")
    with pytest.raises(BadInputError, match="no UTF-8") as caught:
        load_file(path, tmp_path)
    assert str(caught.value.where).endswith("case.yaml:2:1")


def test_two_cases_of_one_id(tmp_path: Path) -> None:
    text = HEAD + GIVEN + "steps:\n  - close\nexpect: same\n"
    write(tmp_path / "a", text)
    write(tmp_path / "b", text)
    with pytest.raises(BadInputError, match="two cases with the id 'topic/case'"):
        load_all([tmp_path / "a", tmp_path / "b"])


def test_the_scenarios_that_come_along_are_right() -> None:
    cases = load_all([packaged("scenarios")])
    assert len(cases) > 50
    assert all(case.id.startswith("drop_partition/") for case in cases)

"""Commands that need neither server nor toolchain."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from milvus_parity.cli.schema_command import KINDS, schema_of
from milvus_parity.packs.discover import packaged


def parity(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "milvus_parity", *map(str, arguments)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_help_names_every_command() -> None:
    said = parity("--help").stdout
    for command in ("run", "list", "render", "report", "replay", "diff", "bisect", "known", "merge", "docs", "doctor"):
        assert f"\n  {command} " in said


def test_list_shows_cases_and_targets() -> None:
    said = parity("list", "--target", "python-orm", "--scenario", "drop_partition/partition_names").stdout
    assert "python-orm@2.3.7" in said
    assert "[256 characters]" in said


def test_render_shows_what_is_run() -> None:
    said = parity("render", "--target", "python-client", "--scenario", "drop_partition/twice").stdout
    assert said.count("client.drop_partition(") == 2


def test_render_into_a_folder(tmp_path: Path) -> None:
    parity("render", "--target", "java-v1", "--scenario", "drop_partition/twice", "--program", "--out", tmp_path)
    (file,) = tmp_path.rglob("*.java")
    assert 'withPartitionName("novel")' in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_schemas_are_schemas(kind: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(parity("schema", kind).stdout))


def test_the_ledger_that_comes_along_is_valid_against_the_schema() -> None:
    import datetime

    from ruamel.yaml import YAML

    validator = jsonschema.Draft202012Validator(schema_of("ledger"))
    ledger = YAML(typ="safe").load((packaged("scenarios") / "known_differences.yaml").read_text("utf-8"))
    for entry in ledger["differences"]:
        if isinstance(entry.get("review"), datetime.date):
            entry["review"] = entry["review"].isoformat()
    assert [error.message for error in validator.iter_errors(ledger)] == []
    assert list(validator.iter_errors({"schema": 1, "findings": [{"page": "a.md", "kind": "raised"}]}))


def test_the_scenarios_that_come_along_are_valid_against_the_schema() -> None:
    from ruamel.yaml import YAML

    validator = jsonschema.Draft202012Validator(schema_of("scenario"))
    files = sorted((packaged("scenarios") / "drop_partition").glob("*.yaml"))
    assert files
    for file in files:
        errors = [error.message for error in validator.iter_errors(YAML(typ="safe").load(file.read_text("utf-8")))]
        assert not errors, (file.name, errors[:3])


def test_doctor_says_what_is_here() -> None:
    said = parity("doctor").stdout
    assert "Python: python-orm, python-client" in said


def test_a_pack_that_is_wrong_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "runners" / "elvish"
    folder.mkdir(parents=True)
    (folder / "pack.toml").write_text('schema = 1\nlangage = "elvish"\n')
    said = parity("list", "--runners", tmp_path / "runners", code=2).stderr
    assert "pack.toml" in said
    assert "Did you mean 'language'?" in said


def test_a_newer_pack_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "runners" / "elvish"
    folder.mkdir(parents=True)
    (folder / "pack.toml").write_text("schema = 99\n")
    assert "Install a newer milvus-parity" in parity("list", "--runners", tmp_path / "runners", code=2).stderr

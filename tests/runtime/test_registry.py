"""Registries that answer, refuse, say nothing or are not there."""

import asyncio
import time
from pathlib import Path

import msgspec
import pytest
from engine.sixth_language import write_pack
from milvus_parity.packs.discover import discover, select_targets
from milvus_parity.packs.pack import Pack
from milvus_parity.packs.versions import Releases
from milvus_parity.runtime import registry
from milvus_parity.runtime.registry import Registry


def packs_with(tmp_path: Path, command: str, pattern: str = r"v(\\d+\\.\\d+\\.\\d+)") -> dict[str, Pack]:
    folder = write_pack(tmp_path / "runners")
    description = folder / "pack.toml"
    text = description.read_text(encoding="utf-8")
    asking = (
        f'[versions]\ncommands = [["sh", "-c", {msgspec.json.encode(command).decode()}]]\npattern = "{pattern}"\n\n'
    )
    text = text.replace("[resolve]\n", asking + "[resolve]\n", 1)
    text = text.replace('versions = { "2.3" = "1.0" }', 'versions = { "2.3" = "1.0" }\nknown = ["0.9"]')
    description.write_text(text, encoding="utf-8")
    return discover([tmp_path / "runners"])


def ask(tmp_path: Path, packs: dict[str, Pack]) -> Releases:
    return asyncio.run(Registry(tmp_path / "cache").releases(packs, ["perl"]))["perl"]


def test_what_it_says_is_joined_with_what_the_pack_knows(tmp_path: Path) -> None:
    packs = packs_with(tmp_path, "echo {package} v1.2.0 v1.10.0 v1.2.0 nonsense; echo $PARITY_TARGET >&2")
    found = ask(tmp_path, packs)
    assert found == Releases(versions=("0.9", "1.0", "1.2.0", "1.10.0"), asked=True)
    labels = [one.label for one in select_targets(packs, ["perl@1.1.."], "2.3.5", {"perl": found})]
    assert labels == ["perl@1.2.0", "perl@1.10.0"]


def test_it_is_asked_once_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packs = packs_with(tmp_path, f"echo asked >> {tmp_path}/asked; echo v1.2.0")
    ask(tmp_path, packs)
    ask(tmp_path, packs)
    assert (tmp_path / "asked").read_text() == "asked\n"
    later = time.time() + registry.FRESH_SECONDS + 1
    monkeypatch.setattr(registry.time, "time", lambda: later)
    ask(tmp_path, packs)
    assert (tmp_path / "asked").read_text() == "asked\nasked\n"


def test_a_registry_that_is_gone_is_a_sentence_and_the_pack_s_own_list(tmp_path: Path) -> None:
    found = ask(
        tmp_path,
        packs_with(
            tmp_path, "echo npm error code 1; echo getaddrinfo ENOTFOUND registry >&2; echo see the log; exit 1"
        ),
    )
    assert found.versions == ("0.9", "1.0")
    assert not found.asked
    assert found.note is not None
    assert "getaddrinfo ENOTFOUND registry" in found.note
    assert "The releases that the pack knows are taken instead." in found.note


def test_what_it_said_before_is_better_than_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packs = packs_with(tmp_path, f"test ! -e {tmp_path}/down && echo v1.2.0")
    assert ask(tmp_path, packs).asked
    (tmp_path / "down").touch()
    later = time.time() + registry.FRESH_SECONDS + 1
    monkeypatch.setattr(registry.time, "time", lambda: later)
    found = ask(tmp_path, packs)
    assert found.versions == ("0.9", "1.0", "1.2.0")
    assert found.note is not None
    assert "What the registry said on" in found.note


def test_an_answer_without_versions_is_no_answer(tmp_path: Path) -> None:
    found = ask(tmp_path, packs_with(tmp_path, "echo you are in a captive portal"))
    assert found.note == (
        "What the registry says of Toy::Milvus names no version. The releases that the pack knows are taken instead."
    )


def test_a_damaged_memory_is_asked_anew(tmp_path: Path) -> None:
    packs = packs_with(tmp_path, "echo v1.2.0")
    ask(tmp_path, packs)
    (kept,) = (tmp_path / "cache" / "versions").glob("*.json")
    kept.write_text('{"asked": 17')
    assert ask(tmp_path, packs).asked


def test_a_pack_that_cannot_ask_says_so(tmp_path: Path) -> None:
    write_pack(tmp_path / "runners")
    found = ask(tmp_path, discover([tmp_path / "runners"]))
    assert found == Releases(versions=("1.0",), note="The pack of Perl does not say how to ask for releases.")

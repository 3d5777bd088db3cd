"""Builds of one's own in images: part of the context and of the key, and where the scripts of packs look for them."""

from pathlib import Path

import pytest
from engine.sixth_language import write_pack
from milvus_parity.model.target import Target
from milvus_parity.packs.discover import packaged, read_pack, target_of
from milvus_parity.packs.pack import Pack
from milvus_parity.runtime.containers import inputs

RELEASE = Target(name="perl", language="perl", title="Perl", package="Toy::Milvus", version="1.0")


def build(path: Path) -> Target:
    return Target(
        name="perl", language="perl", title="Perl", package="Toy::Milvus", version="1.0+local.1", source=str(path)
    )


def pack(tmp_path: Path) -> Pack:
    folder = write_pack(tmp_path / "runners")
    (folder / "Dockerfile").write_text("ARG BASE=perl:5\nFROM ${BASE}\n")
    return read_pack(folder)


def test_a_file_lies_in_the_pack(tmp_path: Path) -> None:
    wheel = tmp_path / "toy-1.0.whl"
    wheel.write_bytes(b"wheel")
    target = build(wheel)
    files = inputs.context_files(pack(tmp_path), target)
    assert files["support/local/toy-1.0.whl"] == wheel
    assert inputs.build_arguments("perl:5", target)["SOURCE"] == "/opt/parity/pack/support/local/toy-1.0.whl"
    assert inputs.places(target)["source"] == "/opt/parity/pack/support/local/toy-1.0.whl"


def test_a_folder_lies_there_without_what_is_no_source(tmp_path: Path) -> None:
    module = tmp_path / "module"
    for name in ("go.mod", "client/client.go", ".git/HEAD", "node_modules/x/index.js"):
        (module / name).parent.mkdir(parents=True, exist_ok=True)
        (module / name).write_text(name)
    files = inputs.source_files(build(module))
    assert files == {
        "support/local/module/client/client.go": module / "client/client.go",
        "support/local/module/go.mod": module / "go.mod",
    }


def test_a_release_has_nothing_of_it(tmp_path: Path) -> None:
    found = pack(tmp_path)
    assert inputs.context_files(found, RELEASE) == inputs.context_files(found)
    assert "SOURCE" not in inputs.build_arguments("perl:5", RELEASE)
    assert inputs.places(RELEASE)["source"] == ""


@pytest.mark.parametrize("language", ["python", "java", "go", "javascript", "csharp"])
def test_every_pack_hands_it_to_its_script(language: str) -> None:
    found = read_pack(packaged("runners") / language)
    dockerfile = (found.folder / "Dockerfile").read_text()
    assert "\nARG SOURCE\n" in dockerfile
    assert 'PARITY_SOURCE="${SOURCE}"' in dockerfile
    assert "PARITY_SOURCE" in (found.folder / "support" / "resolve.sh").read_text()
    assert found.spec.builds
    name = next(iter(found.spec.targets))
    assert "support/resolve.sh" in inputs.context_files(found, target_of(found, name, "1"))

import io
import tarfile
from pathlib import Path

import certifi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from milvus_parity.model.errors import BadInputError
from milvus_parity.packs.discover import read_pack, target_of
from milvus_parity.packs.pack import Pack
from milvus_parity.runtime.containers import inputs
from milvus_parity.runtime.containers.inputs import Content
from milvus_parity.runtime.containers.settings import ContainerSettings

PACK = """
schema = 1
language = "tiny"
title = "Tiny"
extension = "py"
support = ["support"]
[targets.tiny]
title = "Tiny"
package = "tiny"
templates = ["templates/v1", "templates"]
versions = { "2.3" = "1.0" }
[[files]]
template = "program.py.jinja"
path = "{program}.py"
[resolve]
commands = [["true"]]
[build]
commands = [["true"]]
[worker]
command = ["true"]
"""


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    folder = tmp_path / "tiny"
    for name, text in {
        "pack.toml": PACK,
        "Dockerfile": "ARG BASE=python:3.11-slim\nFROM ${BASE}\nCOPY . /opt/parity/pack\n",
        "templates/program.py.jinja": "",
        "templates/literal.jinja": "",
        "support/resolve.sh": "echo",
        "support/__pycache__/x.pyc": "",
        "notes.txt": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "support/resolve.sh").chmod(0o755)
    return read_pack(folder)


def key(pack: Pack, settings: ContainerSettings | None = None, version: str = "1.0") -> str:
    files = inputs.read_files(inputs.context_files(pack))
    chosen = settings or ContainerSettings()
    return inputs.sdk_key(files, inputs.base_image(pack, chosen), target_of(pack, "tiny", version), chosen)


def test_templates_and_the_description_are_no_inputs_of_an_image(pack: Pack) -> None:
    assert sorted(inputs.context_files(pack)) == ["Dockerfile", "notes.txt", "support/resolve.sh"]
    before = key(pack)
    (pack.folder / "templates/program.py.jinja").write_text("better")
    (pack.folder / "pack.toml").write_text(PACK + "\n# better")
    assert key(pack) == before
    (pack.folder / "support/resolve.sh").write_text("echo other")
    assert key(pack) != before


def test_dockerignore_is_honoured(pack: Pack) -> None:
    (pack.folder / ".dockerignore").write_text("# notes\n*.txt\n")
    assert sorted(inputs.context_files(pack)) == ["Dockerfile", "support/resolve.sh"]


def test_the_key_is_of_what_an_image_is_and_not_of_how_it_came(pack: Pack, tmp_path: Path) -> None:
    feed = tmp_path / "feed"
    feed.mkdir()
    (feed / "a.nupkg").write_bytes(b"1")
    bundle = tmp_path / "ca.pem"
    bundle.write_text(certifi.contents())
    plain = key(pack)
    assert key(pack, version="1.1") != plain
    assert key(pack, ContainerSettings(bases={"tiny": "other"})) != plain
    assert key(pack, ContainerSettings(ca_bundle=bundle, build_environment={"HTTPS_PROXY": "http://p"})) == plain
    with_feed = key(pack, ContainerSettings(build_files={"/feed": feed}))
    assert with_feed != plain
    (feed / "a.nupkg").write_bytes(b"2")
    assert key(pack, ContainerSettings(build_files={"/feed": feed})) != with_feed


def test_a_dockerfile_without_a_base_is_refused(pack: Pack) -> None:
    assert inputs.base_image(pack, ContainerSettings()) == "python:3.11-slim"
    assert inputs.base_image(pack, ContainerSettings(bases={"tiny": "mine"})) == "mine"
    (pack.folder / "Dockerfile").write_text("FROM python\n")
    with pytest.raises(BadInputError, match="names no base image"):
        inputs.base_image(pack, ContainerSettings())


def test_archives_are_the_same_for_the_same_files_and_belong_to_the_owner() -> None:
    files = {"work/b/c": Content(b"1"), "work/a": Content(b"2", executable=True)}
    made = inputs.archive(files, folders=("build",), owner=(7, 8))
    assert made == inputs.archive(dict(reversed(files.items())), folders=("build",), owner=(7, 8))
    with tarfile.open(fileobj=io.BytesIO(made)) as tar:
        members = tar.getmembers()
    assert [(m.name, m.isdir(), oct(m.mode), m.uid, m.gid, m.mtime) for m in members] == [
        ("build", True, "0o755", 7, 8, 0),
        ("work", True, "0o755", 7, 8, 0),
        ("work/b", True, "0o755", 7, 8, 0),
        ("work/a", False, "0o755", 7, 8, 0),
        ("work/b/c", False, "0o644", 7, 8, 0),
    ]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=30))
def test_values_of_variables_are_quoted_so_that_they_stay(value: str) -> None:
    (line,) = inputs.environment_lines({"NAME": value})
    assert line.startswith('ENV NAME="')
    assert line.endswith('"')
    quoted, read, at = line[len('ENV NAME="') : -1], "", 0
    while at < len(quoted):  # as the engine reads it: a backslash takes the next character as it is
        assert quoted[at] not in '"$'
        at += quoted[at] == "\\"
        read, at = read + quoted[at], at + 1
    assert read == value


def test_a_line_break_in_a_variable_is_refused() -> None:
    with pytest.raises(BadInputError, match="line break"):
        inputs.environment_lines({"NAME": "a\nb"})


def test_a_prepared_base_has_authorities_variables_and_files(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text(certifi.contents())
    prepared = inputs.prepared_base(
        "base",
        ContainerSettings(
            ca_bundle=bundle,
            build_environment={"HTTPS_PROXY": "http://p:1", "PIP_CERT": "/mine"},
            build_files={"/root/.npmrc": bundle},
        ),
    )
    lines = prepared.dockerfile.splitlines()
    assert lines[:3] == ["FROM base", "USER 0", "COPY files/ /"]
    assert 'ENV PIP_CERT="/mine"' in lines, "what the user says goes before what the bundle implies"
    assert 'ENV SSL_CERT_FILE="/opt/parity-ca/bundle.pem"' in lines
    java = next(line for line in lines if line.startswith("ENV JAVA_TOOL_OPTIONS"))
    assert "trustStore=/opt/parity-ca/truststore.jks" in java
    assert "-Dhttps.proxyHost=p" in java
    assert set(prepared.files) == {
        "files/root/.npmrc",
        "files/opt/parity-ca/bundle.pem",
        "files/opt/parity-ca/truststore.jks",
    }


def test_a_bundle_that_is_none_is_refused(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("nothing")
    with pytest.raises(BadInputError, match="no certificate"):
        inputs.prepared_base("base", ContainerSettings(ca_bundle=bundle))


def test_what_is_kept_knows_nothing_of_how_it_was_fetched() -> None:
    before = ["PATH=/bin", "HTTPS_PROXY=http://user:word@p", "SSL_CERT_FILE=/opt/parity-ca/bundle.pem"]
    now = {
        "Env": [*before, "MAVEN_HOME=/opt/parity/maven", "ODD=a b"],
        "User": "65534:65534",
        "WorkingDir": "/opt/parity/sdk",
    }
    assert inputs.kept_dockerfile("base", "fetched:tag", now, before).splitlines() == [
        "FROM base",
        "COPY --from=fetched:tag /opt/parity /opt/parity",
        'ENV MAVEN_HOME="/opt/parity/maven"',
        'ENV ODD="a b"',
        "WORKDIR /opt/parity/sdk",
        "USER 65534:65534",
    ]


def test_names_of_images_are_names(pack: Pack) -> None:
    odd = target_of(pack, "tiny", "2.0.0+build/7 é")
    tag = inputs.sdk_tag(odd, "0123456789abcdef")
    assert tag == "milvus-parity/sdk-tiny:2.0.0-build-7-0123456789ab"
    assert inputs.tag_words("+++") == "none"


def test_labels_are_one_instruction_at_the_end() -> None:
    files = {"Dockerfile": Content(b"FROM x\nUSER 1\n"), "a": Content(b"")}
    made = inputs.labelled(files, {"b": "2", "a": "1"})
    assert made["Dockerfile"].data == b'FROM x\nUSER 1\nLABEL a="1" b="2"\n'
    assert made["a"] == files["a"]

"""What each template of each pack says, as a reader of the docs would see it. ``--update-golden`` rewrites."""

from pathlib import Path

import msgspec
import pytest
from milvus_parity.model.operations import OPERATIONS
from milvus_parity.model.scenario import Argument, Case, DatabaseName, Location, SdkStep
from milvus_parity.model.target import Target
from milvus_parity.packs.discover import all_target_names, discover, packaged, target_of
from milvus_parity.packs.pack import Pack
from milvus_parity.packs.render import Renderer

GOLDEN = Path(__file__).parent / "golden"
PACKS = discover([packaged("runners")])
BOOK: dict[str, Argument] = {"collection": "book"}
NOVEL: dict[str, Argument] = {**BOOK, "partition": "novel"}
ARGUMENTS: dict[str, list[dict[str, Argument]]] = {
    "connect": [
        {},
        {"database": DatabaseName(logical="other")},
        {"database": "no_such_database"},
        {"user": "root", "password": "not-the-password"},
        {"timeout": 3.0},
    ],
    "close": [{}],
    "use": [{"database": DatabaseName(logical="other")}, {"database": "no_such_database"}],
    "create": [NOVEL],
    "drop": [NOVEL, {**NOVEL, "timeout": 2.0}, {**NOVEL, "timeout": 0.001}, {**BOOK, "partition": None}],
    "has": [NOVEL],
    "list": [BOOK],
    "load": [{**BOOK, "partitions": ("novel", "poetry")}],
    "release": [{**BOOK, "partitions": ("novel", "poetry")}],
    "load_collection": [BOOK],
    "release_collection": [BOOK],
    "load_state": [NOVEL],
    "insert": [{**BOOK, "ids": (1, 2)}, {**NOVEL, "ids": (1,)}],
    "count": [BOOK, {**BOOK, "partitions": ("novel",)}],
    "query": [{**BOOK, "filter": "id in [1, 2]"}, {**BOOK, "filter": "id >= 0", "partitions": ("novel",)}],
    "echo": [{"text": 'a"b\\c${d}\n\0é\u202e😀'}],
}


def targets() -> list[tuple[Pack, Target]]:
    """Every target in each of its versions."""
    return [
        (pack, target_of(pack, name, version))
        for name, pack in all_target_names(PACKS).items()
        for version in dict.fromkeys(pack.spec.targets[name].versions.values())
    ]


def rendered(pack: Pack, target: Target, operation: str) -> str:
    renderer = Renderer(pack, target)
    parts = []
    for client in ("A", "B"):
        for arguments in ARGUMENTS[operation] if client == "A" else ARGUMENTS[operation][:1]:
            step = SdkStep(id=1, operation=operation, arguments=arguments, client=client)
            snippet = renderer.snippet(step)
            words = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
            parts.append(f"=== {operation}({words}) as {client}\n")
            if snippet.unsupported:
                parts.append(f"(unsupported: {snippet.unsupported})\n")
            else:
                parts += [f"+ {name}\n" for name in snippet.imports]
                parts += [f"{name} = {value}\n" for name, value in sorted(snippet.names.items()) if value]
                parts.append("---\n" + snippet.text)
    return "".join(parts)


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
@pytest.mark.parametrize("name", sorted(all_target_names(PACKS)))
def test_templates(name: str, operation: str, update_golden: bool) -> None:
    """Versions that say the same share a file; it is named after the oldest of them."""
    said: dict[str, str] = {}
    for pack, target in targets():
        if target.name == name:
            said.setdefault(rendered(pack, target, operation), target.version)
    folder = GOLDEN / name
    files = {folder / f"{operation}@{version}.txt": text for text, version in said.items()}
    found = {path: path.read_text(encoding="utf-8") for path in folder.glob(f"{operation}@*.txt")}
    if update_golden:
        for path in found:
            path.unlink()
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
    else:
        assert found == files


@pytest.mark.parametrize(("pack", "target"), targets(), ids=lambda value: getattr(value, "label", ""))
def test_what_is_shown_is_what_is_run(pack: Pack, target: Target) -> None:
    """The text of a step in the program is, byte for byte, the text of the snippet."""
    renderer = Renderer(pack, target)
    steps = [
        SdkStep(id=number, operation=operation, arguments=arguments, client=client)
        for number, (operation, arguments, client) in enumerate(
            (
                (operation, arguments, client)
                for operation, variants in ARGUMENTS.items()
                for arguments in variants
                for client in ("A", "B")
            ),
            1,
        )
    ]
    case = Case(
        id="topic/all", title="All", scenario="topic/all", location=Location(file="f", line=1), steps=tuple(steps)
    )
    program = renderer.program(case, 7)
    assert {span.step for span in program.spans} == {
        snippet.step for snippet in program.snippets if snippet.unsupported is None
    }
    for span in program.spans:
        lines = program.files[span.file].split("\n")[span.first - 1 : span.last]
        snippet = next(snippet for snippet in program.snippets if snippet.step == span.step)
        assert "\n".join(lines) + "\n" == snippet.text
        assert program.step_at(span.file, span.first) == span
    sources = renderer.sources([program])
    for path, text in program.files.items():
        assert sources[path] == text


def test_every_value_is_msgspec_safe() -> None:
    """Cases with every kind of argument survive being stored."""
    for variants in ARGUMENTS.values():
        for arguments in variants:
            step = SdkStep(id=1, operation="echo", arguments=arguments)
            assert msgspec.json.decode(msgspec.json.encode(step), type=SdkStep) == step

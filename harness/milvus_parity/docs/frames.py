"""Fences inside the frames of their packs: programs that the engine builds and runs like any other."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from milvus_parity.docs import python_source
from milvus_parity.docs.code import Code, rewritten
from milvus_parity.docs.dialect import Dialect
from milvus_parity.docs.fixtures import Fixture
from milvus_parity.model.program import Program, Snippet
from milvus_parity.model.scenario import Argument, Case, Frozen, GivenDatabase, Location, SdkStep
from milvus_parity.model.target import FileSpec
from milvus_parity.packs.pack import Pack
from milvus_parity.packs.render import Renderer

CONNECT = 1
"""The step that connects and gives what a fence takes from elsewhere."""


class Mark(Frozen, frozen=True, kw_only=True):
    """Where a step of the program stands on the page: which fence of the chain, and its first line in the body."""

    chain: int
    line: int


class Job(Frozen, frozen=True, kw_only=True):
    """A fence to be compiled and, where ``runs``, run. ``chain``: the earlier fences it goes on from, and itself."""

    key: str
    path: str
    chain: tuple[Code, ...]
    program: Program
    case: Case
    marks: Mapping[int, Mark]
    runs: bool
    given: tuple[str, ...] = ()

    @property
    def code(self) -> Code:
        """The fence that is looked at."""
        return self.chain[-1]


def fence_pack(pack: Pack, target: str) -> Pack:
    """The pack with its frame for fences instead of that for scenarios, where it has one."""
    extension = pack.spec.extension
    folders = [pack.folder / folder for folder in pack.spec.targets[target].templates]

    def has(template: str) -> bool:
        return any((folder / template).exists() for folder in folders)

    if not has(f"fence.{extension}.jinja"):
        return pack
    apart = has(f"fences.{extension}.jinja")
    files = [file for file in pack.spec.files if file.per == "build"]
    for file in pack.spec.files:
        if file.per == "program":
            path = f"{{program}}/{{program}}.{extension}" if apart else file.path
            files.append(FileSpec(template=f"fence.{extension}.jinja", path=path))
    if apart:
        files.append(FileSpec(template=f"fences.{extension}.jinja", path=f"fences.{extension}", per="build"))
    return msgspec.structs.replace(pack, spec=msgspec.structs.replace(pack.spec, files=tuple(files)))


def given_names(chain: Sequence[Code], dialect: Dialect) -> tuple[str, ...]:
    """The names that a chain of fences uses, does not declare, and that a fixture can give."""

    given: list[str] = []
    declared: set[str] = set()
    for code in chain:
        for name in dialect.spec.clients:
            package = dialect.spec.packages.get(name)
            if package and re.search(package, code.plain):
                continue
            if name in code.words and name not in declared and (name in code.qualifiers or name not in code.declared):
                given.append(name)
        if dialect.language == "python":
            missing = {name for name, _, _ in python_source.undefined(code.text, frozenset(declared))}
            given = [name for name in given if name in missing or name in declared]
            given += [name for name in ("collection", "partition") if name in missing]
        declared |= set(code.declared)
    return tuple(dict.fromkeys(given))


def lent_names(chain: Sequence[Code], dialect: Dialect) -> tuple[str, ...]:
    """Names that a chain uses before it declares them and that the language's readers declare without a word."""
    return tuple(
        name
        for name in dialect.spec.lent
        for first in [next((code for code in chain if name in code.words), None)]
        if first is not None and name not in first.declared
    )


def make_job(
    renderer: Renderer,
    dialect: Dialect,
    *,
    key: str,
    number: int,
    path: str,
    chain: Sequence[Code],
    fixture: Fixture | None,
    names: tuple[str, str],
    connections: bool = True,
) -> Job:
    """The program of a fence. ``names``: the collection and the partition that a given variable stands for.

    ``connections``: connect to the server under test where the fence connects, and lend it what it lacks; without it,
    as the page says.
    """
    lent = "".join(f"{dialect.spec.lent[name]} " for name in lent_names(chain, dialect)) if connections else ""
    given = given_names(chain, dialect)
    assigned = _assigned(chain, dialect, given)
    connect = _connect(renderer, given, assigned, names)
    snippets = [connect] if connect.unsupported is None else []
    marks: dict[int, Mark] = {}
    announced = [CONNECT] if snippets else []
    for index, code in enumerate(chain):
        for line, text, kind in _pieces(code, dialect, connections):
            step = CONNECT + len(marks) + 1
            marks[step] = Mark(chain=index, line=line)
            snippets.append(
                Snippet(
                    step=step,
                    operation="fence",
                    client="",
                    text=(lent if step == CONNECT + 1 else "") + text.rstrip("\n") + "\n",
                    names={
                        "kind": kind,
                        "scope": _scope(code, chain[:index]),
                        "hoisted": code.hoisted,
                        "uses": code.qualifiers,
                        "declared": code.declared,
                    },
                )
            )
            if dialect.spec.stepwise:
                announced.append(step)
    last = chain[-1]
    if not dialect.spec.stepwise and last.kind == "statements":
        announced.append(CONNECT + len(marks))
    variables = ["address", "uri", *(["user", "password"] if renderer.authorization else []), "database"]
    place = Location(file=path, line=last.fence.line)
    return Job(
        key=key,
        path=path,
        chain=tuple(chain),
        program=renderer.assemble(f"p{number:04d}", key, tuple(snippets), variables),
        case=Case(
            id=key,
            title=key,
            scenario=key,
            location=place,
            databases={"database": GivenDatabase(collections=fixture.given if fixture else {})},
            steps=tuple(
                SdkStep(id=step, operation="connect" if step == CONNECT else "fence", location=place)
                for step in announced
            ),
            public=fixture.databases if fixture else {},
            details=True,
        ),
        marks=marks,
        runs=fixture is not None and bool(snippets[:1]) and connect.unsupported is None and last.kind == "statements",
        given=given,
    )


def _assigned(chain: Sequence[Code], dialect: Dialect, given: Sequence[str]) -> tuple[str, ...]:
    """Names that a fence assigns and nothing declares, where a program of the language may do that."""
    if dialect.assigned is None:
        return ()
    declared = {name for code in chain for name in code.declared} | set(given)
    names = [found[1] for code in chain for found in dialect.assigned.finditer(code.plain)]
    return tuple(dict.fromkeys(name for name in names if name not in declared))


def _scope(code: Code, earlier: Sequence[Code]) -> str:
    """``new`` when a fence declares again what an earlier one has declared."""
    before = {name for one in earlier for name in one.declared}
    return "new" if before & set(code.declared) else "same"


def _connect(renderer: Renderer, given: tuple[str, ...], assigned: tuple[str, ...], names: tuple[str, str]) -> Snippet:
    connect = renderer.snippet(SdkStep(id=CONNECT, operation="connect"))
    if connect.unsupported is not None:
        return connect
    text = connect.text
    if any(
        (renderer.pack.folder / folder / f"given.{renderer.pack.spec.extension}.jinja").exists()
        for folder in renderer.pack.spec.targets[renderer.target.name].templates
    ):
        arguments: dict[str, Argument] = {
            "given": given,
            "assigned": assigned,
            "authorization": renderer.authorization,
            "collection": names[0],
            "partition": names[1],
        }
        text += renderer.snippet(SdkStep(id=CONNECT, operation="given", arguments=arguments)).text
    more: dict[str, str | tuple[str, ...]] = {"given": given, "imports": connect.imports}
    return msgspec.structs.replace(connect, text=text, names={**connect.names, **more})


def _pieces(code: Code, dialect: Dialect, connections: bool) -> list[tuple[int, str, str]]:
    """What of a fence is a step by itself, with its first line and kind: each statement where the language is read so,
    functions and classes that stand among statements apart from them."""
    text = rewritten(code.text, dialect) if connections else code.text
    if dialect.language == "python":
        found = python_source.statements(text)
        if found is not None:
            return [(one.line, one.text, code.kind) for one in found]
    apart = [(1, rewritten(code.apart, dialect) if connections else code.apart, "members")] if code.apart else []
    return [*apart, (1, text, code.kind)]

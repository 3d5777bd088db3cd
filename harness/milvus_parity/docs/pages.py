"""The fences of a page made ready: read, put into chains, their state inferred. No toolchain, no server."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from milvus_parity.docs import python_source
from milvus_parity.docs.code import Code, as_typed, read_code
from milvus_parity.docs.dialect import Dialect
from milvus_parity.docs.fixtures import Declared, Fixture, Unknown, declared_for
from milvus_parity.docs.infer import infer, makers
from milvus_parity.docs.languages import ALIASES
from milvus_parity.docs.output import looks_like_output
from milvus_parity.docs.page import Fence, Page
from milvus_parity.docs.parse import parse
from milvus_parity.docs.schemas import Schemas
from milvus_parity.model.errors import BadInputError
from milvus_parity.model.scenario import Frozen

_ELLIPSIS = re.compile(r"(?m)^\s*(?:\.{3,}|…)\s*$|(?<![\w\])}.])(?:\.{3}|…)\s*[;,)\]}]")
_BRANCH = re.compile(r"(?:^|[/\\_-])v?(\d+\.\d+)(?:\.(?:x|\d+))?(?=[/\\]|$)")
_SHELL = frozenset({"shell", "bash", "sh", "console", "curl", "zsh", "powershell"})
_DATA = frozenset({"json", "yaml", "yml", "xml", "ini", "toml", "sql", "text", "txt", "plaintext", "csv", "graphql"})


class Ready(Frozen, frozen=True, kw_only=True):
    """A fence of the five languages. ``chain`` ends with it. ``state`` is what it presupposes.

    ``defined``: the names that earlier fences of the page define.
    """

    code: Code
    chain: tuple[Code, ...]
    state: Fixture | Unknown
    defined: frozenset[str] = frozenset()


class ReadyPage(Frozen, frozen=True, kw_only=True):
    """A page with its fences. ``skipped``: index of a fence -> why it cannot be looked at."""

    page: Page
    ready: Mapping[int, Ready]
    skipped: Mapping[int, str]
    docs_version: str | None = None
    collection: str | None = None
    partition: str | None = None
    asked: frozenset[str] = frozenset()


def read_page(
    path: str, dialects: Mapping[str, Dialect], docs_version: str | None = None, asked: Iterable[str] = ()
) -> ReadyPage:
    """Read a page from disk. Raises BadInputError when there is none, or what is declared beside it is not right."""
    try:
        text = Path(path).read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise BadInputError(f"The page cannot be read: {error.strerror}.", where=path) from error
    return ready_page(path, text, dialects, docs_version, declared_for(Path(path)), asked)


def ready_page(
    path: str,
    text: str,
    dialects: Mapping[str, Dialect],
    docs_version: str | None = None,
    declared: Declared | None = None,
    asked: Iterable[str] = (),
) -> ReadyPage:
    """The page that a text is. Pure.

    ``asked``: the languages that are looked at, all when empty. The others still tell what the page speaks of.
    """
    wanted = frozenset(asked) or frozenset(dialects)
    aliases = {
        **ALIASES,
        **{word: language for language, one in dialects.items() for word in one.pack.spec.fences},
    }
    page = parse(text, path, aliases)
    skipped: dict[int, str] = {}
    codes: dict[int, Code] = {}
    for fence in page.fences:
        why = _skipped(fence, dialects, declared)
        if why is not None:
            skipped[fence.index] = why
        else:
            assert fence.language is not None
            codes[fence.index] = read_code(fence, dialects[fence.language])
    collection = _first(use.collection for code in codes.values() for use in code.uses) or _first(
        name for code in codes.values() for name in code.collections
    )
    partition = _first(name for code in codes.values() for use in code.uses for name in use.partitions)
    schemas = Schemas(tuple(codes.values()), dialects)
    ready = {}
    for index, code in codes.items():
        if code.fence.language not in wanted:
            skipped[index] = f"not asked for ({code.fence.language})"
            continue
        earlier = [codes[at] for at in codes if at < index and codes[at].fence.language == code.fence.language]
        dialect = dialects[code.fence.language or ""]
        chain = chain_of(code, earlier, dialect)
        if declared is None or not declared.given:
            chain = _with_makers(chain, earlier, dialect, collection)
        continued = len(chain) > len(chain_of(code, earlier, dialect))
        state = infer(chain, schemas, declared, collection, continued=continued)
        elsewhere = frozenset(name for one in earlier for name in one.declared)
        ready[index] = Ready(code=code, chain=chain, state=state, defined=elsewhere)
    return ReadyPage(
        page=page,
        ready=ready,
        skipped=skipped,
        docs_version=docs_version or version_of(path),
        collection=collection,
        partition=partition,
        asked=wanted,
    )


def version_of(path: str) -> str | None:
    """The docs branch that a path names, as in ``v2.2.x/site/en/drop_partition.md``."""
    found = _BRANCH.findall(str(Path(path).absolute().parent))
    return found[-1] if found else None


def _first(names: Iterable[str | None]) -> str | None:
    return next((name for name in names if name), None)


def _skipped(fence: Fence, dialects: Mapping[str, Dialect], declared: Declared | None) -> str | None:
    """Why a fence is not looked at as code of the five languages; None when it is."""
    if declared is not None and str(fence.line) in declared.skip:
        return f"declared: {declared.skip[str(fence.line)]}"
    if fence.language is None or fence.language not in dialects:
        if fence.word in _SHELL:
            return "curl, looked at and not run" if re.search(r"(?m)^\s*(?:\$ )?curl\b", fence.body) else "shell"
        if fence.word in _DATA:
            return fence.word
        return f"no code of the five languages ({fence.word})" if fence.word else "no language"
    if not fence.body.strip():
        return "empty"
    if fence.placeholders:
        return f"a placeholder that only the site fills in: {fence.placeholders[0].text}"
    if looks_like_output(fence.body, fence.language):
        return "output"
    if fence.language == "python" and python_source.leaves_out(as_typed(fence.body)):
        return "it leaves something out (...)"
    if fence.language != "python" and _ELLIPSIS.search(fence.body):
        return "it leaves something out (...)"
    return None


def chain_of(code: Code, earlier: Sequence[Code], dialect: Dialect) -> tuple[Code, ...]:
    """The earlier fences of the page that define what a fence uses, in the page's order, and the fence itself."""
    wanted: dict[int, Code] = {}
    waiting = [code]
    while waiting:
        current = waiting.pop()
        for name in _missing(current, dialect):
            before = [one for one in earlier if one.fence.index < current.fence.index and name in one.declared]
            if not before:
                continue
            index = before[-1].fence.index
            imports = _imports(before[-1], dialect)
            if imports is not None and name in imports.declared:
                wanted.setdefault(index, imports)
            elif index not in wanted or wanted[index] is not before[-1]:
                wanted[index] = before[-1]
                waiting.append(before[-1])
    return (*(wanted[index] for index in sorted(wanted)), code)


def _with_makers(
    chain: tuple[Code, ...], earlier: Sequence[Code], dialect: Dialect, collection: str | None
) -> tuple[Code, ...]:
    """The chain with the earlier fences that make its state, and what these go on from. A page that creates its
    collection is read from top to bottom."""
    added: dict[int, Code] = {}
    for one in makers(chain[-1], earlier, collection):
        for part in chain_of(one, [code for code in earlier if code.fence.index < one.fence.index], dialect):
            if part.uses or part.fence.index not in added:
                added[part.fence.index] = part
    if not added:
        return chain
    for one in chain[:-1]:
        if one.uses or one.fence.index not in added:
            added[one.fence.index] = one
    return (*(added[index] for index in sorted(added)), chain[-1])


def _imports(code: Code, dialect: Dialect) -> Code | None:
    """A fence with nothing but its imports, for one that goes on from it with no more than those."""
    found = python_source.statements(code.text) if dialect.language == "python" else None
    if not found:
        return None
    kept = [one for one in found if one.text.startswith(("import ", "from "))]
    lines = [""] * (code.text.count("\n") + 1)
    for one in kept:
        lines[one.line - 1 : one.last] = one.text.split("\n")
    text = "\n".join(lines)
    names = tuple(sorted(name for one in kept for name in one.defines))
    return replace(code, text=text, plain=text, uses=(), other_calls=(), declared=names, connects=False)


def _assigned_first(code: Code, dialect: Dialect) -> set[str]:
    """Names that a fence assigns before it reads them, where that needs no declaration."""
    found = dialect.assigned.finditer(code.plain) if dialect.assigned is not None else ()
    return {one[1] for one in found if not re.search(rf"(?<![\w$.]){re.escape(one[1])}\b", code.plain[: one.start(1)])}


def _missing(code: Code, dialect: Dialect) -> set[str]:
    """Names that a fence uses and does not define. Clients are given by a fixture and never looked for."""
    if dialect.language == "python":
        names = {name for name, _, _ in python_source.undefined(code.text)}
    else:
        names = set(code.words) - set(code.declared) - _assigned_first(code, dialect)
    return names - set(dialect.spec.clients)

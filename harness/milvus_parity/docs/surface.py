"""Members that an SDK does not have, in languages whose compilers do not tell: ``client.get_load_status()``.

Only what is certain is told: the receiver must be the SDK's own by name (a module, a class, an enumeration) or made by
its constructor and nothing else in the fence and those before it.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from milvus_parity.docs import python_source
from milvus_parity.docs.code import Code, place_in, without_strings
from milvus_parity.docs.dialect import Dialect
from milvus_parity.docs.finding import Finding
from milvus_parity.docs.pages import ReadyPage
from milvus_parity.docs.tables import NEAR, Signatures, alike, words_of

_LACKS = re.compile(r"([A-Z]\w+) is never defined on this page\.$")
_MANY = 3
"""Words from which a class has its name from Milvus alone."""
_SHORT = 3
"""Letters up to which a name says nothing."""
_PACKAGES = {"python": "pymilvus", "javascript": "@zilliz/milvus2-sdk-node"}
_OBJECTS = {"collection": "Collection", "partition": "Partition"}
"""What a name that no fence makes stands for in Python: a fixture gives it."""

Use = tuple[str, str, int, int]
"""A member as it is used: its owner, its name, line and column in the body, from 1."""


def check_members(
    page: ReadyPage,
    dialects: Mapping[str, Dialect],
    signatures: Mapping[int, Signatures],
    targets: Mapping[int, str],
) -> Iterator[Finding]:
    """The findings of a page. ``signatures``: index of a fence -> what its SDK has; ``targets``: its target's label."""
    for index, one in page.ready.items():
        language = one.code.fence.language or ""
        known = signatures.get(index)
        if known is None or not known.members or language not in _PACKAGES or language not in dialects:
            continue
        before = [
            other.code for at, other in page.ready.items() if at <= index and other.code.fence.language == language
        ]
        uses = _python(before, known) if language == "python" else _javascript(before, known, dialects[language])
        for owner, name, line, column in dict.fromkeys(uses):
            yield _finding(page.page.path, one.code, owner, name, (line, column), known, targets.get(index))


def _finding(
    path: str, code: Code, owner: str, name: str, place: tuple[int, int], known: Signatures, target: str | None
) -> Finding:
    near, certain = nearest(name, known.members[owner])
    line, column = code.fence.place(*place)
    hint = f"; it has {near}" if certain else f"; the nearest is {near}" if near else ""
    return Finding(
        path=path,
        line=line,
        column=column,
        level="compiles",
        kind="misnamed call" if certain else "unknown call",
        severity="error",
        language=code.fence.language,
        message=f"{owner} has no {name}{hint}.",
        right=near if certain else None,
        target=target,
        fence=(code.fence.line, code.fence.last),
    )


def misnamed_class(finding: Finding, known: Signatures) -> Finding:
    """A name that a fence lacks, as the misspelt class of the SDK that it is: ``GrantRolePriviledgeParam``. What has
    few words may be a class of somebody else."""
    lacks = _LACKS.match(finding.message) if finding.kind == "not self-contained" else None
    if lacks is None or finding.language != "java" or len(words_of(lacks[1])) < _MANY or lacks[1] in known.calls:
        return finding
    near, certain = nearest(lacks[1], [name for name in known.calls if len(words_of(name)) >= _MANY])
    if not certain or near is None:
        return finding
    return msgspec.structs.replace(
        finding,
        level="compiles",
        kind="misnamed call",
        severity="error",
        message=f"The SDK has no {lacks[1]}; it has {near}.",
        right=near,
    )


def nearest(name: str, names: Sequence[str]) -> tuple[str | None, bool]:
    """The member that a name must mean, and whether that is certain: as many words, each nearly the same. Less certain
    is one whose words are all in the name, in their order (``get_state`` for ``get_the_state``)."""
    mine = words_of(name)
    best, same = max(((alike(words_of(one), mine), one) for one in names), default=(0.0, ""))
    if best >= NEAR:
        return same, True
    within = [one for one in names if len(one) > _SHORT and _in_order(words_of(one), mine)]
    return max(within, key=len, default=None), False


def _in_order(few: Sequence[str], many: Sequence[str]) -> bool:
    rest = iter(many)
    return bool(few) and all(word in rest for word in few)


def _python(codes: Sequence[Code], known: Signatures) -> Iterator[Use]:
    trees = [tree for code in codes if (tree := python_source.parsed(code.text)) is not None]
    own = python_source.parsed(codes[-1].text)
    if own is None:
        return
    unread = {name for code in codes if python_source.parsed(code.text) is None for name in code.declared}
    owners = {name: owner for name, owner in _owners(trees, known).items() if name not in unread}
    called = {id(node.func) for node in ast.walk(own) if isinstance(node, ast.Call)}
    for node in ast.walk(own):
        if isinstance(node, ast.ImportFrom) and node.module == _PACKAGES["python"] and node.level == 0:
            for alias in node.names:
                if alias.name[:1].isupper() and alias.name not in known.members.get(node.module, (alias.name,)):
                    yield node.module, alias.name, alias.lineno, alias.col_offset + 1
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            continue
        owner, made = owners.get(node.value.id, ("", False))
        # An object may have members that its class does not show; calls of them are rare enough to be told.
        if owner and node.attr not in known.members[owner] and (not made or id(node) in called):
            line = node.end_lineno or node.lineno
            yield owner, node.attr, line, (node.end_col_offset or 0) - len(node.attr) + 1


def _owners(trees: Sequence[ast.Module], known: Signatures) -> dict[str, tuple[str, bool]]:
    """Name -> the SDK's class or module that it is, and whether it is an object of that class."""
    owners = {name: (name, False) for name in known.members}
    owners |= {name: (kind, True) for name, kind in _OBJECTS.items() if kind in known.members}
    if "MilvusClient" in known.members:
        owners |= dict.fromkeys(("client", "milvus_client"), ("MilvusClient", True))
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            ours = isinstance(node, ast.ImportFrom) and node.module == _PACKAGES["python"]
            for alias in node.names:
                kept = ours and alias.name in known.members
                owners[(alias.asname or alias.name).partition(".")[0]] = (alias.name if kept else "", False)
    bound: dict[str, set[tuple[str, bool]]] = {}
    constructed: set[int] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name):
            owner = owners.get(node.value.func.id, ("", False))[0]
            for target in node.targets:
                if isinstance(target, ast.Name) and owner[:1].isupper():
                    bound.setdefault(target.id, set()).add((owner, True))
                    constructed.add(id(target))
    for node in (node for tree in trees for node in ast.walk(tree)):
        named = (
            node.id
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) and id(node) not in constructed
            else node.arg
            if isinstance(node, ast.arg)
            else node.name
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler)
            else None
        )
        if named:
            bound.setdefault(named, set()).add(("", False))
    for name, kinds in bound.items():
        owners[name] = next(iter(kinds)) if len(kinds) == 1 else ("", False)
    return {name: found for name, found in owners.items() if found[0] in known.members}


def _javascript(codes: Sequence[Code], known: Signatures, dialect: Dialect) -> Iterator[Use]:
    plain = without_strings(codes[-1].plain)
    before = "\n".join(without_strings(code.plain) for code in codes)
    for found in re.finditer(r"(?<![\w$.])([A-Za-z_$][\w$]*)\s*\.\s*([A-Za-z_$][\w$]*)", plain):
        name, member = found[1], found[2]
        owner = "MilvusClient" if name in dialect.spec.clients else name
        if owner not in known.members or member in known.members[owner] or member in known.words:
            continue
        other = (
            rf"(?<![\w$.]){re.escape(name)}\s*=(?![=>])(?!\s*new\s+MilvusClient\b)|\bfunction\b[^(]*\([^)]*\b{name}\b"
        )
        bound = re.search(other, before)
        called = plain[found.end() :].lstrip()[:1] == "("
        manages = member.endswith("Manager") and plain[found.end() :].lstrip()[:1] == "."
        if not bound and (owner != "MilvusClient" or called or manages):
            yield owner, member, *place_in(plain, found.start(2))

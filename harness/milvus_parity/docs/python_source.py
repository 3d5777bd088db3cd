"""Python fences by their syntax tree: statements, what each defines and needs. Python is the harness's own language."""

import ast
import builtins
import warnings
from collections.abc import Iterator

from milvus_parity.model.scenario import Frozen


class Statement(Frozen, frozen=True, kw_only=True):
    """A statement at the top of a fence. ``line`` and ``last`` are lines of the body, from 1."""

    line: int
    last: int
    text: str
    defines: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()


def parsed(text: str) -> ast.Module | None:
    """The syntax tree; None when the text is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def statements(text: str) -> list[Statement] | None:
    """The statements of a text, comments before one left out; None when it is no Python."""
    tree = parsed(text)
    if tree is None:
        return None
    lines = text.split("\n")
    found: list[Statement] = []
    for node in tree.body:
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        last = node.end_lineno or first
        if found and first <= found[-1].last:
            return [_whole(tree, text)]
        defines, needs = _names(node)
        found.append(
            Statement(
                line=first,
                last=last,
                text="\n".join(lines[first - 1 : last]),
                defines=frozenset(defines),
                needs=frozenset(needs),
            )
        )
    return found


def _whole(tree: ast.Module, text: str) -> Statement:
    defines: set[str] = set()
    needs: set[str] = set()
    for node in tree.body:
        more, wanted = _names(node)
        needs |= wanted - defines
        defines |= more
    return Statement(line=1, last=text.count("\n") + 1, text=text, defines=frozenset(defines), needs=frozenset(needs))


def _names(node: ast.AST) -> tuple[set[str], set[str]]:
    """What a statement binds, and what it reads without binding it first. Function bodies count as read later."""
    binds: set[str] = set()
    reads: set[str] = set()
    local: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            (reads if isinstance(inner.ctx, ast.Load) else binds).add(inner.id)
        elif isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            binds.add(inner.name)
        elif isinstance(inner, ast.alias):
            binds.add((inner.asname or inner.name).partition(".")[0])
        elif isinstance(inner, ast.ExceptHandler) and inner.name:
            local.add(inner.name)
        elif isinstance(inner, ast.arg):
            local.add(inner.arg)
    inner_only = local | (binds if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.For | ast.With) else set())
    if isinstance(node, ast.Assign | ast.AnnAssign) and any(
        isinstance(one, ast.comprehension) for one in ast.walk(node)
    ):
        inner_only |= binds
    return binds, reads - inner_only - set(dir(builtins))


def undefined(text: str, given: frozenset[str] = frozenset()) -> list[tuple[str, int, int]]:
    """Names that a text reads before it binds them: (name, line, column), the first place of each."""
    tree = parsed(text)
    if tree is None:
        return []
    known = set(given)
    missing: dict[str, tuple[int, int]] = {}
    for node in tree.body:
        binds, reads = _names(node)
        for name in sorted(reads - known):
            place = _place(node, name)
            missing.setdefault(name, place)
        known |= binds
    return [(name, *place) for name, place in missing.items()]


def _place(node: ast.AST, name: str) -> tuple[int, int]:
    places = [
        (inner.lineno, inner.col_offset + 1)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and inner.id == name
    ]
    return min(places, default=(getattr(node, "lineno", 1), 1))


def unused_imports(text: str) -> list[tuple[str, int]]:
    """Names that a text imports and never reads: (name, line)."""
    tree = parsed(text)
    if tree is None:
        return []
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return [
        (name, node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if (name := (alias.asname or alias.name).partition(".")[0]) not in read and name != "*"
    ]


def called(text: str) -> Iterator[tuple[str, str]]:
    """The calls in a text as (receiver, method): ("collection", "load"), ("", "Partition")."""
    tree = parsed(text)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield "", node.func.id
            elif isinstance(node.func, ast.Attribute):
                receiver = node.func.value
                yield (receiver.id if isinstance(receiver, ast.Name) else _called(receiver)), node.func.attr


def _called(node: ast.expr) -> str:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return f"{node.func.id}()"
    return ""


def assigned_from(text: str) -> dict[str, str]:
    """Name -> the class that it was made by: ``collection = Collection("book")`` gives collection: Collection."""
    tree = parsed(text)
    made: dict[str, str] = {}
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    made[target.id] = node.value.func.id
    return made

"""Python fences by their syntax tree: statements, what each defines and needs. Python is the harness's own language."""

import ast
import builtins
import re
import warnings
from collections.abc import Iterator, Sequence

from milvus_parity.model.scenario import Frozen

_GIVEN = frozenset({*dir(builtins), "__file__"})
"""Names that every program has."""


_ELISION = re.compile(r"(?m)^\s*(?:\.{3,}|…)\s*(?:#.*)?$|[,(\[{]\s*(?:\.{3,}|…)\s*[,)\]}]")


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


def _names(node: ast.stmt) -> tuple[set[str], set[str]]:
    """What a statement binds, and what it reads without binding it first. Function bodies count as read later."""
    reads: set[str] = set()
    binds = _walk([node], set(), reads)
    return binds, reads - _GIVEN


_BLOCKS = ("body", "orelse", "finalbody")


def _walk(nodes: Sequence[ast.stmt], bound: set[str], reads: set[str]) -> set[str]:
    """The names that are bound after the statements; what they read before it is bound goes to ``reads``."""
    now = set(bound)
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            _function(node, now, reads)
            now.add(node.name)
            continue
        before = now
        for expression, binds in _expressions(node):
            reads |= _loads(expression) - now
            now = now | binds
        after = set(now)
        for block in _BLOCKS:
            start = now if block == "body" or isinstance(node, ast.If) else after
            after |= _walk(getattr(node, block, []), start, reads)
        for handler in getattr(node, "handlers", []):
            reads |= _loads(handler.type) - now if handler.type else set()
            after |= _walk(handler.body, now | ({handler.name} if handler.name else set()), reads)
        for case in getattr(node, "cases", []):
            captured = {
                name
                for one in ast.walk(case.pattern)
                for name in (getattr(one, "name", None), getattr(one, "rest", None))
                if name
            }
            after |= _walk(case.body, now | captured, reads)
        now = before | after
    return now


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, bound: set[str], reads: set[str]) -> None:
    arguments = {one.arg for one in ast.walk(node) if isinstance(one, ast.arg)}
    for decorator in node.decorator_list:
        reads |= _loads(decorator) - bound
    inner: set[str] = set()
    _walk(node.body, arguments | {node.name}, inner)
    given = getattr(node, "args", None)
    defaults = [*getattr(given, "defaults", []), *getattr(given, "kw_defaults", [])]
    for outer in [*getattr(node, "bases", []), *defaults]:
        reads |= _loads(outer) - bound if outer is not None else set()
    reads |= inner - bound


def _expressions(node: ast.stmt) -> Iterator[tuple[ast.AST, set[str]]]:
    """The expressions of a statement in the order in which they are evaluated, with what is bound right after each."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        yield ast.Constant(value=None), names
        return
    parts = {name: getattr(node, name, None) for name in ("test", "iter", "value", "items", "exc", "msg", "subject")}
    for part in parts.values():
        for one in part if isinstance(part, list) else [part] if part is not None else []:
            yield one, _stores(one)
    for name in ("targets", "target"):
        held = getattr(node, name, None)
        for one in held if isinstance(held, list) else [held] if held is not None else []:
            if isinstance(node, ast.AugAssign) and isinstance(one, ast.Name):
                yield ast.Name(id=one.id, ctx=ast.Load()), set()
            yield one, _stores(one)


def _stores(node: ast.AST) -> set[str]:
    inside = {
        id(one) for held in ast.walk(node) if isinstance(held, ast.comprehension) for one in ast.walk(held.target)
    }
    return {
        one.id
        for one in ast.walk(node)
        if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load) and id(one) not in inside
    }


def _loads(node: ast.AST) -> set[str]:
    """The names that an expression reads and does not bind itself (comprehensions, lambdas)."""
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    own: set[str] = set()
    if isinstance(node, ast.Lambda):
        own = {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
        own = {one.id for held in node.generators for one in ast.walk(held.target) if isinstance(one, ast.Name)}
    return {name for child in ast.iter_child_nodes(node) for name in _loads(child)} - own


def undefined(text: str, given: frozenset[str] = frozenset()) -> list[tuple[str, int, int]]:
    """Names that a text reads before it binds them: (name, line, column), the first place of each."""
    tree = parsed(text)
    if tree is None:
        return []
    known = set(given)
    missing: dict[str, tuple[int, int]] = {}
    anywhere = _walk(tree.body, known, set())
    for node in tree.body:
        binds, reads = _names(node)
        later = anywhere if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else known
        for name in sorted(reads - known - later):
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


def leaves_out(text: str) -> bool:
    """Whether ``...`` stands for something that a text leaves out: anywhere but as the body of a function or class."""
    tree = parsed(text)
    if tree is None:
        return bool(_ELISION.search(text))
    bodies = {
        id(one.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for one in node.body
        if isinstance(one, ast.Expr)
    }
    hints = {
        id(one)
        for node in ast.walk(tree)
        for hint in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if isinstance(hint, ast.AST)
        for one in ast.walk(hint)
    }
    return any(
        isinstance(node, ast.Constant) and node.value is Ellipsis and id(node) not in bodies | hints
        for node in ast.walk(tree)
    )


def is_a_value(text: str) -> bool:
    """Whether a text is nothing but values, as a session prints them: literals, ``Status(code=0, message='')``."""
    tree = parsed(text)
    nodes = tree.body if tree is not None else []
    return bool(nodes) and all(isinstance(node, ast.Expr) and _is_a_value(node.value) for node in nodes)


def _is_a_value(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        shown = isinstance(node.func, ast.Name) and node.func.id[:1].isupper() and not node.args and node.keywords
        return bool(shown) and all(_is_a_value(one.value) for one in node.keywords)
    if isinstance(node, ast.Dict):
        return all(one is not None and _is_a_value(one) for one in (*node.keys, *node.values))
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return all(_is_a_value(one) for one in node.elts)
    return isinstance(node, ast.Constant) or (isinstance(node, ast.UnaryOp) and _is_a_value(node.operand))


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

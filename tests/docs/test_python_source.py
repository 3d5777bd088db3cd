"""Names in Python fences: what is read before anything binds it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milvus_parity.docs.python_source import leaves_out, undefined


@pytest.mark.parametrize(
    "text",
    [
        "while True:\n    got = next(iter([]))\n    if not got:\n        break\n    print(got)",
        "for i, b in enumerate([1]):\n    c = i + b\n    print(c)",
        "with open('f') as file:\n    data = file.read()\nprint(data)",
        "try:\n    import q\nexcept ImportError as error:\n    print(error)\nelse:\n    q.run()",
        "def f(a, *b, c=1, **d):\n    e = a\n    return [e for e in b if c or d or later]\nlater = 1",
        "def outer(x):\n    def inner(y):\n        return x + y\n    return inner(1)",
        "data = [{'v': f(v) for v in [1]} for f in [str]]",
        "rows = sorted([], key=lambda k: k['id'])",
        "if (found := 'a'):\n    print(found)\nelse:\n    other = 1\nprint(found, other)",
        "x: int = 3\nx += 1",
        "class A:\n    p = 1\n    q = p + 1\n    def m(self):\n        return self.p",
        "match {}:\n    case {'a': one, **rest}:\n        print(one, rest)",
    ],
)
def test_what_is_bound_first_is_not_missing(text: str) -> None:
    assert undefined(text) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("n += 1", ["n"]),
        ("for a in rows:\n    print(a, b)", ["b", "rows"]),
        ("print(x)\nx = 1", ["x"]),
        ("def f():\n    return nowhere\nf()", ["nowhere"]),
        ("@mark\ndef f(a=first, *, b=second): ...", ["first", "mark", "second"]),
        ("with a as b:\n    c(b)", ["a", "c"]),
    ],
)
def test_what_nothing_binds_is_missing(text: str, names: list[str]) -> None:
    assert sorted(name for name, _, _ in undefined(text)) == names


@given(st.text(max_size=60))
def test_any_text_is_looked_at(text: str) -> None:
    assert isinstance(undefined(text), list)


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("data = [{'a': [0.1, ...]}]", True),
        ("data = {1: 0.1, 2: 0.2, ...}", True),
        ("...\na = 1", True),
        ("f(a, ...)", True),
        ("a = [1, …]", True),
        ("a = [\n    1,\n    ....,\n]", True),
        ("def f(): ...", False),
        ("class A:\n    ...", False),
        ("def f(a: tuple[int, ...]) -> tuple[str, ...]:\n    return a", False),
        ("print('...')  # and so on ...", False),
    ],
)
def test_what_a_page_leaves_out_is_seen(text: str, left_out: bool) -> None:
    assert leaves_out(text) is left_out

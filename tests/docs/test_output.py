"""Output that pages state, and what fences print."""

import pytest
from milvus_parity.docs.output import after, looks_like_output, words_in
from milvus_parity.docs.parse import parse

TABS = '<div class="multipleCode">\n<a href="?python">P</a>\n<a href="?go">G</a>\n</div>\n\n'


def stated(text: str) -> list[str]:
    return [" ".join(one.text.split()) for one in parse(text).outputs]


def test_a_fence_states_as_many_outputs_as_it_marks() -> None:
    assert stated("```python\nprint(a)\n# Output\n# 1\n\nprint(b)\n# Output:\n#\n# 2\n# 3\n```\n") == ["1", "2 3"]


def test_a_block_after_several_tabs_is_the_output_of_none_of_them() -> None:
    tabs = TABS + "```python\nprint(a)\n```\n\n```go\nfmt.Println(a)\n```\n\nIt says:\n\n```json\n[1]\n```\n"
    assert stated(tabs) == []
    assert stated("```go\nfmt.Println(a)\n```\n\n```json\n[1]\n```\n") == ["[1]"]
    assert stated("```go\na()\n```\n\n```bash\ncurl x\n```\n\n```json\n[1]\n```\n") == []
    wrapped = '```go\na()\n```\n\n<div class="language-curl">\n\n```json\n[1]\n```\n\n</div>\n'
    assert stated(wrapped) == []


@pytest.mark.parametrize("body", ["Status(code=0, message='')", "['a', -1, {'b': True}]", "None", "{'a': (1, 2)}\n'x'"])
def test_what_a_session_prints_is_no_code(body: str) -> None:
    assert looks_like_output(body, "python")


@pytest.mark.parametrize("body", ["drop('a')", "collection.partitions", "a = [1]", "Thing('a')", "print(1)"])
def test_code_is_no_output(body: str) -> None:
    assert not looks_like_output(body, "python")


@pytest.mark.parametrize(
    ("page", "printed", "same"),
    [
        ('{"state": "<LoadState: Loaded>"}', "{'state': <LoadState: Loaded>}", True),
        ('{"state": "<LoadState: NotLoaded>"}', "{'state': <LoadState: NotLoad>}", False),
        ("LoadStateLoaded", "{ status: { code: 0 }, state: 'LoadStateLoading' }", True),
        ('["_default", "a"]', "[_default, a]", True),
        ('["a", "_default"]', "[_default, a]", False),
        ("True", "False", False),
    ],
)
def test_words_in_their_order_are_compared(page: str, printed: str, same: bool) -> None:
    assert (after(words_in(page), words_in(printed)) is not None) is same

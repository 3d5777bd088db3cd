"""The parser takes any text, and says where everything stands."""

import time
from textwrap import dedent

from hypothesis import given, settings
from hypothesis import strategies as st
from milvus_parity.docs.parse import parse

PIECES = st.sampled_from(
    """
```python|```|~~~|  ```go|    ```Java |<div class="multipleCode">|</div>|<table>|<table class="language-go">|
<tr><td><code>a / b</code></td></tr>|</table>|---|id: x|# H|- item|{{var.x}}|{{fragments/multiple_code.md}}|
<a href="#java">Java</a>|<!--|-->|<!|<![CDATA[|&nbsp;|> |<div style="display: none">|
`<div>`|\t|\r\n|\0|text |<a href="?go">GO</a>|``` curl|```Java:|<td><code>opt<code></td>|<br>|<ul><li>x</div>|
<div class="language-curl">|<table class="tg" style="display:none">|<td>a ```<b>:<c>``` d</td>|
<th><p>Parameter</p></th>|  - item|    1. item|<p data-block-token="x"></p>|{{fragments/multiple_sdk.md}}|
<div class="filter" markdown="block">|# Output
""".replace("|\n", "|").split("|")
)

PAGE = """\
---
id: some.md
title: "Some: page"
---

# Title

<div class="multipleCode">
    <a href="#Python">Python </a>
    <a href="#shell">CLI</a>
    <a href="#java">Java</a>
</div>

```Python
a = 1
```

``` java:
int a = 1;
```

Some prose.

```python
b = 2
```

  - a list

    ```javascript
    const a = {{var.a}};
    ```

## Next

{{fragments/multiple_sdk.md}}

<div style="display:none;">
```go
a := 1
```
</div>

<table class="language-python" style="display: none">
  <thead><tr><th>Parameter</th><th>Description</th></tr></thead>
  <tr>
\t<td> partitionName / <code>partitionNames</code> (optional)</td><td>x</td>
  </tr>
</table>

```json
{"a": 1}
```
"""


def test_everything_is_found_where_it_stands() -> None:
    page = parse(PAGE, "some.md")
    assert page.front == {"id": "some.md", "title": "Some: page"}
    assert page.front_lines == {"id": 2, "title": 3}
    assert page.problems == ()
    seen = [(one.line, one.last, one.language, one.role, one.group, one.hidden) for one in page.fences]
    assert seen == [
        (14, 16, "python", "tab", 0, False),
        (18, 20, "java", "tab", 0, False),
        (24, 26, "python", "alone", 0, False),
        (30, 32, "javascript", "alone", 0, False),
        (39, 41, "go", "tab", 1, True),
        (51, 53, None, "alone", 1, False),
    ]
    assert page.fences[3].body == "const a = {{var.a}};\n"
    assert page.fences[3].place(1, 7) == (31, 11)
    assert page.fences[3].placeholders[0].column == 15
    assert [tab.language for tab in page.groups[0].tabs] == ["python", "shell", "java"]
    assert page.groups[1].include == "multiple_sdk.md"
    [table] = page.tables
    assert (table.language, table.hidden, table.of_parameters) == ("python", True, True)
    assert [(row.names, row.optional, row.line, row.column) for row in table.rows] == [
        (("partitionName", "partitionNames"), True, 47, 7)
    ]


def test_an_unbalanced_page_is_reported_and_read_on() -> None:
    page = parse(
        dedent("""\
        # T
        </div>
        <div class="alert note">

        <table class="language-go">
        <tr><td>a</td></tr>

        ```go
        a := 1
        """)
    )
    assert [(one.line, one.message) for one in page.problems] == [
        (2, "</div> closes nothing."),
        (3, "<div> is never closed."),
        (5, "<table> is never closed."),
        (8, "This fence is never closed."),
    ]
    assert page.fences[0].body == "a := 1\n"


def test_stated_output_in_comments_and_blocks() -> None:
    text = (
        "```python\nprint(x)\n\n# Output:\n#\n# ['a']\n```\n\n```java\nSystem.out.println(x);\n```\n\n```\n[a]\n```\n"
    )
    page = parse(text)
    assert [(one.line, one.text.strip(), one.fence) for one in page.outputs] == [(5, "['a']", 0), (14, "[a]", 1)]


@given(st.one_of(st.text(), st.lists(st.one_of(PIECES, st.just("\n")), max_size=60).map("".join)))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_page(text: str) -> None:
    page = parse(text)
    lines = text.count("\n") + text.count("\r") + 2
    for fence in page.fences:
        assert 1 <= fence.line <= fence.last <= lines
        assert len(fence.columns) == len(fence.body.split("\n")) - 1
    for problem in page.problems:
        assert 1 <= problem.line <= lines
        assert problem.column >= 1


@given(st.lists(st.sampled_from(["a = 1", "  b", "", "\tc", "```x", "<div>", "# y", "---", "é  "]), max_size=8))
def test_the_body_of_a_fence_is_what_stands_there(body: list[str]) -> None:
    page = parse("\n".join(["text", "", "~~~python", *body, "~~~", ""]))
    assert page.fences[0].body.split("\n")[:-1] == body
    for at, line in enumerate(body, 1):
        assert page.fences[0].place(at) == (3 + at, 1), line


def test_some_hundred_pages_in_seconds() -> None:
    started = time.perf_counter()
    for _ in range(300):
        parse(PAGE * 4)
    assert time.perf_counter() - started < 20

"""Patches touch what is proven wrong and nothing else."""

from docs.docs_pages import dialects, page
from hypothesis import given
from hypothesis import strategies as st
from milvus_parity.docs.check import static_findings
from milvus_parity.docs.finding import Finding, ordered
from milvus_parity.docs.fix import Edit, apply, edits_for, patch
from milvus_parity.docs.static import with_one_replica


def fixed(text: str, *more: Finding) -> str:
    ready = page(text)
    findings = ordered([*static_findings([ready], dialects()), *more])
    return apply(text, edits_for(ready, findings, dialects(), {}))


def test_the_call_that_exists() -> None:
    text = (
        '# T\r\n\n```csharp\nawait milvusClient.GetCollection("book").DropPartitionsAsync("novel");\n```\n\n  rest \n'
    )
    assert fixed(text) == text.replace("DropPartitionsAsync", "DropPartitionAsync")


def test_an_await_and_a_semicolon() -> None:
    text = (
        '```csharp\nvar found = client.GetCollection("b").HasPartitionAsync("p");\n'
        '// await client.GetCollection("b").DropPartitionAsync("p")\n```\n'
    )
    assert fixed(text) == text.replace("= client", "= await client").replace('Async("p")\n', 'Async("p");\n')


def test_a_comma_before_the_comment() -> None:
    text = '```go\nerr := c.CreatePartition(\n  ctx,\n  "novel"                 // name\n)\n```\n'
    finding = Finding(
        path="page.md", line=4, column=36, level="parses", kind="syntax", language="go", fence=(1, 6),
        message="syntax error: unexpected newline in argument list; possibly missing comma or )",
    )  # fmt: skip
    assert fixed(text, finding) == text.replace('"novel"  ', '"novel", ')


LACKING = "TypeError: Partition.__init__() missing 1 required positional argument: 'name'"


def lacking(line: int, fence: tuple[int, int], message: str = LACKING) -> Finding:
    return Finding(
        path="page.md", line=line, level="runs", kind="raised", language="python", fence=fence, message=message
    )


def test_a_constructor_gets_the_variable_of_its_fence() -> None:
    text = '```python\nfrom pymilvus import *\ncollection = Collection("book")\np = Partition("a")\n```\n'
    assert fixed(text, lacking(4, (1, 5))) == text.replace('Partition("a")', 'Partition(collection, "a")')


def test_a_constructor_gets_the_pages_collection_and_its_import() -> None:
    named = '```python\nCollection("films").drop_index()\n```\n'
    text = "```python\nfrom pymilvus import Partition\np = Partition('a')   # there\np.load(replica_number=2)\n```\n"
    expected = text.replace("Partition('a')", "Partition(Collection(\"films\"), 'a')")
    expected = expected.replace("import Partition", "import Collection, Partition")
    assert fixed(named + text, lacking(6, (4, 8))) == named + expected


def test_an_argument_that_is_no_collection_is_not_invented() -> None:
    text = "```python\nfrom pymilvus import Collection\nc = Collection()\nd = Role(user)\n```\n"
    message = LACKING.replace("Partition", "Collection")
    assert fixed(text, lacking(3, (1, 5), message)) == text
    assert fixed(text, lacking(4, (1, 5), LACKING.replace("Partition", "Role"))) == text


def test_replicas_are_lowered_and_nothing_else() -> None:
    assert with_one_replica("p.load(replica_number=12, timeout=2)") == "p.load(replica_number=1, timeout=2)"
    assert with_one_replica(".withReplicaNumber(2)\n.withTopK(2)") == ".withReplicaNumber(1)\n.withTopK(2)"


def test_the_patch_is_a_diff() -> None:
    made = patch("a.md", "a\nb\n", "a\nc\n")
    assert made.splitlines()[:2] == ["--- a/a.md", "+++ b/a.md"]
    assert patch("a.md", "same", "same") == ""


@given(st.lists(st.text(alphabet="ab\r é", max_size=6), min_size=1, max_size=6), st.data())
def test_everything_else_stays(lines: list[str], data: st.DataObject) -> None:
    text = "\n".join(lines)
    at = data.draw(st.integers(1, text.count("\n") + (0 if text.endswith("\n") or not text else 1) or 1))
    line = [*text.split("\n"), ""][at - 1]
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, len(line)))
    if not text:
        return
    before = sum(len(one) + 1 for one in text.split("\n")[: at - 1])
    after = apply(text, [Edit(line=at, column=start + 1, last=at, end=end + 1, new="X")])
    assert after == text[: before + start] + "X" + text[before + end :]

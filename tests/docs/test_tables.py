"""Parameter tables against code."""

import pytest
from docs.docs_pages import dialects, page
from milvus_parity.docs.tables import Call, Signatures, check_tables

CALLS = {
    "Collection": Call(name="Collection", arguments=("name", "schema", "using"), open=True),
    "Collection.load": Call(name="Collection.load", arguments=("partition_names", "replica_number"), open=True),
    "Partition": Call(name="Partition", arguments=("collection", "name", "description"), open=True),
    "Partition.release": Call(name="Partition.release", arguments=("timeout",), open=True),
}


def table(language: str, *names: str) -> str:
    rows = "".join(f"<tr><td><code>{name}</code></td><td>x</td></tr>\n" for name in names)
    return f'<table class="language-{language}">\n<tr><th>Parameter</th></tr>\n{rows}</table>\n'


def findings(text: str) -> list[tuple[int, str, str, str | None]]:
    signatures = {"python": Signatures(calls=CALLS)}
    found = check_tables(page(text), dialects(), signatures)
    return [(one.line, one.severity, one.kind, one.right) for one in found if one.severity != "note"]


def test_python_names_must_be_the_arguments() -> None:
    fence = '```python\ncollection = Collection("book")\ncollection.load(["novel"], replica_number=2)\n```\n'
    assert findings(fence + table("python", "partition_name", "replica_number (optional)")) == [
        (7, "error", "misnamed parameter", "partition_names")
    ]
    assert findings(fence + table("python", "partition_names", "_async", "anything")) == []


def test_a_constructor_calls_its_own_name_name() -> None:
    fence = '```python\npartition = Partition(collection, "novel")\npartition.release()\n```\n'
    assert findings(fence + table("python", "partition_name")) == [(7, "error", "misnamed parameter", "name")]
    assert findings(fence + table("python", "index_name")) == []


def test_csharp_names_are_those_of_the_public_api() -> None:
    fence = '```csharp\nawait client.GetCollection("book").LoadPartitionAsync("novel");\n```\n'
    assert findings(fence + table("csharp", "collectionName", "partitionName / partitionNames", "replica_number")) == [
        (8, "error", "misnamed parameter", "replicaNumber")
    ]


def test_other_words_for_positional_arguments_are_a_matter_of_taste() -> None:
    fence = '```go\nerr := milvusClient.DropPartition(ctx, "book", "novel") // partitionName\n```\n'
    assert findings(fence + table("go", "ctx", "CollectionName", "partitionName")) == []
    fence = '```java\nclient.dropPartition(DropPartitionParam.newBuilder().withCollectionName("b").build());\n```\n'
    assert findings(fence + table("java", "CollectionName")) == []


def test_a_tab_without_a_table_where_the_others_have_one() -> None:
    text = (
        '<div class="multipleCode">\n<a href="#java">Java</a>\n<a href="#go">Go</a>\n<a href="#javascript">Node</a>\n'
        '<a href="#python">Python</a>\n</div>\n\n'
        '```java\nclient.hasPartition(HasPartitionParam.newBuilder().withCollectionName("b").build());\n```\n'
        '```go\nclient.HasPartition(ctx, "b", "p")\n```\n'
        '```javascript\nawait client.hasPartition({ collection_name: "b" });\n```\n'
        "```python\ncollection.partitions\n```\n"
    )
    found = findings(text + table("go", "ctx") + table("javascript", "collection_name"))
    assert found == [(8, "warning", "missing table", None)]


BUILDERS = Signatures(
    calls={
        "DropPartitionParam": Call(name="DropPartitionParam", arguments=("withPartitionName", "withCollectionName")),
        "DropPartition": Call(name="DropPartition", arguments=("ctx", "collName", "partitionName")),
    },
    words=frozenset({"withPartitionName", "withCollectionName", "withTopK", "ctx", "collName", "partitionName"}),
)


@pytest.mark.parametrize(
    ("language", "name", "expected"),
    [
        ("java", "PartitonName", ("error", "misnamed parameter", "PartitionName")),
        ("java", "partitonNames", ("error", "misnamed parameter", "partitionName")),
        ("java", "withPartitionName", None),
        ("java", "PartitionNames", None),
        ("java", "CollectionName", None),
        ("java", "topK", ("note", "unknown parameter", None)),
        ("java", "somethingElse", ("note", "unknown parameter", None)),
        ("go", "partitonName", ("error", "misnamed parameter", "partitionName")),
        ("go", "partitionName", None),
        ("go", "CollectionName", ("note", "unknown parameter", None)),
    ],
)
def test_only_a_misspelling_of_what_the_sdk_has_is_an_error(
    language: str, name: str, expected: tuple[str, str, str | None] | None
) -> None:
    fences = {
        "java": "client.dropPartition(DropPartitionParam.newBuilder().withDatabase(a).build());",
        "go": 'err := client.DropPartition(ctx, "a", "b")',
    }
    text = f"```{language}\n{fences[language]}\n```\n" + table(language, name)
    found = check_tables(page(text), dialects(), {language: BUILDERS})
    assert [(one.severity, one.kind, one.right) for one in found] == ([expected] if expected else [])

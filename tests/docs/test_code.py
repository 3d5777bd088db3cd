"""What is read from a fence without a compiler."""

import pytest
from docs.docs_pages import dialects, page
from hypothesis import given, settings
from hypothesis import strategies as st
from milvus_parity.docs.code import blank_comments, read_code, rewritten
from milvus_parity.docs.parse import parse

FENCES = {
    "python": 'collection = Collection("book")\ncollection.load(["novel", "history"])\n',
    "java": 'client.loadPartitions(LoadPartitionsParam.newBuilder()\n  .withCollectionName("book")\n'
    '  .withPartitionNames(Arrays.asList("novel", "history"))\n  .build());\n',
    "go": 'err := milvusClient.LoadPartitions(\n  context.Background(), // ctx\n  "book",\n'
    '  []string{"novel", "history"},\n  false)\n',
    "javascript": 'await client.loadPartitions({\n  collection_name: "book",\n'
    "  partition_names: ['novel', `history`],\n});\n",
    "csharp": 'await milvusClient.GetCollection("book").LoadPartitionsAsync(new[] { "novel", "history" });\n',
}


@pytest.mark.parametrize("language", FENCES)
def test_the_operation_and_its_names_are_found(language: str) -> None:
    fence = parse(f"```{language}\n{FENCES[language]}```\n").fences[0]
    [use] = read_code(fence, dialects()[language]).uses
    assert (use.operation, use.collection, use.partitions) == ("load", "book", ("novel", "history"))


def test_a_comment_mark_in_a_string_begins_no_comment() -> None:
    assert blank_comments('a("http://x") // y\n', "//") == 'a("http://x")     \n'
    assert blank_comments('a("#") # y\n', "#") == 'a("#")    \n'


def test_only_code_in_comments_is_an_alternative() -> None:
    text = (
        '```csharp\nawait client.GetCollection("b").DropPartitionAsync("p");\n'
        "// You can also call client.GetCollection, then see what it does.\n"
        '// await client.GetCollection("b").DropPartitionAsync(\n//     "q"\n// );\n```\n'
    )
    [alternative] = read_code(parse(text).fences[0], dialects()["csharp"]).alternatives
    assert (alternative.line, alternative.text.splitlines()[-1]) == (3, ");")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", 'client = MilvusClient(\n    uri=URI,\n    token="root:Milvus"\n)\n'),
        ("java", "ConnectConfig c = ConnectConfig.builder()\n    .uri(URI)\n    .build();\n"),
        ("go", 'c, err := client.NewGrpcClient(\n  context.Background(), // ctx\n  "localhost:19530",\n)\n'),
        ("javascript", "const c = new MilvusClient({\n  address,\n});\n"),
        ("csharp", 'var c = new MilvusClient("localhost",\n  port: 19530);\n'),
    ],
)
def test_a_connection_goes_to_the_server_under_test_and_no_line_moves(language: str, text: str) -> None:
    after = rewritten(text, dialects()[language])
    assert "given" in after
    assert after.count("\n") == text.count("\n")


@given(st.sampled_from(sorted(FENCES)), st.text(alphabet=st.sampled_from("ab(){}[]\"'`/*#.,;=: \n\\"), max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read(language: str, body: str) -> None:
    fence = parse(f"~~~{language}\n{body}\n~~~\n").fences[0]
    code = read_code(fence, dialects()[language])
    assert code.text.count("\n") == fence.body.count("\n")
    assert language == "python" or len(code.plain) == len(fence.body)


def test_prompts_of_an_interactive_session_are_no_code() -> None:
    text = "```python\n>>> collection.has_partition('novel')\nTrue\n>>> for a in b:\n...     print(a)\n```\n"
    code = read_code(parse(text).fences[0], dialects()["python"])
    assert code.text == "collection.has_partition('novel')\n\nfor a in b:\n    print(a)\n"
    assert code.operations == ("has",)


def test_commands_of_a_notebook_and_an_indentation_are_no_errors() -> None:
    text = "```python\n  !pip install pymilvus\n  a = 1\n  if a:\n    b = 2\n```\n"
    code = read_code(parse(text).fences[0], dialects()["python"])
    assert code.text.split("\n")[1:] == ["a = 1", "if a:", "  b = 2", ""]


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("List<Integer> x = ...;", False),
        ("f(...)", False),
        ("...", False),
        ("void f(String... args) { g(a, b); }", True),
        ("x = append(x, y...)", True),
    ],
)
def test_what_leaves_something_out_is_not_compiled(text: str, whole: bool) -> None:
    ready = page(f"```java\n{text}\n```\n")
    assert (0 in ready.ready) == whole


@pytest.mark.parametrize(
    ("language", "body", "words"),
    [
        ("java", "request.partitionNames(names)", {"request", "names"}),
        ("javascript", "const a = { fields: fields, data, ...more };", {"const", "a", "fields", "data", "more"}),
        ("go", "c := Config{Address: addr}", {"c", "Config", "addr"}),
    ],
)
def test_members_and_keys_are_no_names_that_come_from_elsewhere(language: str, body: str, words: set[str]) -> None:
    fence = parse(f"```{language}\n{body}\n```\n").fences[0]
    assert read_code(fence, dialects()[language]).words == words


MIXED = {
    "java": "private static int one(int[] a) {\n  return a[0];\n}\n\nint b = one(c);\n",
    "go": "func one(a []interface{}) (map[string]any, error) {\n\treturn nil, nil\n}\n\nb, err := one(c)\n",
    "csharp": "public static int One(int[] a)\n{\n  return a[0];\n}\n\nvar b = One(c);\n",
}


@pytest.mark.parametrize("language", MIXED)
def test_functions_among_statements_stand_apart(language: str) -> None:
    body = MIXED[language]
    code = read_code(parse(f"```{language}\n{body}```\n").fences[0], dialects()[language])
    assert code.kind == "statements"
    assert code.apart.strip() == body.rpartition("}")[0] + "}"
    assert code.text.strip() == body.strip().splitlines()[-1]
    assert code.apart.count("\n") == code.text.count("\n") == body.count("\n")
    alone = read_code(parse(f"```{language}\n{body.rpartition('}')[0]}}}\n```\n").fences[0], dialects()[language])
    assert (alone.kind, alone.apart) == ("members", "")


def test_imports_are_hoisted_as_the_language_lets_them_be_written() -> None:
    body = "import io.milvus.grpc. Thing;\n  import java.util.*; // all\nimport static a.B.c;\nThing one;\n"
    code = read_code(parse(f"```java\n{body}```\n").fences[0], dialects()["java"])
    assert len(code.hoisted) == 3
    assert code.text.strip() == "Thing one;"


def test_fields_of_a_class_are_variables_of_a_fence() -> None:
    for language, line in (
        ("java", 'private static final String EXPR = "a in [1]";'),
        ("csharp", 'private const string Expr = "a in [1]";'),
    ):
        code = page(f"```{language}\n{line}\n```\n").ready[0].code
        assert code.kind == "statements"
        assert code.text.strip() == line.replace("private ", "").replace("static ", "")
        assert len(code.text) == len(code.fence.body)
        assert code.declared == (line.partition(" =")[0].split()[-1],)

"""Which SDK each fence is checked with."""

import pytest
from docs.docs_pages import dialects, packs, page
from milvus_parity.docs.check import merge, report_of
from milvus_parity.docs.finding import Finding, Kind
from milvus_parity.docs.plan import Planned, plan


def planned(text: str, version: str) -> Planned:
    return plan([page(text, version=version)], packs(), dialects(), server_version="2.3.5", versions={})


def targets(text: str, version: str) -> list[str]:
    return [label.partition("@")[0] for label in planned(text, version).target_of.values()]


CLIENT = '```python\nclient = MilvusClient(uri="x")\nclient.drop_partition("book", "novel")\n```\n'
ORM = '```python\ncollection = Collection("book")\ncollection.load()\n```\n'


def test_a_fence_shows_by_itself_which_api_it_means() -> None:
    assert targets(CLIENT + ORM, "2.4") == ["python-client", "python-orm"]
    assert targets(CLIENT + "```python\nprint(1)\n```\n", "2.5") == ["python-client", "python-client"]
    v1 = "```java\nmilvusClient.dropPartition(DropPartitionParam.newBuilder().build());\n```\n"
    v2 = "```java\nclient.dropPartition(DropPartitionReq.builder().build());\n```\n"
    assert targets(v2 + v1, "2.4") == ["java-v2", "java-v1"]
    go = '```go\nerr := cli.DropPartition(ctx, milvusclient.NewDropPartitionOption("a", "b"))\n```\n'
    assert targets(go, "2.6") == ["go-v2"]


def test_a_variable_called_req_is_no_sign_of_an_api() -> None:
    text = "```java\nmilvusClient.createCollection(createCollectionReq);\n```\n"
    assert targets(text, "2.1") == targets(text, "2.2") == ["java-v1"]


@pytest.mark.parametrize("version", ["2.1", "2.2", "2.3", "2.4", "2.5", "2.6"])
def test_each_line_of_milvus_has_sdks_of_its_own(version: str) -> None:
    text = "".join(f"```{language}\nclient.close();\n```\n" for language in ("java", "go", "javascript", "csharp"))
    for label in planned(text + ORM, version).target_of.values():
        name, _, chosen = label.partition("@")
        newest = {"csharp": "2.3", "go-v1": "2.4"}.get(name, "2.6")
        assert chosen.startswith(min(max(version, "2.2"), newest)), label


@pytest.mark.parametrize(
    ("version", "kind", "severity"),
    [
        ("2.1", "compile error", "warning"),
        ("2.1", "raised", "warning"),
        ("2.1", "syntax", "error"),
        ("2.2", "compile error", "error"),
        ("2.6", "raised", "error"),
    ],
)
def test_what_only_an_sdk_of_another_line_says_is_no_error(version: str, kind: Kind, severity: str) -> None:
    pages = [page(ORM, version=version)]
    lanes = planned(ORM, version)
    found = Finding(path="page.md", line=2, level="compiles", kind=kind, language="python", message="m")
    report = report_of(pages, [found], merge(pages, lanes, [])[1], server=None, planned=lanes)
    assert [one.severity for one in report.findings] == [severity]

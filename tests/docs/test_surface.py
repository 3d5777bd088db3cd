"""Members that an SDK does not have."""

import pytest
from docs.docs_pages import dialects, page
from milvus_parity.docs.finding import Finding
from milvus_parity.docs.surface import check_members, misnamed_class, nearest
from milvus_parity.docs.tables import Call, Signatures

PYTHON = {
    "pymilvus": ("MilvusClient", "Collection", "DataType", "utility"),
    "MilvusClient": ("insert", "get_load_state", "create_schema"),
    "Collection": ("load", "release", "name"),
    "DataType": ("INT64", "FLOAT_VECTOR"),
    "utility": ("has_collection",),
}
NODE = {"MilvusClient": ("loadCollection", "getLoadState"), "DataType": ("Int64", "FloatVector")}


def told(text: str, language: str = "python") -> list[tuple[int, int, str, str | None]]:
    ready = page(text)
    known = Signatures(members=PYTHON if language == "python" else NODE, words=frozenset({"connectPromise"}))
    found = check_members(ready, dialects(), dict.fromkeys(ready.ready, known), dict.fromkeys(ready.ready, "t"))
    return [(one.line, one.column, one.kind, one.right) for one in found]


def fence(body: str, language: str = "python") -> str:
    return f"```{language}\n{body}\n```\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("client.get_load_status()", [(2, 8, "misnamed call", "get_load_state")]),
        ("client = MilvusClient()\nclient.insert_data([])", [(3, 8, "unknown call", None)]),
        ("collection.relese()", [(2, 12, "misnamed call", "release")]),
        ("from pymilvus import utility as u\nu.has_colection('a')", [(3, 3, "misnamed call", "has_collection")]),
        ("a = DataType.INT63", [(2, 14, "unknown call", None)]),
        ("from pymilvus import DataTypes", [(2, 22, "misnamed call", "DataType")]),
        ("schema = MilvusClient.create_shema()", [(2, 23, "misnamed call", "create_schema")]),
    ],
)
def test_what_python_has_not_is_an_error(body: str, expected: list[tuple[int, int, str, str | None]]) -> None:
    assert told(fence(body)) == expected


@pytest.mark.parametrize(
    "body",
    [
        "client.insert([])\nclient.get_load_state()",
        "client = OtherClient()\nclient.anything()",
        "from minio import Minio\nclient = Minio()\nclient.put_object()",
        "for client in clients:\n    client.anything()",
        "def f(client):\n    client.anything()",
        "from other import utility\nutility.anything()",
        "collection = make()\ncollection.anything()",
        "collection.anything",
        "from pymilvus import model\nmodel.dense.X()",
        "from pymilvus.bulk_writer import Writer",
        "client.insert(",
    ],
)
def test_what_may_be_something_else_is_not_told(body: str) -> None:
    assert told(fence(body)) == []


def test_what_an_earlier_fence_makes_counts() -> None:
    assert told(fence("client = OtherClient()") + fence("client.anything()")) == []
    assert told(fence("client = OtherClient(") + fence("client.anything()")) == []
    assert told(fence("client = MilvusClient()") + fence("client.anything()")) == [(5, 8, "unknown call", None)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("await client.load_collection({});", [(2, 14, "misnamed call", "loadCollection")]),
        ("const t = DataType.int64;", [(2, 20, "misnamed call", "Int64")]),
        ("await client.partitionManager.dropPartition({});", [(2, 14, "unknown call", None)]),
        ('await client.loadCollection({ a: "client.nothing()" }); // client.nothing()', []),
        ("const client = new Other();\nclient.nothing();", []),
        ("const client = new MilvusClient(address);\nclient.connectPromise;\nclient.closing;", []),
        ("const DataType = { a: 1 };\nDataType.a;", []),
    ],
)
def test_what_node_has_not_is_an_error(body: str, expected: list[tuple[int, int, str, str | None]]) -> None:
    assert told(fence(body, "javascript"), "javascript") == expected


def test_a_name_is_only_given_where_it_is_certain() -> None:
    assert nearest("getCollectionLoadState", ("getCollectionStatistics", "getLoadState")) == ("getLoadState", False)
    assert nearest("add_partitions", ("load_partitions", "db")) == (None, False)
    assert nearest("createPartitions", ("createPartition",)) == ("createPartition", True)


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("GrantRolePriviledgeParam", "GrantRolePrivilegeParam"),
        ("GrantRolePrivilegeParam", None),
        ("JSONObject", None),
        ("ConnectToMilvus", None),
    ],
)
def test_a_misspelt_class_of_the_sdk_is_an_error(name: str, right: str | None) -> None:
    known = Signatures(
        calls={
            name: Call(name=name, arguments=()) for name in ("GrantRolePrivilegeParam", "JsonObject", "ConnectParam")
        }
    )
    lacks = Finding(
        path="p.md",
        line=1,
        level="context",
        kind="not self-contained",
        severity="warning",
        language="java",
        message=f"{name} is never defined on this page.",
    )
    found = misnamed_class(lacks, known)
    assert (found.severity, found.right) == (("error", right) if right else ("warning", None))

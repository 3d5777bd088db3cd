"""What compilers say: the page's mistake, a name from elsewhere, or a frame that does not suit the fence."""

import pytest
from docs.docs_pages import dialects, packs, page
from milvus_parity.docs.building import Complaint
from milvus_parity.docs.complaints import findings_of
from milvus_parity.docs.plan import plan
from milvus_parity.docs.static import Reader

SYMBOL = "cannot find symbol; symbol: "


def kinds(language: str, *messages: str) -> list[tuple[str, str]]:
    ready = page(f"```{language}\nclient.call();\n```\n", version="2.5")
    lanes = plan([ready], packs(), dialects(), server_version="2.3.5", versions={}).lanes
    [[member]] = lanes.values()
    said = [Complaint(chain=0, line=2, column=1, message=message) for message in messages]
    found, _ = findings_of(member, said, dialects()[language])
    return [(one.kind, one.severity) for one in found]


@pytest.mark.parametrize(
    ("language", "message"),
    [
        ("java", SYMBOL + "variable rows"),
        ("java", SYMBOL + "method helper(int[])"),
        ("java", SYMBOL + "class JSONObject; location: class Later3"),
        ("java", SYMBOL + "variable URI; location: class p0002.Mine"),
        ("java", "package com.alibaba.fastjson does not exist"),
        ("go", "undefined: rows"),
        ("csharp", "CS0103: The name 'rows' does not exist in the current context"),
    ],
)
def test_a_name_from_elsewhere_is_no_error(language: str, message: str) -> None:
    assert kinds(language, message) == [("not self-contained", "warning")]


@pytest.mark.parametrize(
    ("language", "message"),
    [
        ("java", SYMBOL + "method nothing(); location: variable client of type MilvusClientV2"),
        ("java", SYMBOL + "variable int64; location: class DataType"),
        ("java", SYMBOL + "class GetResp; location: package io.milvus.v2.service.vector.request"),
        ("java", "package io.milvus.v2.nowhere does not exist"),
        ("go", "cli.DropPartitions undefined (type *milvusclient.Client has no field or method DropPartitions)"),
    ],
)
def test_what_the_sdk_has_not_is_an_error(language: str, message: str) -> None:
    assert kinds(language, message) == [("compile error", "error")]


@pytest.mark.parametrize(
    ("language", "message"),
    [
        ("python", "SyntaxError: 'await' outside function"),
        ("python", "SyntaxError: 'return' outside function"),
        ("python", "SyntaxError: f-string: expecting '}'"),
        ("javascript", "SyntaxError: Illegal return statement"),
        ("java", "incompatible types: unexpected return value"),
        ("java", "non-static variable client cannot be referenced from a static context"),
    ],
)
def test_what_stands_in_a_function_of_the_readers_is_no_error(language: str, message: str) -> None:
    assert kinds(language, message) == []


@pytest.mark.parametrize(
    ("language", "message"),
    [
        ("java", "variable filter is already defined in method fence()"),
        ("javascript", "SyntaxError: Identifier 'filter' has already been declared"),
        ("go", "no new variables on left side of :="),
        ("go", "filter redeclared in this block"),
        ("csharp", "CS0128: A local variable named 'filter' is already defined in this scope"),
    ],
)
def test_two_ways_in_one_fence_are_a_warning(language: str, message: str) -> None:
    assert kinds(language, message) == [("compile error", "warning")]


def test_what_only_helps_who_builds_is_left_out() -> None:
    ready = page("```go\nclient.Call()\n```\n", version="2.5")
    [[member]] = plan([ready], packs(), dialects(), server_version="2.3.5", versions={}).lanes.values()
    said = Complaint(chain=0, line=2, column=1, message="no required module provides package a/b; to add it:")
    [found], _ = findings_of(member, [said], dialects()["go"])
    assert found.message == "no required module provides package a/b"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("client.insert(a);", True),
        ("const b = client.insert(a)\nconsole.log(b)", True),
        ("client.insert(a)\n  .then((b) => console.log(b));", False),
        ("client.insert(a).then((b) => b);", False),
        ("const b = client.insert(a);\nawait Promise.all([b]);", False),
        ("await client.insert(a);", False),
    ],
)
def test_what_waits_in_its_own_way_is_awaited(body: str, told: bool) -> None:
    code = page(f"```javascript\n{body}\n```\n").ready[0].code
    assert any(Reader("page.md", code, dialects()["javascript"]).awaits()) is told

"""What a fence wants that only its reader has."""

import pytest
from milvus_parity.docs.absences import wanted


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("ModuleNotFoundError", "No module named 'openai'"),
        ("ModuleNotFoundError", "No module named 'pymilvus.model'"),
        ("Error", "Cannot find module 'towhee'"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'data.json'"),
        ("Error", "ENOENT: no such file or directory, open 'data.json'"),
        ("NoSuchFileException", "data.json"),
        ("KeyError", "'OPENAI_API_KEY'"),
        ("URLError", "<urlopen error [Errno -2] Name or service not known>"),
        ("Error", "getaddrinfo ENOTFOUND api.example.org"),
    ],
)
def test_what_only_the_reader_has_is_no_fault(kind: str, message: str) -> None:
    assert wanted(kind, message)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("ModuleNotFoundError", "No module named 'pymilvus.orm.nowhere'"),
        ("KeyError", "'title'"),
        ("MilvusException", "collection not found[collection=book]"),
        ("TypeError", "client.nothing is not a function"),
    ],
)
def test_other_failures_stay_what_they_are(kind: str, message: str) -> None:
    assert wanted(kind, message) is None

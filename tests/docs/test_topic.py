"""Tabs that do something else than their heading says."""

from docs.docs_pages import page
from milvus_parity.docs.topic import check_topics

DROP = '```python\nclient.drop_partition("book", "novel")\n```\n'
RELEASE = (
    '```javascript\nawait client.releasePartitions({ collection_name: "book", partition_names: ["novel"] });\n```\n'
)
DROP_TOO = '```javascript\nawait client.dropPartition({ collection_name: "book", partition_name: "novel" });\n```\n'
OTHER = "```javascript\nawait client.releasePartitions(a);\nawait client.somethingNew(b);\n```\n"
LIST = '```javascript\nawait client.listPartitions({ collection_name: "book" });\n```\n'


def told(text: str) -> list[tuple[int, str | None]]:
    return [(one.line, one.language) for one in check_topics(page(text))]


def test_a_tab_that_releases_where_another_drops_is_told() -> None:
    assert told("## Drop Partitions\n\n" + DROP + RELEASE) == [(7, "javascript")]


def test_what_may_be_right_is_not_told() -> None:
    for text in (
        "## Drop Partitions\n\n" + DROP + DROP_TOO,
        "## Drop Partitions\n\n" + DROP + RELEASE + "\nThen:\n\n" + DROP_TOO,
        "## Drop Partitions\n\n" + DROP + OTHER,
        "## Drop Partitions\n\n" + DROP + LIST,
        "## Drop Partitions\n\n" + RELEASE,
        "## Release and drop partitions, load a collection\n\n" + DROP + RELEASE,
        "## What is next\n\n" + DROP + RELEASE,
    ):
        assert told(text) == [], text

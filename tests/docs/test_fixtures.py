"""What fences presuppose, from their operations or from YAML."""

from pathlib import Path

import pytest
from docs.docs_pages import dialects, page
from milvus_parity.docs.fixtures import Fixture, Unknown, declared_for, differences
from milvus_parity.docs.pages import ready_page
from milvus_parity.model.errors import BadInputError
from milvus_parity.model.trace import CollectionSnapshot


def state(body: str) -> Fixture | Unknown:
    return page(f"```python\n{body}\n```\n").ready[0].state


COLLECTION = 'collection = Collection("book")\n'


@pytest.mark.parametrize(
    ("body", "before"),
    [
        ('collection.create_partition("novel")', "book without further partitions"),
        ('collection.has_partition("novel")', "book with novel (released)"),
        ('collection.drop_partition("novel")', "book with novel (released)"),
        ('collection.load(["novel"])', "book with novel (released)"),
        ('partition = Partition(collection, "novel")\npartition.release()', "book with novel (loaded)"),
        ('collection.create_partition("novel")\ncollection.load(["novel"])', "book without further partitions"),
        ("collection.release()", "book with _default (loaded)"),
        ("collection.get_replicas()", "book with _default (loaded)"),
        ('collection.load(["novel"])\ncollection.get_replicas()', "book with novel (released)"),
    ],
)
def test_the_state_before(body: str, before: str) -> None:
    assert str(state(COLLECTION + body)) == before


def test_what_is_not_known_is_not_guessed() -> None:
    found = state("utility.do_bulk_insert('book', files)")
    assert isinstance(found, Unknown)
    assert "do_bulk_insert" in found.why
    found = state('Collection("films").search(data, "vec")')
    assert isinstance(found, Unknown)
    assert "which fields films has" in found.why
    assert isinstance(state("name = f()\nCollection(name).drop_partition(p)"), Unknown)


def test_the_effect_is_compared_with_what_the_server_holds() -> None:
    found = state(COLLECTION + 'collection.drop_partition("novel")')
    assert isinstance(found, Fixture)
    held = CollectionSnapshot(partitions=("_default", "novel"))
    assert differences(found, {"book": held}) == ["The partition novel of book is still there."]
    assert differences(found, {"book": CollectionSnapshot(partitions=("_default",))}) == []


def test_a_state_can_be_declared_beside_the_page(tmp_path: Path) -> None:
    (tmp_path / "search.parity.yaml").write_text("given:\n  book: {partitions: {novel: 10}, loaded: [novel]}\n")
    declared = declared_for(tmp_path / "search.md")
    ready = ready_page("search.md", "```python\ncollection.search(data)\n```\n", dialects(), declared=declared)
    assert str(ready.ready[0].state).startswith("book with novel (loaded), index, fields book_id, word_count")
    (tmp_path / "search.parity.yaml").write_text("gven: {}\n")
    with pytest.raises(BadInputError, match="gven"):
        declared_for(tmp_path / "search.md")


def test_a_fence_goes_on_from_those_that_define_what_it_uses() -> None:
    text = (
        "```python\nfrom pymilvus import Collection\nname = 'book'\n```\n"
        "```python\nother = 1\n```\n"
        "```python\nCollection(name).drop_partition('novel')\n```\n"
    )
    ready = page(text)
    assert [code.fence.index for code in ready.ready[2].chain] == [0, 2]


def test_other_languages_tell_which_collection_the_page_means() -> None:
    text = (
        "```python\npartition.release()\n```\n"
        '```csharp\nawait c.GetCollection("book").ReleasePartitionAsync("novel");\n```\n'
        "```python\npartition = Partition(collection, 'novel')\npartition.release()\n```\n"
    )
    ready = ready_page("a.md", text, dialects(), asked=["python"])
    assert list(ready.ready) == [0, 2]
    assert ready.skipped == {1: "not asked for (csharp)"}
    assert str(ready.ready[2].state) == "book with novel (loaded)"

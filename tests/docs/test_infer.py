"""What fences about rows, indexes, aliases and collections presuppose, and what they leave."""

import pytest
from docs.docs_pages import dialects, page
from milvus_parity.docs.fixtures import Fixture, Unknown, differences
from milvus_parity.docs.frames import lent_names
from milvus_parity.docs.pages import ReadyPage
from milvus_parity.model.trace import CollectionSnapshot

LANGUAGES = ("python", "java", "go", "javascript", "csharp")

CREATE_DATABASE = {
    "python": 'db.create_database("shop")',
    "java": 'client.createDatabase(CreateDatabaseParam.newBuilder().withDatabaseName("shop").build());',
    "go": 'err := c.CreateDatabase(ctx, milvusclient.NewCreateDatabaseOption("shop"))',
    "javascript": 'await client.createDatabase({ db_name: "shop" });',
    "csharp": 'await client.CreateDatabaseAsync("shop");',
}

SEARCH = {
    "python": 'Collection("book").search([[0.1, 0.2]], anns_field="book_intro", param={"metric_type": "IP"}, limit=2)',
    "java": (
        'milvusClient.search(SearchParam.newBuilder().withCollectionName("book").withMetricType(MetricType.IP)'
        '.withVectorFieldName("book_intro").withVectors(Arrays.asList(Arrays.asList(0.1f, 0.2f))).build());'
    ),
    "go": (
        'found, err := milvusClient.Search(context.Background(), "book", []string{}, "", []string{"book_id"},\n'
        '    []entity.Vector{entity.FloatVector([]float32{0.1, 0.2})}, "book_intro", entity.IP, 2, sp)'
    ),
    "javascript": (
        'await milvusClient.search({ collection_name: "book", vectors: [[0.1, 0.2]],\n'
        '  search_params: { anns_field: "book_intro", metric_type: "IP" } });'
    ),
    "csharp": (
        'await milvusClient.GetCollection("book").SearchAsync(vectorFieldName: "book_intro",\n'
        "    vectors: [new[] { 0.1f, 0.2f }], SimilarityMetricType.IP, limit: 2); // metricType: IP"
    ),
}
INSERT = {
    "python": 'Collection("book").insert([[1], [2], [[0.1, 0.2]]], partition_name="novel")',
    "java": (
        'InsertParam rows = InsertParam.newBuilder().withCollectionName("book").withPartitionName("novel").build();\n'
        "milvusClient.insert(rows);"
    ),
    "go": '_, err := milvusClient.Insert(context.Background(), "book", "novel", ids, intros)',
    "javascript": (
        'await milvusClient.insert({ collection_name: "book", partition_name: "novel", data: [{ book_id: 1 }] });'
    ),
    "csharp": 'await milvusClient.GetCollection("book").InsertAsync(data, partitionName: "novel");',
}
INDEX = {
    "python": 'Collection("book").create_index("book_intro", {"metric_type": "L2"})',
    "java": (
        'milvusClient.createIndex(CreateIndexParam.newBuilder().withCollectionName("book")'
        '.withFieldName("book_intro").build());'
    ),
    "go": 'err := milvusClient.CreateIndex(context.Background(), "book", "book_intro", idx, false)',
    "javascript": 'await milvusClient.createIndex({ collection_name: "book", field_name: "book_intro" });',
    "csharp": 'await milvusClient.GetCollection("book").CreateIndexAsync("book_intro");',
}
DROP_INDEX = {
    "python": 'Collection("book").drop_index()',
    "java": 'milvusClient.dropIndex(DropIndexParam.newBuilder().withCollectionName("book").build());',
    "go": 'err := milvusClient.DropIndex(context.Background(), "book", "book_intro")',
    "javascript": 'await milvusClient.dropIndex({ collection_name: "book" });',
    "csharp": 'await milvusClient.GetCollection("book").DropIndexAsync("book_intro");',
}
CREATE_ALIAS = {
    "python": 'utility.create_alias(collection_name="book", alias="work")',
    "java": (
        'milvusClient.createAlias(CreateAliasParam.newBuilder().withCollectionName("book").withAlias("work").build());'
    ),
    "go": 'err := milvusClient.CreateAlias(context.Background(), "book", "work")',
    "javascript": 'await milvusClient.createAlias({ collection_name: "book", alias: "work" });',
    "csharp": 'await milvusClient.CreateAliasAsync("book", "work");',
}
DROP_COLLECTION = {
    "python": 'utility.drop_collection("book")',
    "java": 'milvusClient.dropCollection(DropCollectionParam.newBuilder().withCollectionName("book").build());',
    "go": 'err := milvusClient.DropCollection(context.Background(), "book")',
    "javascript": 'await milvusClient.dropCollection({ collection_name: "book" });',
    "csharp": 'await milvusClient.GetCollection("book").DropAsync();',
}


def fence(language: str, body: str) -> str:
    return f"```{language}\n{body}\n```\n\n"


def fixture(ready: ReadyPage, index: int = 0) -> Fixture:
    found = ready.ready[index].state
    assert isinstance(found, Fixture), found
    return found


def state(language: str, body: str) -> Fixture:
    return fixture(page(fence(language, body)))


@pytest.mark.parametrize("language", LANGUAGES)
class TestAllLanguages:
    def test_a_search_wants_rows_an_index_and_a_loaded_collection(self, language: str) -> None:
        given = state(language, SEARCH[language]).given["book"]
        assert [one.name for one in given.fields] == ["book_id", "word_count", "book_intro"]
        assert given.fields[-1].dimension == 2
        assert given.partitions["_default"] > 0
        assert given.loaded == ("_default",)
        assert given.metric == "IP"

    def test_an_insert_wants_its_partition_and_nothing_loaded(self, language: str) -> None:
        found = state(language, INSERT[language])
        assert found.given["book"].partitions == {"novel": 0}
        assert found.given["book"].loaded == ()
        assert found.given["book"].metric is None
        assert found.inferred

    def test_an_index_is_created_where_there_is_none(self, language: str) -> None:
        found = state(language, INDEX[language])
        assert found.given["book"].metric is None
        assert found.indexed == {"book": True}

    def test_an_index_is_dropped_from_what_is_released(self, language: str) -> None:
        found = state(language, DROP_INDEX[language])
        assert found.given["book"].metric == "L2"
        assert found.given["book"].loaded == ()
        assert found.indexed == {"book": False}

    def test_an_alias_is_made_for_a_collection_that_is_there(self, language: str) -> None:
        found = state(language, CREATE_ALIAS[language])
        assert list(found.given) == ["book"]
        assert found.given["book"].aliases == ()
        assert found.aliases == {"work": "book"}
        assert not found.inferred

    def test_a_database_is_created_where_there_is_none_and_dropped_where_there_is_one(self, language: str) -> None:
        made = state(language, CREATE_DATABASE[language])
        assert (made.databases, made.databases_after, made.given) == ({"shop": False}, {"shop": True}, {})
        body = CREATE_DATABASE[language].replace("create", "drop").replace("Create", "Drop")
        dropped = state(language, body)
        assert (dropped.databases, dropped.databases_after) == ({"shop": True}, {"shop": False})
        assert differences(dropped, {}, ["shop"]) == ["The database shop is still there."]
        assert differences(made, {}, ["shop"]) == []

    def test_a_dropped_collection_is_gone(self, language: str) -> None:
        found = state(language, DROP_COLLECTION[language])
        assert list(found.given) == ["book"]
        assert found.gone == ("book",)
        assert found.expected == {}
        assert not found.inferred


def test_aliases_that_are_dropped_or_moved_are_there_before() -> None:
    text = fence("python", CREATE_ALIAS["python"]) + fence("python", 'utility.drop_alias("work")')
    text += fence("python", 'utility.alter_alias(collection_name="book", alias="work")')
    ready = page(text)
    dropped = fixture(ready, 1)
    assert dropped.given["book"].aliases == ("work",)
    assert dropped.aliases == {"work": None}
    moved = fixture(ready, 2)
    assert {name: one.aliases for name, one in moved.given.items()} == {"book_2": ("work",), "book": ()}
    assert moved.aliases == {"work": "book"}


CREATE = """from pymilvus import MilvusClient
client = MilvusClient(uri="http://localhost:19530")
client.create_collection(collection_name="films", dimension=3)"""


def test_a_page_that_creates_its_collection_is_read_from_top_to_bottom() -> None:
    text = fence("python", CREATE)
    text += fence("python", 'client.insert(collection_name="films", data=[{"id": 1, "vector": [0.1, 0.2, 0.3]}])')
    text += fence("python", 'print(client.describe_collection(collection_name="films"))')
    text += fence("python", 'client.search(collection_name="films", data=[[0.1, 0.2, 0.3]])')
    text += fence("python", 'client.drop_collection(collection_name="films")')
    text += fence("python", CREATE)
    ready = page(text)
    chains = {index: [code.fence.index for code in one.chain] for index, one in ready.ready.items()}
    assert chains == {0: [0], 1: [0, 1], 2: [0, 1, 2], 3: [0, 1, 3], 4: [0, 1, 4], 5: [5]}
    assert fixture(ready, 3).given == {}
    assert fixture(ready, 3).inferred
    assert fixture(ready, 4).gone == ("films",)
    assert not fixture(ready, 5).inferred


def test_a_language_that_does_not_create_the_collection_is_given_that_of_the_others() -> None:
    text = fence("python", CREATE) + fence("go", 'err := client.Flush(ctx, "films", false)')
    text += fence("go", '_, err := client.Insert(ctx, "films", "", ids, vectors)')
    given = fixture(page(text), 2).given["films"]
    assert [(one.name, one.dimension) for one in given.fields] == [("id", None), ("vector", 3)]
    assert given.dynamic


def test_what_is_dropped_and_used_again_is_not_expected() -> None:
    body = 'c = Collection("book")\nc.drop_partition("novel")\nc.insert([[1], [2], [[0.1, 0.2]]])'
    found = state("python", body)
    assert found.absent == {"book": ("novel",)}
    assert "novel" not in found.expected["book"]


def test_a_partition_of_a_collection_that_the_page_makes_may_be_loaded() -> None:
    text = fence("python", CREATE) + fence("python", 'client.create_partition("films", "a")')
    found = fixture(page(text), 1)
    assert found.expected == {"films": {"a": None}}
    loaded = CollectionSnapshot(partitions=("_default", "a"), loaded=("_default", "a"))
    assert differences(found, {"films": loaded}) == []
    assert differences(found, {"films": CollectionSnapshot(partitions=("_default",))}) != []


def test_names_in_variables_are_not_held_against_the_page() -> None:
    text = fence("python", CREATE_ALIAS["python"])
    text += fence("python", 'name = prefix + "s"\nutility.drop_collection(name)')
    assert fixture(page(text), 1).gone == ()


def test_effects_on_collections_aliases_and_indexes_are_told() -> None:
    here = CollectionSnapshot(partitions=("_default",), aliases=("work",), indexed=("book_intro",))
    bare = CollectionSnapshot(partitions=("_default",), aliases=(), indexed=())
    unseen = CollectionSnapshot(partitions=("_default",))
    dropped = state("python", DROP_COLLECTION["python"])
    assert differences(dropped, {"book": here}) == ["The collection book is still there."]
    assert differences(dropped, {}) == []
    alias = state("python", CREATE_ALIAS["python"])
    assert differences(alias, {"book": here}) == []
    assert differences(alias, {"book": bare}) == ["The alias work is not there."]
    assert differences(alias, {"book": bare, "other": here}) == ["The alias work is that of other, not of book."]
    assert differences(alias, {"book": unseen}) == []
    index = state("python", INDEX["python"])
    assert differences(index, {"book": bare}) == ["The collection book has no index."]
    assert differences(index, {"book": here}) == differences(index, {"book": unseen}) == []
    assert differences(state("python", DROP_INDEX["python"]), {"book": here}) == [
        "The collection book still has an index."
    ]


def test_a_request_that_is_built_before_it_is_sent_is_not_that_of_the_call_before() -> None:
    body = "".join(
        f'r = DropAliasReq.builder().alias("{name}").build();\nclient.dropAlias(r);\n' for name in ("work", "works")
    )
    text = fence("java", 'client.listAliases(ListAliasesReq.builder().collectionName("book").build());')
    found = fixture(page(text + fence("java", body)), 1)
    assert found.given["book"].aliases == ("work", "works")
    assert found.aliases == {"work": None, "works": None}


PREPARED = {
    "python": (
        'collection_name = "films"\nschema = CollectionSchema([])',
        "Collection(name=collection_name, schema=schema)",
    ),
    "javascript": ('const params = { collection_name: "films" };', "await milvusClient.createCollection(params);"),
    "java": (
        'CreateCollectionParam p = CreateCollectionParam.newBuilder().withCollectionName("films").build();',
        "milvusClient.createCollection(p);",
    ),
    "go": (
        'collectionName := "films"\nschema := &entity.Schema{CollectionName: collectionName}',
        "milvusClient.CreateCollection(ctx, schema, 2)",
    ),
}


@pytest.mark.parametrize("language", PREPARED)
def test_names_in_an_earlier_fence_are_those_of_a_fence_that_goes_on_from_it(language: str) -> None:
    found = fixture(page("".join(fence(language, body) for body in PREPARED[language])), 1)
    assert found.expected == {"films": {}}
    assert not found.inferred


def test_a_fence_without_an_operation_is_run_in_an_empty_database() -> None:
    found = state("python", 'params = {"metric_type": "L2"}')
    assert str(found) == "an empty database"
    assert found.inferred


def test_the_report_says_which_fences_make_the_state() -> None:
    text = fence("python", CREATE) + fence("python", 'client.flush("films")') * 2
    assert str(fixture(page(text), 1)) == "what the fence at 1 makes"
    text = fence("python", CREATE) + fence("python", 'client.create_partition("films", "a")') * 2
    assert str(fixture(page(text), 2)) == "what the fences at 1, 7 make"


def test_what_a_fence_does_in_another_database_is_not_guessed() -> None:
    text = fence("python", 'db.using_database("default")')
    text += fence("python", 'db.using_database("shop")\nutility.drop_collection("book")')
    text += fence("python", "db.create_database(name)")
    whys = [one.state.why for one in page(text).ready.values() if isinstance(one.state, Unknown)]
    assert len(whys) == 3
    assert "default" in whys[0]


@pytest.mark.parametrize(
    "body",
    [
        'c.create_collection("films", dimension=2)\nc.create_collection("films", dimension=2)',
        'c.create_collection("films", schema=schema)\nc.load_collection("films")',
        'c.create_partition("films", "a")\nc.create_partition("films", "a")',
        'c.drop_partition("films", "a")\nc.drop_partition("films", "a")',
        'c.drop_collection("films")\nc.drop_collection("films")',
        'c.drop_collection("films")\nc.list_partitions("films")',
        'c.create_alias(collection_name="films", alias="a")\nc.create_alias(collection_name="films", alias="a")',
        'c.drop_alias(alias="a")\nc.drop_alias(alias="a")',
    ],
)
def test_what_is_said_twice_may_be_an_alternative(body: str) -> None:
    first = body.splitlines()[0]
    text = fence("python", 'client.list_partitions("films")')
    once = page(text + fence("python", first.replace("c.", "client.")))
    assert not fixture(once, 1).inferred
    assert fixture(page(text + fence("python", body.replace("c.", "client."))), 1).inferred


def test_what_readers_declare_without_a_word_is_lent_to_a_fence_that_is_run() -> None:
    ready = page(
        fence("go", 'err = c.DropCollection(ctx, "book")')
        + fence("go", 'err := c.CreateAlias(ctx, "book", "a")')
        + fence("go", 'err = c.DropAlias(ctx, "a")')
    )
    lent = {index: lent_names(one.chain, dialects()["go"]) for index, one in ready.ready.items()}
    assert lent == {0: ("err",), 1: (), 2: ()}


def test_a_field_is_no_collection_where_that_is_a_variable() -> None:
    found = page(fence("go", 'err := c.CreateIndex(ctx, collectionName, "embeddings", idx, false)')).ready[0]
    assert found.code.uses[0].collection is None
    found = page(fence("go", 'err := c.DropPartition(ctx, collectionName, "novel")')).ready[0]
    assert (found.code.uses[0].collection, found.code.uses[0].partitions) == (None, ("novel",))

"""Fields of collections, read from the fences of all languages."""

import pytest
from docs.docs_pages import dialects, page
from milvus_parity.docs.fixtures import Fixture
from milvus_parity.docs.schemas import Schema, Schemas
from milvus_parity.model.scenario import GivenField

WRITTEN = {
    "python": (
        'fields = [FieldSchema(name="film", dtype=DataType.VARCHAR, max_length=64, is_primary=True),\n'
        '  FieldSchema("year", DataType.INT32), FieldSchema(name="scene", dtype=DataType.FLOAT_VECTOR, dim=8)]'
    ),
    "java": (
        'FieldType a = FieldType.newBuilder().withName("film").withDataType(DataType.VarChar).withMaxLength(64)\n'
        "  .withPrimaryKey(true).build();\n"
        'FieldType b = FieldType.newBuilder().withName("year").withDataType(DataType.Int32).build();\n'
        'schema.addField(AddFieldReq.builder().fieldName("scene").dataType(DataType.FloatVector).dimension(8).build());'
    ),
    "go": (
        'schema := &entity.Schema{Fields: []*entity.Field{\n  {Name: "film", DataType: entity.FieldTypeVarChar,\n'
        '    PrimaryKey: true, AutoID: false, TypeParams: map[string]string{"max_length": "64"}},\n'
        '  {Name: "year", DataType: entity.FieldTypeInt32},\n}}\n'
        'schema.WithField(entity.NewField().WithName("scene").WithDataType(entity.FieldTypeFloatVector).WithDim(8))'
    ),
    "javascript": (
        "const fields = [\n"
        '  { name: "film", data_type: DataType.VarChar, max_length: 64, is_primary_key: true, autoID: false },\n'
        '  { name: "year", data_type: 4 }, { name: "scene", data_type: 101, type_params: { dim: "8" } },\n];'
    ),
    "csharp": (
        'var fields = new[] { FieldSchema.CreateVarchar("film", maxLength: 64, isPrimaryKey: true),\n'
        '  FieldSchema.Create<int>("year"), FieldSchema.CreateFloatVector("scene", 8) };'
    ),
}


def schema(text: str, collection: str = "films") -> Schema | None:
    ready = page(text)
    codes = tuple(one.code for one in ready.ready.values())
    return Schemas(codes, dialects()).of(collection, codes[-1:])


@pytest.mark.parametrize("language", WRITTEN)
def test_a_schema_is_read_in_each_language(language: str) -> None:
    found = schema(f"```{language}\n{WRITTEN[language]}\n```\n")
    assert found is not None
    assert found.fields == (
        GivenField(name="film", type="VarChar", primary=True, length=64),
        GivenField(name="year", type="Int32"),
        GivenField(name="scene", type="FloatVector", dimension=8),
    )


def test_the_schema_that_has_the_vector_is_meant() -> None:
    two = (
        "```python\na = [FieldSchema('id', DataType.INT64, is_primary=True), "
        "FieldSchema('one', DataType.FLOAT_VECTOR, dim=2)]\n"
        "b = [FieldSchema('id', DataType.INT64, is_primary=True), "
        "FieldSchema('two', DataType.FLOAT_VECTOR, dim=4)]\n```\n"
        '```python\nclient.search("films", data, anns_field="two")\n```\n'
    )
    found = schema(two)
    assert found is not None
    assert found.fields[-1].name == "two"


def test_a_field_that_rows_cannot_be_made_for_is_not_guessed_away() -> None:
    text = (
        "```python\na = [FieldSchema('id', DataType.INT64, is_primary=True), "
        "FieldSchema('words', DataType.SPARSE_FLOAT_VECTOR)]\nclient.search('films', rows)\n```\n"
    )
    assert schema(text) is None


def test_names_in_the_fence_are_enough_for_a_search() -> None:
    found = schema('```python\nclient.search("films", [[0.1, 0.2, 0.3]], anns_field="scene", limit=1)\n```\n')
    assert found is not None
    assert found.dynamic
    assert found.fields[-1] == GivenField(name="scene", type="FloatVector", dimension=3)


def test_the_report_says_where_fields_are_from() -> None:
    found = page('```python\nCollection("book").query("book_id in [1]")\n```\n').ready[0].state
    assert isinstance(found, Fixture)
    assert "book_intro(2) (the usual ones of the book" in str(found)

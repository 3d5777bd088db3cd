"""curl fences as far as they can be checked."""

import pytest
from docs.docs_pages import page
from milvus_parity.docs.shell import check_shell

GOOD = """\
curl --request POST \\
--url "${CLUSTER_ENDPOINT}/v2/vectordb/partitions/drop" \\
-H "Authorization: Bearer ${TOKEN}" \\
-d '{
    "collectionName": "quick_setup",
    "data": [{"id": 1, "my_own": [0.1]}],
    "partitionName": "$NAME"
}'
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (GOOD, []),
        (GOOD.replace('"quick_setup",', '"quick_setup"'), [("bad json", 7)]),
        (GOOD.replace("collectionName", "collectionNme"), [("unknown field", 6)]),
        (GOOD.replace("}'", "}"), [("shell syntax", 5)]),
        ("curl http://<host>:19530/v1/vector/collections\n", []),
        ("$ curl -X GET localhost:9091/healthz\n", []),
        ("import -c book x.csv\n", []),
        (GOOD.replace('"quick_setup"', '"quick_setup", "filter": "color like \'red%\'"'), [("shell syntax", 6)]),
        (GOOD.replace("[0.1]", "[0.1, …]"), []),
        (GOOD.replace(".../", "/").replace('drop" \\\n', 'drop"\n'), [("shell syntax", 3)]),
        (GOOD.replace('TOKEN}" \\\n', 'TOKEN}" \\ \n'), [("shell syntax", 4)]),
        ('curl -d \'{\n  "collectionName": "a",\n  "filter": "x\n-d y"\n}\'\n', [("bad json", 4)]),
        (GOOD.replace("/v2/vectordb/", "/api/v1/").replace("collectionName", "field_name"), []),
    ],
)
def test_curl(body: str, expected: list[tuple[str, int]]) -> None:
    found, _ = check_shell(page(f"```bash\n{body}```\n"))
    assert [(one.kind, one.line) for one in found] == expected

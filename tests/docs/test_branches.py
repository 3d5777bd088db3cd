"""Pages as several docs branches write them: what is right is never an error, what is wrong is found in its place."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

TABS = '<div class="multipleCode">\n' + "".join(
    f'    <a href="#{name}">{name}</a>\n' for name in ("python", "java", "javascript", "go", "bash")
)
RIGHT = f"""\
---
id: right.md
title: "Right"
---

# Right

## A function among statements, and what goes on from it

{TABS}</div>

```python
from pymilvus import MilvusClient, DataType

client = MilvusClient(
    uri="http://localhost:19530",
    token="root:Milvus"
)

schema = client.create_schema(auto_id=False)
schema.add_field(field_name="id", datatype=DataType.INT64, is_primary=True)
while True:
    name = next(iter(["book"]))
    if name:
        break
```

```java
import io.milvus.v2.client.ConnectConfig;
import io.milvus.v2.client. MilvusClientV2;

import java.util.*;  // lists

private static int[] twice(int[] some) {{
    return new int[] {{some[0], some[0]}};
}}

MilvusClientV2 client = new MilvusClientV2(ConnectConfig.builder()
        .uri("http://localhost:19530")
        .build());
List<String> partitionNames = new ArrayList<>();
partitionNames.add("a" + twice(new int[] {{1}}).length);
```

```javascript
import {{ MilvusClient, DataType }} from "@zilliz/milvus2-sdk-node";

const address = "http://localhost:19530";
client = new MilvusClient({{address}});
const fields = [{{ name: "id", data_type: DataType.Int64 }}];
```

```go
import (
    "context"
    "fmt"

    "github.com/milvus-io/milvus/client/v2/milvusclient"
)

func helper(rows []interface{{}}) (map[string]interface{{}}, error) {{
    return map[string]interface{{}}{{"rows": rows}}, nil
}}

ctx, cancel := context.WithCancel(context.Background())
defer cancel()

client, err := milvusclient.New(ctx, &milvusclient.ClientConfig{{
    Address: "localhost:19530",
}})
if err != nil {{
    // handle error
}}
defer client.Close(ctx)
all, err := helper(nil)
fmt.Println(all)
```

```bash
export TOKEN="root:Milvus"

curl --request POST \\
--url "${{CLUSTER_ENDPOINT}}/v2/vectordb/partitions/list" \\
--header "Authorization: Bearer ${{TOKEN}}" \\
-d '{{
    "collectionName": "book"
}}'

# {{
#     "code": 0
# }}
```

## It goes on

{TABS}</div>

```python
res = client.has_partition(
    collection_name="book",
    # highlight-next-line
    partition_name="novel"
)
print(res)

# Output
# True
```

```python
Status(code=0, message='')
```

```java
import io.milvus.v2.service.partition.request.LoadPartitionsReq;

LoadPartitionsReq request = LoadPartitionsReq.builder()
        .collectionName("book")
        .partitionNames(Collections.singletonList("novel"))
        .build();
client.loadPartitions(request);
System.out.println(twice(new int[] {{1}}).length);
```

```javascript
await client.loadPartitions({{
    collection_name: "book",
    partition_names: ["novel"]
}})
res = await client.getLoadState({{
    collection_name: "book",
    partition_name: "novel"
}})
console.log(res)

// Output
//
// LoadStateLoaded
//
```

```go
all, err := helper(nil)
if err != nil {{
    fmt.Println(err.Error())
}}
fmt.Println(all)
```

The data may look so:

```python
data = [{{"id": 1, "vector": [0.1, 0.2, ...]}}]
```

<table class="language-java">
    <thead><tr><th>Parameter</th><th>Description</th></tr></thead>
    <tr><td><code>collectionName</code></td><td>x</td></tr>
    <tr><td><code>PartitionNames</code></td><td>x</td></tr>
</table>

<table class="language-python">
    <thead><tr><th>Parameter</th><th>Description</th></tr></thead>
    <tr><td><code>collection_name</code></td><td>x</td></tr>
    <tr><td><code>partition_name</code> (optional)</td><td>x</td></tr>
</table>
"""
WRONG = """\
# Wrong

```python
from pymilvus import MilvusClient
client = MilvusClient()
client.get_load_status(collection_name="book")
```

```javascript
await client.load_collection({ collection_name: "book" });
```

```java
import io.milvus.v2.client.MilvusClientV2;
import io.milvus.v2.service.vector.request.GetResp;

DataType type = DataType.int64;
```

```java
LoadPartitionsReq request = LoadPartitionsReq.builder().collectionNam("book").build();
```

```go
cli.DropPartitions(ctx, milvusclient.NewDropPartitionOption("book", "novel"))
```

```bash
curl -X POST "localhost/v2/vectordb/partitions/list"
-d '{"collectionName": "book"}'
```

<table class="language-java">
<tr><th>Parameter</th></tr>
<tr><td><code>PartitonNames</code></td></tr>
</table>
"""


def checked(tmp_path: Path, branch: str, text: str) -> set[tuple[int, str, str | None]]:
    page = tmp_path / branch / "page.md"
    page.parent.mkdir()
    page.write_text(text)
    out = tmp_path / "report.json"
    command = ["docs", "check", "--trust", "--runtime", "process", "--format", "json", "--out", str(out), str(page)]
    done = subprocess.run(
        [sys.executable, "-m", "milvus_parity", *command], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(out.read_text())["findings"]
    return {(one["line"], one["kind"], one.get("right")) for one in found if one.get("severity", "error") == "error"}


@pytest.mark.e2e
def test_what_is_right_is_no_error(tmp_path: Path) -> None:
    assert checked(tmp_path, "v2.5.x", RIGHT) == set()


@pytest.mark.e2e
def test_another_branch_takes_other_sdks(tmp_path: Path) -> None:
    """Without Go, whose SDK of that branch takes a minute to compile."""
    assert checked(tmp_path, "v2.6.x", re.sub(r"```go\n.*?```\n", "", RIGHT, flags=re.DOTALL)) == set()


@pytest.mark.e2e
def test_what_is_wrong_is_found_in_its_place(tmp_path: Path) -> None:
    assert checked(tmp_path, "v2.5.x", WRONG) == {
        (6, "misnamed call", "get_load_state"),
        (10, "misnamed call", "loadCollection"),
        (15, "compile error", None),
        (17, "compile error", None),
        (21, "compile error", None),
        (25, "compile error", None),
        (29, "shell syntax", None),
        (35, "misnamed parameter", "PartitionNames"),
    }

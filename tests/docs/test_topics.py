"""Pages of other topics than partitions are run, from states that are inferred."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

OF_THE_BOOK = """# Rows and indexes of a collection that is there

```python
from pymilvus import Collection
works = Collection("book")
works.insert([[i for i in range(9)], [i for i in range(9)], [[0.5, i] for i in range(9)]])
```

```javascript
await milvusClient.insert({ collection_name: "book", data: [{ book_id: 1, word_count: 2, book_intro: [0.5, 1] }] });
```

```python
works.search(data=[[0.1, 0.2]], anns_field="book_intro", param={"metric_type": "IP"}, limit=3)
```

```javascript
await milvusClient.query({ collection_name: "book", expr: "book_id in [1, 2]", output_fields: ["word_count"] });
```

```python
works.delete("book_id in [0, 1]")
```

```python
works.create_index("book_intro", {"metric_type": "L2", "index_type": "IVF_FLAT", "params": {"nlist": 8}})
```

```python
from pymilvus import Collection
Collection("book").drop_index()
```

```javascript
await milvusClient.createAlias({ collection_name: "book", alias: "work" });
```

```python
from pymilvus import utility
utility.alter_alias(collection_name="book", alias="work")
```

```python
from pymilvus import utility
utility.rename_collection("book", "papers")
```

```javascript
await milvusClient.dropCollection({ collection_name: "book" });
```

```python
works.search(data=[[0.1, 0.2]], anns_field="book_intro")
```

```python
Collection("book").query("pages > 3")
```
"""

FROM_TOP_TO_BOTTOM = """# A collection of the page's own

```python
from pymilvus import MilvusClient
client = MilvusClient(uri="http://localhost:19530")
client.create_collection(collection_name="films", dimension=3)
```

```python
client.insert(collection_name="films", data=[{"id": n, "vector": [0.1, 0.2, n], "year": 1990 + n} for n in range(5)])
```

```python
client.search(collection_name="films", data=[[0.1, 0.2, 0.3]], filter="year > 1990", limit=2)
```

```python
client.drop_collection(collection_name="films")
```
"""


def check(page: Path) -> dict[str, Any]:
    out = page.with_suffix(".json")
    command = ["docs", "check", "--trust", "--runtime", "process", "--format", "json", "--out", str(out), str(page)]
    command += ["--target", "python", "--target", "javascript"]
    done = subprocess.run(
        [sys.executable, "-m", "milvus_parity", *command], capture_output=True, text=True, timeout=600, check=False
    )
    assert out.exists(), done.stderr
    report: dict[str, Any] = json.loads(out.read_text())
    return report


def test_a_collection_that_is_there(tmp_path: Path) -> None:
    page = tmp_path / "v2.2.x" / "rows.md"
    page.parent.mkdir()
    page.write_text(OF_THE_BOOK)
    report = check(page)
    fences = report["pages"][0]["fences"]
    for fence in fences[:-2]:
        assert (fence["levels"]["runs"], fence["levels"]["effect"]) == ("passed", "passed"), (fence, report["findings"])
    errors = [one for one in report["findings"] if one.get("severity", "error") == "error"]
    assert [one["fence"][0] for one in errors] == [fences[-2]["line"]]
    assert "missing 2 required" in errors[0]["message"]
    doubted = [one for one in report["findings"] if one.get("fence", [0])[0] == fences[-1]["line"]]
    assert [one["severity"] for one in doubted] == ["warning"]
    assert "the state before it was inferred as book with _default (loaded)" in doubted[0]["message"]


def test_a_page_that_is_read_from_top_to_bottom(tmp_path: Path) -> None:
    page = tmp_path / "v2.3.x" / "films.md"
    page.parent.mkdir()
    page.write_text(FROM_TOP_TO_BOTTOM)
    report = check(page)
    assert report["findings"] == []
    for fence in report["pages"][0]["fences"]:
        assert (fence["levels"]["runs"], fence["levels"]["effect"]) == ("passed", "passed"), fence

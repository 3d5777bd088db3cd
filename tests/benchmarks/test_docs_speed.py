"""Pages: one with five tabs in under 15 s with builds cached; some hundred parsed in seconds."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from milvus_parity.docs.parse import parse

pytestmark = pytest.mark.benchmark

FIVE_TABS = """---
id: drop.md
---

# Drop a partition

<div class="multipleCode">
  <a href="#python">Python </a>
  <a href="#java">Java</a>
  <a href="#go">GO</a>
  <a href="#javascript">Node.js</a>
</div>

```python
from pymilvus import Collection
collection = Collection("book")
collection.drop_partition("novel")
```

```javascript
await milvusClient.dropPartition({
  collection_name: "book",
  partition_name: "novel",
});
```

```go
err := milvusClient.DropPartition(context.Background(), "book", "novel")
if err != nil {
  log.Fatal("failed to drop partition:", err.Error())
}
```

```java
milvusClient.dropPartition(
  DropPartitionParam.newBuilder()
    .withCollectionName("book")
    .withPartitionName("novel")
    .build());
```
"""


def check(page: Path) -> float:
    started = time.perf_counter()
    command = [sys.executable, "-m", "milvus_parity", "docs", "check", "--trust", "--runtime", "process", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.perf_counter() - started


def test_a_page_with_tabs(tmp_path: Path) -> None:
    page = tmp_path / "drop_partition.md"
    page.write_text(FIVE_TABS, encoding="utf-8")
    check(page)
    seconds = check(page)
    print(f"\na page with tabs in four languages: {seconds:.1f} s")
    assert seconds < 15


def test_hundreds_of_pages_are_parsed_in_seconds() -> None:
    text = FIVE_TABS * 10
    started = time.perf_counter()
    for number in range(300):
        parse(text, f"page{number}.md")
    seconds = time.perf_counter() - started
    print(f"\n300 pages of {len(text)} characters: {seconds:.1f} s")
    assert seconds < 10

"""What tests of pages share: the packs' dialects, and the real pages where they are."""

import os
from functools import lru_cache
from pathlib import Path

import pytest
from milvus_parity.docs.dialect import Dialect, read_dialects
from milvus_parity.docs.pages import ReadyPage, ready_page
from milvus_parity.packs.discover import discover, packaged
from milvus_parity.packs.pack import Pack

ROOT = Path(__file__).resolve().parents[2]


@lru_cache(maxsize=1)
def packs() -> dict[str, Pack]:
    return discover([packaged("runners")])


@lru_cache(maxsize=1)
def dialects() -> dict[str, Dialect]:
    return read_dialects(packs())


def page(text: str, path: str = "page.md", version: str | None = None) -> ReadyPage:
    return ready_page(path, text, dialects(), version)


def real_pages() -> list[Path]:
    """The five partition pages of the docs branch v2.2.x; MILVUS_PARITY_TEST_PAGES names their folder."""
    named = os.environ.get("MILVUS_PARITY_TEST_PAGES")
    folders = [Path(named)] if named else sorted(ROOT.parent.glob("*/pages/v2.2.x"))
    found = [path for folder in folders for path in sorted(folder.glob("*_partition.md"))]
    if not found:
        pytest.skip("the real pages are not here: MILVUS_PARITY_TEST_PAGES=FOLDER")
    return found

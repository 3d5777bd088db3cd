"""What a compiler refused is not compiled again, and never taken for something else."""

from pathlib import Path

from docs.docs_pages import packs
from milvus_parity.docs.refusals import Refusal, Refusals
from milvus_parity.packs.discover import target_of
from milvus_parity.runtime.base import CompileError, Sdk

REFUSAL = Refusal(errors=(CompileError(file="a.go", line=3, column=None, message="no"),), output="a.go:3: no")


def test_the_same_build_is_refused_in_the_same_words(tmp_path: Path) -> None:
    pack = packs()["go"]
    sdk = Sdk(pack=pack, target=target_of(pack, "go-v1", "2.3.6"), folder="sdk")
    refusals = Refusals(tmp_path / "docs")
    assert refusals.find(sdk, {"a.go": "x"}) is None
    refusals.keep(sdk, {"a.go": "x"}, REFUSAL)
    assert refusals.find(sdk, {"a.go": "x"}) == REFUSAL
    assert refusals.find(sdk, {"a.go": "y"}) is None
    [kept] = (tmp_path / "docs").iterdir()
    kept.write_text("{")
    assert refusals.find(sdk, {"a.go": "x"}) is None
    assert Refusals(None).find(sdk, {}) is None

"""What compilers refused before: the same fences need not be compiled again to hear the same."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from milvus_parity.model.scenario import Frozen
from milvus_parity.runtime.base import CompileError, Sdk


class Refusal(Frozen, frozen=True, kw_only=True):
    """A compiler's complaints about a build, and all that it said."""

    errors: tuple[CompileError, ...]
    output: str


class Refusals:
    """Kept in a folder of the cache, by all that went in. What cannot be read or written is compiled again."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def _place(self, sdk: Sdk, sources: Mapping[str, str]) -> Path | None:
        if self.folder is None:
            return None
        hasher = hashlib.sha256()
        for part in (sdk.folder, sdk.target.label, *(text for item in sorted(sources.items()) for text in item)):
            data = part.encode("utf-8", "surrogatepass")
            hasher.update(len(data).to_bytes(8, "big") + data)
        return self.folder / f"{hasher.hexdigest()[:32]}.json"

    def find(self, sdk: Sdk, sources: Mapping[str, str]) -> Refusal | None:
        """What the compiler said of this build before; None when it was not asked."""
        place = self._place(sdk, sources)
        if place is None:
            return None
        try:
            return msgspec.json.decode(place.read_bytes(), type=Refusal)
        except (OSError, msgspec.MsgspecError):
            return None

    def keep(self, sdk: Sdk, sources: Mapping[str, str], refusal: Refusal) -> None:
        """Keep what it said. Only complaints that are some fence's: others may be the machine's."""
        place = self._place(sdk, sources)
        if place is None:
            return
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            partial = place.with_suffix(f".{id(refusal)}.partial")
            partial.write_bytes(msgspec.json.encode(refusal))
            partial.replace(place)
        except OSError:
            return

"""A pack as it lies on disk."""

from pathlib import Path

from milvus_parity.model.scenario import Frozen
from milvus_parity.model.target import PackSpec, Target, TargetSpec


class Pack(Frozen, frozen=True, kw_only=True):
    """A language pack and the folder it was read from."""

    spec: PackSpec
    folder: Path

    @property
    def language(self) -> str:
        """The language, which is the folder's name."""
        return self.spec.language

    def target_spec(self, target: Target) -> TargetSpec:
        """What the pack says of a target of its own."""
        return self.spec.targets[target.name]

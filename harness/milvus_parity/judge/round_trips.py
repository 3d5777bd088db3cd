"""How many calls each operation takes each SDK: counted while a run is judged."""

from collections.abc import Mapping, Sequence

from milvus_parity.model.run import StepWire
from milvus_parity.model.scenario import Case, SdkStep
from milvus_parity.model.trace import Trace
from milvus_parity.model.wire import RoundTrips

_NOTHING = StepWire()


class RoundTripTable:
    """Takes execution after execution."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], list[int]] = {}
        self._methods: dict[tuple[str, str], set[str]] = {}

    def take(self, case: Case, label: str, trace: Trace, wire: Mapping[int, StepWire]) -> None:
        """Count the calls of the steps that were run."""
        ran = {step.step for step in trace.steps if step.outcome != "unsupported"}
        for step in case.steps:
            if isinstance(step, SdkStep) and step.id in ran:
                found = wire.get(step.id, _NOTHING)
                key = (step.operation, label)
                self._counts.setdefault(key, []).append(found.count)
                self._methods.setdefault(key, set()).update(found.methods)

    def rows(self, labels: Sequence[str]) -> tuple[RoundTrips, ...]:
        """The table, by operation and then in the order of the targets."""
        order = {label: place for place, label in enumerate(labels)}
        keys = sorted(self._counts, key=lambda key: (key[0], order.get(key[1], len(order)), key[1]))
        return tuple(
            RoundTrips(
                operation=operation,
                target=label,
                steps=len(counts),
                least=min(counts),
                most=max(counts),
                total=sum(counts),
                methods=tuple(sorted(self._methods[operation, label])),
            )
            for operation, label in keys
            for counts in (self._counts[operation, label],)
        )

"""How many calls each operation takes each SDK: counted while a run is judged."""

from collections.abc import Mapping, Sequence

from milvus_parity.model.run import StepWire
from milvus_parity.model.scenario import Case, SdkStep
from milvus_parity.model.trace import Trace
from milvus_parity.model.wire import RoundTrips


class _Row:
    """An operation of a target."""

    def __init__(self, operation: str, target: str) -> None:
        self.operation = operation
        self.target = target
        self.steps = self.most = self.total = 0
        self.least: int | None = None
        self.methods: set[str] = set()

    def take(self, wire: StepWire | None) -> None:
        count = wire.count if wire is not None else 0
        self.steps += 1
        self.total += count
        self.most = max(self.most, count)
        self.least = count if self.least is None else min(self.least, count)
        if wire is not None:
            self.methods.update(wire.methods)


class RoundTripTable:
    """Takes execution after execution."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], _Row] = {}

    def take(self, case: Case, label: str, trace: Trace, wire: Mapping[int, StepWire]) -> None:
        """Count the calls of the steps that were run."""
        operations = {step.id: step.operation for step in case.steps if isinstance(step, SdkStep)}
        for step in trace.steps:
            operation = operations.get(step.step)
            if operation is None or step.outcome == "unsupported":
                continue
            row = self._rows.get((operation, label))
            if row is None:
                row = self._rows[operation, label] = _Row(operation, label)
            row.take(wire.get(step.step))

    def rows(self, labels: Sequence[str]) -> tuple[RoundTrips, ...]:
        """The table, by operation and then in the order of the targets."""
        order = {label: place for place, label in enumerate(labels)}
        rows = sorted(
            self._rows.values(), key=lambda row: (row.operation, order.get(row.target, len(order)), row.target)
        )
        return tuple(
            RoundTrips(
                operation=row.operation,
                target=row.target,
                steps=row.steps,
                least=row.least or 0,
                most=row.most,
                total=row.total,
                methods=tuple(sorted(row.methods)),
            )
            for row in rows
        )

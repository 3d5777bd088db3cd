"""What the targets sent in a step, as recorded: who sent the same, and what differs field by field."""

from collections.abc import Sequence

from milvus_parity.model.run import RunRecord, label_of
from milvus_parity.model.scenario import Frozen
from milvus_parity.model.wire import CallComparison, RecordedCall
from milvus_parity.wire.summary import compare, of_step, texts


class SentBy(Frozen, frozen=True, kw_only=True):
    """Targets that sent the same calls; none when they sent nothing."""

    targets: tuple[str, ...]
    calls: tuple[str, ...]


class Sent(Frozen, frozen=True, kw_only=True):
    """What went over the wire in a step. ``calls``, field by field, are those in which targets differ."""

    by: tuple[SentBy, ...]
    calls: tuple[CallComparison, ...] = ()


def sent_in(record: RunRecord, case: str, step: int, targets: Sequence[str]) -> Sent | None:
    """What these targets sent in a step; None when it was recorded for none of them, or none sent anything."""
    calls: dict[str, tuple[RecordedCall, ...]] = {}
    names: dict[str, dict[str, str]] = {}
    for trace in record.traces(case):
        label = label_of(trace)
        recording = record.recording(case, label) if label in targets and trace.wire == "recorded" else None
        if recording is not None and recording.complete:
            calls[label] = of_step(recording.calls, step)
            names[label] = {real: logical for logical, real in trace.databases.items()}
    if not calls:
        return None
    by: dict[tuple[str, ...], list[str]] = {}
    for label, made in calls.items():
        by.setdefault(texts(made, names[label]), []).append(label)
    if not any(by):
        return None
    return Sent(
        by=tuple(SentBy(targets=tuple(labels), calls=said) for said, labels in by.items()),
        calls=tuple(one for one in compare(calls, names) if not one.same),
    )

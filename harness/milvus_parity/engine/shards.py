"""Shards: parts of a run that take about the same time."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from milvus_parity.model.scenario import Case
from milvus_parity.store.reader import read_run

UNKNOWN = 0.5
"""Seconds that a case is taken to last when nothing was measured, and none of the others was either."""


def measured(folder: Path) -> dict[str, float]:
    """Case -> seconds, the sum over the targets of a stored run."""
    run = read_run(folder)
    return {case.id: sum(trace.seconds for trace in run.traces(case.id)) for case in run.header.cases}


def cases_of_shard(cases: Sequence[Case], index: int, count: int, seconds: Mapping[str, float]) -> list[Case]:
    """The cases of shard ``index`` (from 1) of ``count``, in their order.

    The longest first, each to the shard that has least to do. Cases without a measured time count as the mean of the
    others. The same input gives the same shards on every machine.
    """
    known = [seconds[case.id] for case in cases if case.id in seconds]
    mean = sum(known) / len(known) if known else UNKNOWN
    load = [0.0] * count
    owner: dict[str, int] = {}
    for case in sorted(cases, key=lambda case: (-seconds.get(case.id, mean), case.id)):
        least = min(range(count), key=lambda shard: (load[shard], shard))
        load[least] += seconds.get(case.id, mean)
        owner[case.id] = least
    return [case for case in cases if owner[case.id] == index - 1]

"""Which fences of pages are proven by which scenarios, and which operations no scenario covers. Pure."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from milvus_parity.docs.pages import ReadyPage
from milvus_parity.model.scenario import Case, Frozen, SdkStep

_NOT_COUNTED = frozenset({"connect", "close", "use", "echo", "has_collection"})


class FenceCoverage(Frozen, frozen=True, kw_only=True):
    """A fence and the scenarios that do what it does, in its order. ``named``: those that name its page."""

    path: str
    line: int
    language: str
    operations: tuple[str, ...]
    scenarios: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


class Coverage(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """``uncovered``: operations and calls on the pages that no scenario makes, with how many fences have them."""

    schema: int = 1
    fences: tuple[FenceCoverage, ...] = ()
    uncovered: Mapping[str, int] = {}


def coverage(pages: Sequence[ReadyPage], cases: Sequence[Case]) -> Coverage:
    """Hold fences against scenarios."""
    sequences: dict[str, list[tuple[str, ...]]] = {}
    docs: dict[str, set[str]] = {}
    for case in cases:
        steps = tuple(
            step.operation for step in case.steps if isinstance(step, SdkStep) and step.operation not in _NOT_COUNTED
        )
        sequences.setdefault(case.scenario, []).append(steps)
        docs.setdefault(case.scenario, set()).update(case.docs)
    covered = {operation for found in sequences.values() for steps in found for operation in steps}
    fences = []
    uncovered: dict[str, int] = {}
    for ready in pages:
        name = ready.page.front.get("id") or Path(ready.page.path).name
        for one in ready.ready.values():
            operations = tuple(use for use in one.code.operations if use not in _NOT_COUNTED)
            for missing in {*(use for use in operations if use not in covered), *one.code.other_calls}:
                uncovered[missing] = uncovered.get(missing, 0) + 1
            if not operations:
                continue
            proving = tuple(
                scenario
                for scenario, found in sequences.items()
                if not one.code.other_calls and any(_within(operations, steps) for steps in found)
            )
            fences.append(
                FenceCoverage(
                    path=ready.page.path,
                    line=one.code.fence.line,
                    language=one.code.fence.language or "",
                    operations=operations,
                    scenarios=proving,
                    named=tuple(scenario for scenario in proving if name in docs[scenario]),
                )
            )
    ordered = sorted(uncovered.items(), key=lambda one: (-one[1], one[0]))
    return Coverage(fences=tuple(fences), uncovered=dict(ordered))


def _within(wanted: Sequence[str], steps: Sequence[str]) -> bool:
    """Whether the steps have the wanted ones one right after the other."""
    size = len(wanted)
    return any(tuple(steps[at : at + size]) == tuple(wanted) for at in range(len(steps) - size + 1))


def text(found: Coverage) -> str:
    """For a terminal."""
    lines = []
    for fence in found.fences:
        shown = fence.named or fence.scenarios
        more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
        proof = ", ".join(shown[:3]) + more if shown else "no scenario"
        lines.append(f"{fence.path}:{fence.line} {fence.language} {' '.join(fence.operations)}: {proof}")
    proven = sum(bool(fence.scenarios) for fence in found.fences)
    lines.append("")
    lines.append(f"{proven} of {len(found.fences)} fences with operations are proven by scenarios")
    if found.uncovered:
        calls = ", ".join(f"{name} ({count})" for name, count in found.uncovered.items())
        lines.append(f"No scenario covers: {calls}")
    return "\n".join(lines) + "\n"

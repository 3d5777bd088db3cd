"""Read a run, judge it with the ledger and the packs of today, and show it."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from milvus_parity.cli.options import Strictness

if TYPE_CHECKING:
    from milvus_parity.judge.ledger import Ledger
    from milvus_parity.model.run import RunRecord
    from milvus_parity.model.verdict import RunVerdict
    from milvus_parity.packs.pack import Pack

LEDGER = "known_differences.yaml"


def find_ledger(named: Path | None, scenarios: tuple[Path, ...] = (), kinds: Sequence[str] = ()) -> "Ledger | None":
    """The ledger that was named, or the one beside the scenarios; None when there is none.

    ``kinds``: those of findings on pages, to find slips.
    """
    from milvus_parity.judge.ledger import load_ledger
    from milvus_parity.packs.discover import packaged

    paths = [named] if named is not None else [folder / LEDGER for folder in scenarios or (packaged("scenarios"),)]
    for path in paths:
        if named is not None or path.is_file():
            return load_ledger(path, kinds=kinds, name=_shown(path))
    return None


def _shown(path: Path) -> str:
    """The path as people would type it from where they are."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def judged(
    folder: Path, packs: "Mapping[str, Pack]", ledger: "Ledger | None", today: date
) -> "tuple[RunRecord, RunVerdict]":
    """Judge a stored run. Pure apart from reading its folder."""
    from milvus_parity.judge import judge_run
    from milvus_parity.store.reader import read_run

    record = read_run(folder)
    verdict = judge_run(record, ledger, {language: pack.spec for language, pack in packs.items()}, today)
    return record, verdict


def shown(
    record: "RunRecord", verdict: "RunVerdict", form: str, strict: Strictness, required: Sequence[str] = ()
) -> str:
    """A report, as wide and as colourful as standard output allows."""
    import os

    from milvus_parity.report import render

    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((120, 40)).columns if terminal else None
    color = terminal and "NO_COLOR" not in os.environ
    return render(verdict, record, form, width, color, strict, tuple(required))

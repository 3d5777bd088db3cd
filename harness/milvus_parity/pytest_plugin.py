"""A pytest plugin: each case of a scenario file is a test. ``pytest --parity scenarios/``.

All cases that were collected run in one go, through all targets, before the first test reports; each test then tells
what the judge says of its case. Without ``--parity`` the plugin does nothing.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from milvus_parity.model.run import RunRecord
    from milvus_parity.model.scenario import Case
    from milvus_parity.model.verdict import CaseVerdict, RunVerdict


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the plugin."""
    group = parser.getgroup("milvus-parity")
    group.addoption(
        "--parity", action="store_true", help="run scenario files (topic/name.yaml) through the Milvus SDKs"
    )
    group.addoption("--parity-target", action="append", default=[], metavar="NAME[@VERSION]", help="repeatable")
    group.addoption("--parity-milvus", default="embedded", metavar="embedded|lite|container[:TAG]|ADDRESS")
    group.addoption("--parity-runtime", default="auto", choices=["auto", "process", "container"])
    group.addoption("--parity-ledger", default=None, metavar="FILE", help="known differences")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "ScenarioFile | None":
    """Take a scenario file, when asked to."""
    if file_path.suffix in (".yaml", ".yml") and parent.config.getoption("--parity") and _is_scenario(file_path):
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


def _is_scenario(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return any(line.startswith("steps:") for line in text.splitlines())


class ScenarioFile(pytest.File):
    """A scenario file; its items are its cases."""

    def collect(self) -> "Iterator[CaseItem]":
        """The cases. A slip in the file is a collection error with its place."""
        from milvus_parity.model.errors import ParityError
        from milvus_parity.scenarios.load import load_file

        try:
            cases = load_file(self.path)
        except ParityError as error:
            raise self.CollectError(str(error)) from error
        for case in cases:
            item: CaseItem = CaseItem.from_parent(self, name=case.id)
            item.case = case
            yield item


class CaseItem(pytest.Item):
    """A case, run through all targets."""

    case: "Case"

    def runtest(self) -> None:
        """Say what the judge says of the case."""
        record, verdict = _whole(self.session)
        found = next(one for one in verdict.cases if one.case == self.case.id)
        if found.status == "not applicable":
            pytest.skip(found.targets[0].detail or "not supported by this server")
        if found.status not in ("pass", "known"):
            raise CaseFailed(_said(found, record, verdict))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Sentences instead of a traceback."""
        if isinstance(excinfo.value, CaseFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the case is."""
        return self.path, self.case.location.line - 1, self.case.id


class CaseFailed(Exception):  # noqa: N818 - what pytest shows under a failed test
    """What the judge found, in words."""


def _said(found: "CaseVerdict", record: "RunRecord", verdict: "RunVerdict") -> str:
    import msgspec

    from milvus_parity.report import render

    alone = msgspec.structs.replace(verdict, cases=(found,), unavailable=(), stale=(), overdue=(), notes=())
    return render(alone, record, "text", 100, False)


_KEY = pytest.StashKey["tuple[RunRecord, RunVerdict]"]()
_ERROR = pytest.StashKey[str]()


def _whole(session: pytest.Session) -> "tuple[RunRecord, RunVerdict]":
    if _ERROR in session.stash:
        raise CaseFailed(session.stash[_ERROR])
    if _KEY not in session.stash:
        from milvus_parity.model.errors import ParityError

        cases = [item.case for item in session.items if isinstance(item, CaseItem)]
        try:
            session.stash[_KEY] = _run(session.config, cases)
        except ParityError as error:
            session.stash[_ERROR] = str(error)
            raise CaseFailed(str(error)) from error
    return session.stash[_KEY]


def _run(config: pytest.Config, cases: "Sequence[Case]") -> "tuple[RunRecord, RunVerdict]":
    import asyncio
    import shutil
    import tempfile
    from datetime import date

    from milvus_parity.cli.judging import find_ledger, judged
    from milvus_parity.cli.options import cache_folder, default_jobs, read_packs
    from milvus_parity.cli.session import Wishes, run_session

    named = config.getoption("--parity-ledger")
    packs = read_packs(())
    folder = Path(tempfile.mkdtemp(prefix="milvus-parity-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    wishes = Wishes(
        targets=tuple(config.getoption("--parity-target")),
        milvus=config.getoption("--parity-milvus"),
        runtime=config.getoption("--parity-runtime"),
        jobs=default_jobs(),
        cache=cache_folder(),
        out=folder / "run",
    )
    session = asyncio.run(run_session(wishes, packs, cases, lambda _event: None))
    return judged(session.folder, packs, find_ledger(Path(named) if named else None), date.today())

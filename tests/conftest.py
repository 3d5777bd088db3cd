"""What all tests share: the flag that rewrites golden files, what a skip means in CI, and one run of all cases.

With ``-n 2`` two processes share the tests, file by file; one of them runs all that counts containers.
"""

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from eight_targets import STANDIN, TARGETS, Command
from filelock import FileLock
from milvus_parity.cli.options import cache_folder

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

LISTED_SKIPS = Path(__file__).parent / "skips.txt"
"""Tests that may be skipped even in CI, a node id a line."""

PR_SET_CHILD_SUBREAPER = 36
"""From linux/prctl.h."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files; read the difference")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "LoadScopeScheduling":
    """What shares fixtures or the Docker engine stays together when processes share the tests."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return "containers" if "container" in file else file

    return Scheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """In CI, a test that cannot run there has failed, unless it is listed."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        listed = LISTED_SKIPS.read_text(encoding="utf-8").splitlines() if LISTED_SKIPS.exists() else []
        if item.nodeid.split("[")[0] not in listed:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            report.outcome = "failed"
            report.longrepr = f"Skipped in CI, where everything must run: {reason}"
    return report


def pytest_configure(config: pytest.Config) -> None:
    """Give C# programs the stand-in for Milvus.Client, where the tests are told of packages to build it from.

    It is kept by the hash of what goes in, so only the first session builds it.
    """
    dotnet = shutil.which("dotnet")
    sources = os.environ.get("MILVUS_PARITY_TEST_NUGET")
    if not sources or dotnet is None or "CSHARP_VERSION" in os.environ:
        return
    feed = cache_folder() / "tests" / "standin"
    build = str(Path(__file__).parent / "standin" / "build.py")
    command = [sys.executable, build, "--out", str(feed), "--work", f"{feed}-work", "--dotnet", dotnet]
    command += [word for source in sources.split(os.pathsep) for word in ("--source", source)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise pytest.UsageError(f"The stand-in for Milvus.Client cannot be built:\n{done.stdout}{done.stderr}")
    os.environ["RestoreConfigFile"] = done.stdout.splitlines()[-1].strip()  # noqa: SIM112 - as MSBuild names it
    os.environ["CSHARP_VERSION"] = STANDIN
    os.environ["MILVUS_PARITY_TEST_CSHARP"] = f"csharp@{STANDIN}"


@pytest.fixture(scope="session")
def csharp() -> Mapping[str, str]:
    """The environment in which C# programs are compiled against the stand-in for Milvus.Client."""
    if "RestoreConfigFile" not in os.environ:
        pytest.skip("dotnet is not on the PATH, or MILVUS_PARITY_TEST_NUGET names no folder of NuGet packages")
    return {"RestoreConfigFile": os.environ["RestoreConfigFile"]}  # noqa: SIM112


@pytest.fixture(scope="session")
def parity() -> Command:
    """``milvus-parity`` with arguments; ``code`` is the exit status that is expected."""

    def run(
        *arguments: object,
        code: int | None = 0,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 900,
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "milvus_parity", *map(str, arguments)],
            env={**os.environ, "MILVUS_PARITY_RUNTIME": "process", **(environment or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert "Traceback" not in done.stderr, done.stderr
        if code is not None:
            assert done.returncode == code, done.stdout[-6000:] + done.stderr[-6000:]
        return done

    return run


@pytest.fixture(scope="session")
def whole_run(
    parity: Command, csharp: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Path:
    """The folder of one run of all cases through all eight targets; the ledger explains every difference.

    Beside it ``said.txt`` has what the command said, and ``left.txt`` the processes that were there only after it.
    """
    top = tmp_path_factory.getbasetemp()
    shared = (top if worker_id == "master" else top.parent) / "whole"
    folder = shared / "run"
    with FileLock(f"{shared}.lock"):
        if not (shared / "said.txt").exists():
            shared.mkdir(exist_ok=True)
            words = [word for target in TARGETS for word in ("--target", target, "--require", target)]
            with _left_over() as left:
                done = parity("run", *words, "--out", folder, environment=csharp, timeout=1500, code=None)
            (shared / "left.txt").write_text("\n".join(sorted(left)))
            (shared / "said.txt").write_text(f"exit status {done.returncode}\n{done.stdout}{done.stderr}")
    said = (shared / "said.txt").read_text()
    assert said.startswith("exit status 0\n"), said[-24000:]
    return folder


@contextlib.contextmanager
def _left_over() -> Iterator[list[str]]:
    """Names of processes that were begun meanwhile and live on; orphans become children of this process for it."""
    system = ctypes.CDLL(None, use_errno=True)
    before = set(psutil.Process().children(recursive=True))
    left: list[str] = []
    assert system.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield left
    finally:
        system.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    for process in set(psutil.Process().children(recursive=True)) - before:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                left.append(process.name())

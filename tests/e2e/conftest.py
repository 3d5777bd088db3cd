"""The command line as people call it, and one run of the whole suite that several tests look at."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from eight_targets import ROOT, TARGETS, Command


@pytest.fixture(scope="session")
def csharp(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment in which C# programs are compiled against the stand-in for Milvus.Client."""
    dotnet = shutil.which("dotnet")
    sources = os.environ.get("MILVUS_PARITY_TEST_NUGET")
    if dotnet is None or not sources:
        pytest.skip("dotnet is not on the PATH, or MILVUS_PARITY_TEST_NUGET names no folder of NuGet packages")
    spec = importlib.util.spec_from_file_location("standin_build", ROOT / "tests" / "standin" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    work = tmp_path_factory.mktemp("standin")
    module.build(work / "feed", work / "kept", dotnet=dotnet, package_sources=sources.split(os.pathsep))
    environment: dict[str, str] = module.environment(work / "feed")
    return environment


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
def whole_run(parity: Command, csharp: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run of all cases through all eight targets; the ledger explains every difference."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    words = [word for target in TARGETS for word in ("--target", target, "--require", target)]
    done = parity("run", *words, "--out", folder, environment=csharp, timeout=1500, code=None)
    (folder / "said.txt").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-4000:]
    return folder

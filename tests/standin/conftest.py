"""Where the tests of the stand-in find .NET and NuGet packages, and the programs they compile."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).resolve().parent
Compile = Callable[..., subprocess.CompletedProcess[str]]
Probe = Callable[..., list[str]]
BUILD_OPTIONS = ("--nologo", "--verbosity=quiet", "-p:UseSharedCompilation=false", "-nodeReuse:false")


@pytest.fixture(scope="session")
def standin() -> ModuleType:
    """``build.py``, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("standin_build", HERE / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def package_sources() -> list[str]:
    """Folders with the packages of gRPC and protobuf, from MILVUS_PARITY_TEST_NUGET."""
    sources = os.environ.get("MILVUS_PARITY_TEST_NUGET", "")
    if not sources:
        pytest.skip("MILVUS_PARITY_TEST_NUGET names no folder with NuGet packages of gRPC and protobuf")
    return sources.split(os.pathsep)


@pytest.fixture(scope="session")
def dotnet() -> str:
    """The command on PATH."""
    found = shutil.which("dotnet")
    if found is None:
        pytest.skip("dotnet is not on the PATH")
    return found


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the builds of the session share."""
    return tmp_path_factory.mktemp("standin")


@pytest.fixture(scope="session")
def feed(standin: ModuleType, dotnet: str, package_sources: list[str], work: Path) -> Path:
    """A feed with the stand-in."""
    standin.build(work / "feed", work / "kept", dotnet=dotnet, package_sources=package_sources)
    return work / "feed"


@pytest.fixture(scope="session")
def environment(standin: ModuleType, feed: Path, work: Path) -> dict[str, str]:
    """The environment in which programs are compiled against the feed and run."""
    return {**os.environ, **standin.environment(feed), "DOTNET_CLI_HOME": str(work), "TMPDIR": str(work)}


@pytest.fixture(scope="session")
def compile_program(dotnet: str, environment: dict[str, str]) -> Compile:
    """``dotnet build`` in a folder, with nothing left running afterwards."""

    def compile_in(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [dotnet, "build", *BUILD_OPTIONS, *options],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return compile_in


@pytest.fixture(scope="session")
def probe(compile_program: Compile, dotnet: str, environment: dict[str, str], work: Path) -> Probe:
    """The program in ``probe/``, compiled against the stand-in: call it with a verb, get the lines it prints."""
    folder = work / "probe"
    shutil.copytree(HERE / "probe", folder)
    compiled = compile_program(folder, "--output=out")
    assert compiled.returncode == 0, compiled.stdout

    def run(*words: str, password: str = "") -> list[str]:
        result = subprocess.run(
            [dotnet, str(folder / "out" / "Probe.dll"), *words],
            env={**environment, "MILVUS_PASSWORD": password},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()

    return run

"""The stand-in has the SDK's public signatures and none besides, and does what was measured of the SDK."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import platformdirs
import pytest
from milvus_parity.servers.base import server_for

Compile = Callable[..., subprocess.CompletedProcess[str]]
Probe = Callable[..., list[str]]

pytestmark = pytest.mark.e2e

HERE = Path(__file__).resolve().parent
SIGNATURES = HERE / "public-api-2.3.0-preview.1.txt"
BLANK = "ArgumentException: The value cannot be an empty string or composed entirely of whitespace. (Parameter '{}')"


@pytest.fixture
def closed_port() -> str:
    """An address where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def mute_server() -> Iterator[str]:
    """An address where connections are taken and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_has_the_public_signatures_of_the_sdk_and_no_others(probe: Probe) -> None:
    expected = SIGNATURES.read_text(encoding="utf-8").splitlines()
    assert sorted(probe("api")) == sorted(expected)


def test_says_everywhere_that_it_is_a_stand_in(standin: ModuleType, feed: Path, probe: Probe) -> None:
    words = "stand-in for tests, not the Milvus .NET SDK"
    with zipfile.ZipFile(feed / standin.PACKAGE.lower()) as package:
        nuspec = package.read("Milvus.Client.nuspec").decode()
    assert f"<description>{words}</description>" in nuspec
    assert probe("version") == [f"{standin.VERSION} ({words})"]


def test_checks_arguments_before_it_sends_anything(probe: Probe, closed_port: str) -> None:
    assert probe("arguments", closed_port) == [
        BLANK.format("partitionName"),
        BLANK.format("partitionName"),
        "ArgumentNullException: Value cannot be null. (Parameter 'partitionName')",
        "ArgumentException: The collection cannot empty (Parameter 'partitionNames')",
        "ArgumentOutOfRangeException: The value must be greater than or equal to 1. (Parameter 'replicaNumber.Value')",
        BLANK.format("expression"),
        BLANK.format("collectionName"),
        "ArgumentNullException: Value cannot be null. (Parameter 'databaseName')",
    ]


def test_a_closed_port_is_a_transport_failure_and_a_disposed_client_refuses(probe: Probe, closed_port: str) -> None:
    lines = probe("closed-port", closed_port)
    assert lines[0] == "RpcException Unavailable"
    assert lines[1].startswith("ObjectDisposedException")


def test_call_options_are_lost_without_database_and_credentials(probe: Probe, mute_server: str) -> None:
    assert probe("deadline", mute_server) == [
        "RpcException DeadlineExceeded",
        "RpcException Cancelled",  # the deadline of one second had no effect on a wait of two
    ]


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ('new MilvusClient(new Uri("http://h:1"), "root", "pw")', "CS0121"),
        ('new MilvusClient("h").GetCollection("book").DropPartitionsAsync("novel")', "CS1061"),
        ("new Milvus.Client.Grpc.DropPartitionRequest()", "CS0122"),
    ],
    ids=["credentials without their names", "a call that was renamed", "messages are not public"],
)
def test_does_not_compile(statement: str, error: str, compile_program: Compile, tmp_path: Path) -> None:
    shutil.copy(HERE / "probe" / "Probe.csproj", tmp_path)
    (tmp_path / "Program.cs").write_text(f"using Milvus.Client;\nvar it = {statement};\n", encoding="utf-8")
    result = compile_program(tmp_path)
    assert result.returncode != 0
    assert set(re.findall(r"error (CS\d+)", result.stdout)) == {error}, result.stdout


def test_a_second_build_keeps_what_the_first_made(
    standin: ModuleType, feed: Path, work: Path, package_sources: list[str], tmp_path: Path
) -> None:
    compiler = work / "no-compiler"
    compiler.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    compiler.chmod(0o755)
    with pytest.raises(standin.StandinError, match="dotnet pack ended with 1"):
        standin.build(tmp_path, work / "kept", dotnet=str(compiler), package_sources=package_sources)
    before = (feed / standin.PACKAGE.lower()).stat().st_mtime_ns
    compiler = Path(shutil.which("dotnet") or "")
    again = standin.build(feed, work / "kept", dotnet=str(compiler), package_sources=package_sources)
    assert again.stat().st_mtime_ns == before
    elsewhere = standin.build(tmp_path, work / "kept", dotnet=str(compiler), package_sources=package_sources)
    assert elsewhere.read_bytes() == again.read_bytes()


def test_works_with_a_real_server(probe: Probe) -> None:
    lines = asyncio.run(against_embedded_server(probe))
    assert lines == [
        "inserted 3: 1,2,3",
        "row_count 3",
        "entities 3",
        'index vec Finished IVF_FLAT {"nlist":4}',
        "loaded 100",
        "MilvusException 65535: ErrorCode: 65535 Reason: "
        "partition cannot be dropped, partition is loaded, please release it first",
        "queried Field: {{FieldName: id, DataType: Int64, RowCount: 2}}",
        "queried Field: {{FieldName: title, DataType: VarChar, RowCount: 2}}",
        "queried Field: {{FieldName: vec, DataType: FloatVector, RowCount: 2}}",
        "count 2",
        "found 2,1",
        "has novel False",
        "partitions _default",
        "ok",
        "MilvusException 65535: ErrorCode: 65535 Reason: default partition cannot be deleted",
        "MilvusException 100: ErrorCode: CollectionNotFound Reason: "
        "collection not found[database=probe][collection=unknown]",
        "described id:Int64,title:VarChar,vec:FloatVector",
        "aliases tome shards 1",
        "collections book",
        "has book True",
        "users root",
        "roles admin,public",
        "healthy True",
        "server v2.3.5-lite",
        "MilvusException 100: ErrorCode: CollectionNotFound Reason: "
        "collection not found[database=no_such_database][collection=book]",
        "RpcException Unauthenticated",
    ]


async def against_embedded_server(probe: Probe) -> list[str]:
    """What the probe prints when it uses a Milvus of its own."""
    cache = platformdirs.user_cache_path("milvus-parity")
    server = server_for("embedded", cache_dir=cache, environ=os.environ, on_progress=print)
    try:
        info = await server.start()
        return await asyncio.to_thread(probe, "server", f"http://{info.address}", "probe", password=info.password)
    finally:
        await server.stop()

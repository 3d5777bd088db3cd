"""Builds the stand-in for the NuGet package Milvus.Client into a folder feed.

The C# under ``src/`` is written by hand. The messages it sends are not: their descriptors are taken out of the
installed pymilvus, cut down to what ``src/`` calls, and given to the protoc of Grpc.Tools while the project is built.
Neither descriptors nor generated code are kept in the repository.

    python tests/standin/build.py --out FEED --source FOLDER

leaves the package and a ``nuget.config`` in FEED. Programs find the stand-in when MSBuild is told of that file:
``RestoreConfigFile=FEED/nuget.config`` in the environment.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import quoteattr

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

VERSION: Final = "2.3.0-standin.1"
HERE: Final = Path(__file__).resolve().parent
PROJECT: Final = HERE / "Milvus.Client.csproj"
PACKAGE: Final = f"Milvus.Client.{VERSION}.nupkg"

#: They travel as bytes inside other messages, so that no message refers to them.
SENT_AS_BYTES: Final = (".milvus.proto.schema.CollectionSchema", ".milvus.proto.common.PlaceholderGroup")
NAMESPACE: Final = "Milvus.Client.Grpc"
SERVICE: Final = "MilvusService"

#: What the small .NET of a build machine needs: no culture data, no questions, no app host, no waiting for
#: certificate lists, and nothing that stays behind when the build is over.
ENVIRONMENT: Final[Mapping[str, str]] = {
    "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
    "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
    "DOTNET_NOLOGO": "1",
    "DOTNET_CLI_UI_LANGUAGE": "en",
    "NUGET_CERT_REVOCATION_MODE": "offline",
    "UseAppHost": "false",
    "MSBUILDDISABLENODEREUSE": "1",
}


class StandinError(Exception):
    """The stand-in could not be built; the message says why."""


def build(feed_dir: Path, work_dir: Path, *, dotnet: str, package_sources: Sequence[str]) -> Path:
    """Put the package and a ``nuget.config`` into ``feed_dir`` and return the path of the package.

    ``work_dir`` keeps what was built by the hash of everything that went in, and the package folder of NuGet: a second
    call with the same inputs copies a file. Several processes may call at once. ``package_sources`` are folders with
    the packages of gRPC and protobuf (or addresses of feeds).

    Raises:
        StandinError: pymilvus, .NET or a package is missing, or the compiler refused.
    """
    from filelock import FileLock

    if (found := shutil.which(dotnet)) is None:
        raise StandinError(f"There is no {dotnet}: install the .NET SDK, 8 or later, or name its dotnet command.")
    dotnet = str(Path(found).resolve())
    sources = [str(Path(source).resolve()) if Path(source).exists() else source for source in package_sources]
    feed_dir, work_dir = feed_dir.resolve(), work_dir.resolve()
    feed_dir.mkdir(parents=True, exist_ok=True)
    work_dir.mkdir(parents=True, exist_ok=True)
    messages = pruned_descriptors(_package_folder("pymilvus") / "grpc_gen", methods=_called_methods())
    digest = _digest(messages.SerializeToString(deterministic=True), dotnet)
    kept = work_dir / digest / PACKAGE
    with FileLock(work_dir / "lock"):
        config = _write_config(feed_dir, packages=work_dir / "packages", sources=sources)
        if not kept.exists():
            built = _compile(messages, work_dir, dotnet=dotnet, config=config)
            kept.parent.mkdir(exist_ok=True)
            built.replace(kept)
        package = feed_dir / PACKAGE.lower()
        if not package.exists() or package.read_bytes() != kept.read_bytes():
            # Same version, other content: NuGet would go on with the copy that it has unpacked.
            shutil.rmtree(work_dir / "packages" / "milvus.client", ignore_errors=True)
            shutil.copyfile(kept, package)
    return package


def config_file(feed_dir: Path) -> Path:
    """The ``nuget.config`` of a feed, for the environment variable ``RestoreConfigFile``."""
    return feed_dir.resolve() / "nuget.config"


def environment(feed_dir: Path) -> dict[str, str]:
    """The variables with which MSBuild restores from a feed and .NET works on a machine that has little of it."""
    return {**ENVIRONMENT, "RestoreConfigFile": str(config_file(feed_dir))}


def pruned_descriptors(generated: Path, *, methods: Iterable[str]) -> FileDescriptorSet:
    """The descriptors of ``generated`` (pymilvus' ``*_pb2.py`` files), cut down to what the ``methods`` need.

    Files come after those that they import, as protoc wants them. Options are dropped where they only serve other
    programs (privileges, in Milvus), so that ``descriptor.proto`` is not needed.

    Raises:
        StandinError: there are no descriptors, or a method isn't among them.
    """
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    files = {file.name: file for file in _descriptors(generated)}
    services = [service for file in files.values() for service in file.service if service.name == SERVICE]
    if not services:
        raise StandinError(f"{generated} has no descriptor of {SERVICE}. Is this a pymilvus of 2.3 or later?")
    wanted = set(methods)
    if missing := wanted - {method.name for method in services[0].method}:
        raise StandinError(f"{SERVICE} in {generated} lacks {', '.join(sorted(missing))}.")

    types: dict[str, DescriptorProto | None] = {}
    for file in files.values():
        types.update({f".{file.package}.{message.name}": message for message in file.message_type})
        types.update({f".{file.package}.{enum.name}": None for enum in file.enum_type})
    called = [method for method in services[0].method if method.name in wanted]
    needed: set[str] = set()
    waiting = [*SENT_AS_BYTES, *(name for method in called for name in (method.input_type, method.output_type))]
    while waiting:
        name = _outermost(waiting.pop(), types)
        if name not in needed:
            needed.add(name)
            message = types[name]
            waiting.extend(_referred(message) if message is not None else ())

    kept = {name: _cut(file, needed, wanted) for name, file in files.items()}
    kept = {name: file for name, file in kept.items() if file.message_type or file.enum_type}
    result = FileDescriptorSet()
    for file in _imported_first(kept):
        result.file.append(file)
    return result


def _called_methods() -> set[str]:
    """The RPCs that ``src/`` calls: ``Service.DropPartitionAsync`` and the like."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted((HERE / "src").glob("*.cs")))
    return set(re.findall(r"\bService\s*\.(\w+)Async\b", code))


def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StandinError(f"{package} is not installed in {sys.prefix}: pip install {package}")
    return Path(spec.submodule_search_locations[0])


def _descriptors(generated: Path) -> Iterator[FileDescriptorProto]:
    """Each ``*_pb2.py`` gives its serialised descriptor to ``AddSerializedFile`` as one bytes literal."""
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    for path in sorted(generated.glob("*_pb2.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="AddSerializedFile"), args=[ast.Constant(value=bytes() as serialised)]
                ):
                    yield FileDescriptorProto.FromString(serialised)


def _outermost(name: str, types: Mapping[str, object]) -> str:
    """The top-level type that ``name`` is, or is nested in."""
    while name not in types:
        name, _, _ = name.rpartition(".")
        if not name:
            raise StandinError("A message refers to a type that no descriptor of pymilvus defines.")
    return name


def _referred(message: DescriptorProto) -> Iterator[str]:
    yield from (field.type_name for field in message.field if field.type_name)
    for nested in message.nested_type:
        yield from _referred(nested)


def _cut(file: FileDescriptorProto, needed: set[str], methods: set[str]) -> FileDescriptorProto:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    result = FileDescriptorProto(name=file.name, package=file.package, syntax=file.syntax)
    result.options.csharp_namespace = NAMESPACE
    result.dependency.extend(name for name in file.dependency if not name.startswith("google/"))
    result.message_type.extend(m for m in file.message_type if f".{file.package}.{m.name}" in needed)
    result.enum_type.extend(e for e in file.enum_type if f".{file.package}.{e.name}" in needed)
    for message in result.message_type:
        _drop_options(message)
    for enum in result.enum_type:
        enum.ClearField("options")
        for value in enum.value:
            value.ClearField("options")
    for service in file.service:
        if service.name == SERVICE:
            kept = result.service.add(name=service.name)
            kept.method.extend(method for method in service.method if method.name in methods)
            for method in kept.method:
                method.ClearField("options")
    return result


def _drop_options(message: DescriptorProto) -> None:
    is_map_entry = message.options.map_entry
    message.ClearField("options")
    if is_map_entry:
        message.options.map_entry = True
    for field in message.field:
        if not field.options.HasField("packed"):
            field.ClearField("options")
    for nested in message.nested_type:
        _drop_options(nested)


def _imported_first(files: Mapping[str, FileDescriptorProto]) -> list[FileDescriptorProto]:
    """``files`` without imports of what was cut away, each after those that it imports."""
    from graphlib import TopologicalSorter

    for file in files.values():
        kept = [name for name in file.dependency if name in files]
        file.ClearField("dependency")
        file.dependency.extend(kept)
        file.ClearField("public_dependency")
        file.ClearField("weak_dependency")
    order = TopologicalSorter({name: list(file.dependency) for name, file in sorted(files.items())})
    return [files[name] for name in order.static_order()]


def _digest(messages: bytes, dotnet: str) -> str:
    inputs = hashlib.sha256(messages)
    for path in (Path(__file__), PROJECT, *sorted((HERE / "src").glob("*.cs"))):
        inputs.update(path.name.encode() + b"\0" + path.read_bytes())
    inputs.update(dotnet.encode())
    return inputs.hexdigest()[:16]


def _write_config(feed_dir: Path, *, packages: Path, sources: Sequence[str]) -> Path:
    added = "".join(
        f"    <add key={quoteattr(f'source {number}')} value={quoteattr(source)} />\n"
        for number, source in enumerate((str(feed_dir), *sources))
    )
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        "<!-- Written by tests/standin/build.py: a stand-in for tests, not the Milvus .NET SDK. -->\n"
        "<configuration>\n"
        f'  <config>\n    <add key="globalPackagesFolder" value={quoteattr(str(packages))} />\n  </config>\n'
        f"  <packageSources>\n    <clear />\n{added}  </packageSources>\n"
        "  <fallbackPackageFolders>\n    <clear />\n  </fallbackPackageFolders>\n"
        "</configuration>\n"
    )
    path = config_file(feed_dir)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return path


def _compile(messages: FileDescriptorSet, work_dir: Path, *, dotnet: str, config: Path) -> Path:
    with tempfile.TemporaryDirectory(dir=work_dir, prefix="build-") as name:
        folder = Path(name)
        shutil.copy(PROJECT, folder)
        shutil.copytree(HERE / "src", folder / "src")
        (folder / "tmp").mkdir()
        (folder / "messages.pb").write_bytes(messages.SerializeToString(deterministic=True))
        result = subprocess.run(
            [
                dotnet,
                "pack",
                "--configuration=Release",
                f"--output={folder / 'out'}",
                f"-p:DescriptorSet={folder / 'messages.pb'}",
                f"-p:ProtoFiles={'%3B'.join(file.name for file in messages.file)}",
                "-p:UseSharedCompilation=false",
                "-nodeReuse:false",
                "--nologo",
                "--verbosity=quiet",
            ],
            cwd=folder,
            env={
                **os.environ,
                **environment(config.parent),
                "DOTNET_CLI_HOME": str(work_dir),
                "TMPDIR": str(folder / "tmp"),  # .NET leaves empty folders in it
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        built = folder / "out" / PACKAGE
        if result.returncode != 0 or not built.exists():
            raise StandinError(f"dotnet pack ended with {result.returncode}:\n{result.stdout}{result.stderr}")
        kept = work_dir / f"{folder.name}.nupkg"
        return built.replace(kept)


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the stand-in for Milvus.Client into a folder feed.")
    parser.add_argument("--out", type=Path, required=True, help="the feed: package and nuget.config are written there")
    parser.add_argument("--source", action="append", required=True, help="where packages come from; repeatable")
    parser.add_argument("--work", type=Path, help="what is kept between calls (default: OUT/../standin-work)")
    parser.add_argument("--dotnet", default="dotnet", help="the dotnet command (default: dotnet on PATH)")
    given = parser.parse_args()
    work = given.work or given.out.resolve().parent / "standin-work"
    try:
        package = build(given.out, work, dotnet=given.dotnet, package_sources=given.source)
    except (StandinError, OSError) as error:
        print(error, file=sys.stderr)
        return 3
    print(package)
    print(config_file(given.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The embedded server's files: fetched once from the package registry, unpacked once, shared by all runs.

The `milvus` wheel holds the real server's binary and libraries. Its Python wrapper is not used: it moves to other
ports without a word, and leaves the process to others (measured; see `embedded`).
"""

import asyncio
import lzma
import os
import platform
import re
import secrets
import shutil
import sys
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from milvus_parity.servers.base import Progress, ServerError
from milvus_parity.servers.folders import make_folder, unwritable
from milvus_parity.servers.installs import fetch_wheel
from milvus_parity.servers.locks import locked

VERSION = "2.3.5"
"""The newest release of the wheel, and the only one whose files this module knows."""

COPY_BYTES = 1 << 20


class ServerFiles:
    """Where the unpacked files are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def libraries(self) -> Path:
        """The folder of the binary and its libraries."""
        return self.folder / "bin"

    @property
    def binary(self) -> Path:
        """The server itself."""
        return self.libraries / "milvus"

    @property
    def template(self) -> Path:
        """The wheel's configuration, with its placeholders."""
        return self.folder / "config.yaml.template"

    @property
    def glog(self) -> Path:
        """The configuration of the C++ part's log."""
        return self.folder / "glog.conf"


def require_platform() -> None:
    """Raise `ServerError` where the binary cannot run: it is built for Linux on x86-64 with glibc."""
    system, machine = sys.platform, platform.machine()
    if system == "linux" and machine == "x86_64" and platform.libc_ver()[0] == "glibc":
        return
    raise ServerError(
        f"The embedded server exists for Linux on x86_64 with glibc only; this is {system} on {machine}.",
        hint="Use `--milvus container`, or the address of a Milvus that runs elsewhere: `--milvus HOST:PORT`.",
    )


async def server_files(servers_dir: Path, *, environ: Mapping[str, str], on_progress: Progress) -> ServerFiles:
    """The unpacked server under ``servers_dir``, fetched and unpacked first where it is not there yet.

    Many may ask at once, in one process or several: one works, the others wait. A folder that is there is whole, as
    it is filled under another name. Raises `ServerError`.
    """
    require_platform()
    folder = servers_dir / f"milvus-{VERSION}"
    if folder.is_dir():
        return ServerFiles(folder)
    try:
        make_folder(servers_dir)
        async with locked(servers_dir / f"milvus-{VERSION}.lock", on_progress, "unpacks the embedded server"):
            if not folder.is_dir():
                await _fetch_and_unpack(folder, environ, on_progress)
    except OSError as error:
        raise unwritable(servers_dir, error) from error
    return ServerFiles(folder)


async def _fetch_and_unpack(folder: Path, environ: Mapping[str, str], on_progress: Progress) -> None:
    for leftover in folder.parent.glob(f"{folder.name}.tmp-*"):  # of one that was killed; we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    work = folder.parent / f"{folder.name}.tmp-{secrets.token_hex(4)}"
    work.mkdir()
    try:
        on_progress(f"fetching the embedded server (milvus {VERSION}, 58 MB)")
        wheel = await fetch_wheel(f"milvus=={VERSION}", work / "wheel", environ=environ)
        on_progress("unpacking the embedded server (250 MB)")
        await asyncio.to_thread(unpack, wheel, work / "files")
        (work / "files").rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def unpack(wheel: Path, target: Path) -> None:
    """Unpack the server's files of a wheel into ``target``. Raises `ServerError` for a wheel that is not one."""
    (target / "bin").mkdir(parents=True)
    try:
        with zipfile.ZipFile(wheel) as archive:
            packed = [name for name in archive.namelist() if re.fullmatch(r"milvus/data/bin/[^/]+\.lzma", name)]
            for name in ("config.yaml.template", "glog.conf"):
                (target / name).write_bytes(archive.read(f"milvus/data/{name}"))
            if "milvus/data/bin/milvus.lzma" not in packed:
                raise KeyError("milvus/data/bin/milvus.lzma")
            largest_first = sorted(packed, key=lambda name: -archive.getinfo(name).file_size)
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:  # lzma works outside the interpreter's lock
            list(pool.map(lambda name: _unpack_one(wheel, name, target / "bin"), largest_first))
    except (zipfile.BadZipFile, KeyError, lzma.LZMAError, EOFError) as error:
        raise ServerError(
            f"The wheel {wheel.name} does not hold the server's files: {error}.",
            hint=f"Ask the registry for milvus=={VERSION} again (`pip cache remove milvus`).",
        ) from error


def _unpack_one(wheel: Path, name: str, target: Path) -> None:
    path = target / Path(name).name.removesuffix(".lzma")
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(name) as packed,
        lzma.open(packed) as plain,
        path.open("wb") as file,
    ):
        shutil.copyfileobj(plain, file, COPY_BYTES)
    path.chmod(0o755)


def read_template(text: str) -> dict[str, Any]:
    """The wheel's configuration as a tree; placeholders become null."""
    from ruamel.yaml import YAML

    plain = re.sub(r"(localhost:)?\{\{.*?\}\}", "null", text)
    tree = YAML(typ="safe").load(plain)
    if not isinstance(tree, dict):
        raise ServerError("The configuration template of the milvus wheel is no mapping.")
    return tree

"""Builds of one's own, that no registry has: a wheel, a jar, a tarball, a folder, a package."""

import fnmatch
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from milvus_parity.model.errors import BadInputError
from milvus_parity.model.scenario import Frozen
from milvus_parity.packs.pack import Pack
from milvus_parity.packs.versions import VersionWish, parsed

LEFT_OUT = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", "target", "obj"})
"""Folders that hold nothing of what a build is made of."""

_IN_NAMES = (
    r"^[^-]+-([^-+]+)(?:\+[^-]*)?-.*\.whl$",
    r"-(\d+(?:\.\d+)+)(?:-SNAPSHOT)?\.jar$",
    r"[-.](\d+\.\d+\.\d+(?:-[\w.-]+)?)\.(?:nupkg|tgz)$",
    r"-(\d+(?:\.\d+)+(?:[-.]?[a-z]+[\d.]*)*)\.tar\.gz$",
    r"[-.](\d+(?:\.\d+)+)(?:\.[A-Za-z]\w*)*$",
)
"""What pip, Maven, NuGet and npm call what they build; the last is for everybody else."""


class LocalBuild(Frozen, frozen=True, kw_only=True):
    """A build on this machine. ``version`` ends with a hash of what is in it: each state is a version."""

    path: Path
    version: str


def local_build(pack: Pack, wish: VersionWish, newest: Sequence[str]) -> LocalBuild:
    """Look at a build that people named; ``newest``: releases, of which the last is what an unnamed build follows.

    Raises BadInputError for one that is not there or that the pack cannot use.
    """
    path = Path(wish.text).expanduser().absolute()
    title = pack.spec.title
    if not pack.spec.builds:
        raise BadInputError(f"The pack of {title} says nothing of builds of one's own.", where=str(pack.folder))
    if not path.exists():
        raise BadInputError("There is no such build.", where=str(path))
    if not any(_fits(path, pattern) for pattern in pack.spec.builds):
        wanted = ", ".join("a folder" if pattern == "*/" else pattern for pattern in pack.spec.builds)
        raise BadInputError(f"This is no build that the pack of {title} can use: it takes {wanted}.", where=str(path))
    version = wish.version or _version_in(path.name) or (newest[-1] if newest else "0")
    return LocalBuild(path=path, version=f"{version}+local.{content_digest(path)[:8]}")


def _fits(path: Path, pattern: str) -> bool:
    if pattern.endswith("/"):
        return path.is_dir() and fnmatch.fnmatchcase(path.name, pattern[:-1])
    return path.is_file() and fnmatch.fnmatchcase(path.name, pattern)


def _version_in(name: str) -> str | None:
    """The version in a file's name: ``pymilvus-3.1.0-py3-none-any.whl``, ``Milvus.Client.2.3.0-preview.1.nupkg``."""
    for pattern in _IN_NAMES:
        found = re.search(pattern, name)
        if found is not None:
            return found[1] if parsed(found[1]) is not None else None
    return None


def content_digest(path: Path) -> str:
    """A hash of a file, or of all files in a folder but those of version control and caches."""
    hasher = hashlib.sha256()
    for name, file in build_files(path):
        data = file.read_bytes()
        hasher.update(f"{name}\0{len(data)}\0".encode() + data)
    return hasher.hexdigest()


def build_files(path: Path) -> Iterator[tuple[str, Path]]:
    """The files of a build: path below it (its name, where it is a file) and place on this machine."""
    if path.is_file():
        yield path.name, path
        return
    for file in sorted(path.rglob("*")):
        inside = file.relative_to(path)
        if file.is_file() and not LEFT_OUT & set(inside.parts):
            yield inside.as_posix(), file

"""Which pages changed since a revision of their repository."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from milvus_parity.model.errors import BadInputError

_SECONDS = 30


def changed_pages(paths: Sequence[str], revision: str) -> list[str]:
    """Those of the pages that differ from what ``revision`` has, new ones too. Raises BadInputError."""
    found: list[str] = []
    changed: dict[Path, set[Path]] = {}
    for path in paths:
        root = _root(Path(path).resolve().parent)
        if root not in changed:
            changed[root] = _changed(root, revision)
        if Path(path).resolve() in changed[root]:
            found.append(path)
    return found


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadInputError(f"git cannot be asked: {error}.", where=str(folder)) from error
    if done.returncode != 0:
        raise BadInputError(
            f"git does not know what changed: {done.stderr.strip()}",
            where=str(folder),
            hint="--changed-since wants pages in a git checkout that has the revision (fetch-depth: 0 in CI).",
        )
    return done.stdout


def _root(folder: Path) -> Path:
    return Path(_git(folder, "rev-parse", "--show-toplevel").strip())


def _changed(root: Path, revision: str) -> set[Path]:
    if revision.startswith("-"):
        raise BadInputError(f"{revision!r} is no revision.")
    differing = _git(root, "diff", "--name-only", "-z", "--diff-filter=d", revision, "--")
    new = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    return {(root / name).resolve() for name in (differing + new).split("\0") if name}

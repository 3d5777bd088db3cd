"""The line of Milvus that pages are for, where neither the command line nor their path says it: their branch does."""

import re
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_SECONDS = 10
_LINE = re.compile(r"(?:^|/)v?(\d+\.\d+)\.x$")


def line_of_branch(page: Path, environ: Mapping[str, str], since: str | None = None) -> str | None:
    """``2.3`` for a page in a checkout of ``v2.3.x``; None when no branch says so.

    Besides the branch that is checked out, those count that a change is made against: ``since`` (a revision, as in
    ``origin/v2.3.x``), and on GitHub the base of a pull request.
    """
    names = (_checked_out(page.absolute().parent), since or "", environ.get("GITHUB_BASE_REF", ""))
    return next((found[1] for name in names if (found := _LINE.search(name))), None)


@cache
def _checked_out(folder: Path) -> str:
    command = ["git", "-C", str(folder), "rev-parse", "--abbrev-ref", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from containers.daemons import impossible

pytestmark = pytest.mark.containers

HERE = Path(__file__).parent


def test_an_engine_that_goes_away(engine: object) -> None:
    """The tests of `dying_engine.py`, where its second daemon harms nobody."""
    if reason := impossible():
        pytest.skip(reason)
    command = f"ip link set lo up && exec {sys.executable} -m pytest -q -p no:cacheprovider -m containers --tb=short"
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", f"{command} {HERE / 'dying_engine.py'}"],
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout

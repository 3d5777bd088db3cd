"""An engine by ssh, with a stand-in for ssh that runs here what would be run there: `docker system dial-stdio`."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from milvus_parity.runtime.containers.engine import Engine

from containers.conftest import Bench
from containers.tiny import tiny_settings

pytestmark = pytest.mark.containers

SSH = '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift 2\nexec "$@"\n'


def test_workers_are_attached_through_it(
    engine: Engine, open_bench: Callable[..., Bench], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("docker") is None:
        pytest.skip("the command `docker` is not here")
    (tmp_path / "ssh").write_text(SSH)
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    bench = open_bench(tiny_settings(), {"DOCKER_HOST": "ssh://me@box"})
    worker = bench.launch(bench.build(tmp_path / "tiny"))
    assert worker.eval("1 + 1") == "2"
    line = worker.eval("'x' * (1 << 20)")
    assert line is not None
    assert len(line) == (1 << 20) + 2
    bench.do(worker.connection.kill())
    assert worker.ended() == "killed by signal 9"

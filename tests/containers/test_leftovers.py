"""Nothing is left behind: not by a run that ends, and not for long by one that is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from milvus_parity.runtime.containers import firewall, labels
from milvus_parity.runtime.containers.engine import Engine
from milvus_parity.runtime.containers.labels import Owner
from milvus_parity.runtime.containers.sweep import Swept, sweep

from containers.conftest import Bench
from containers.tiny import BASE

pytestmark = pytest.mark.containers

RUN = """
import asyncio, json, os, sys
from pathlib import Path
from milvus_parity.packs.discover import target_of
from milvus_parity.runtime.container import ContainerRuntime
from containers.tiny import sources, tiny_settings, write_pack

async def main():
    folder, run = Path(sys.argv[1]), sys.argv[2]
    runtime = await ContainerRuntime.open(run, cache=folder / "cache", settings=tiny_settings())
    pack = write_pack(folder / "tiny")
    sdk = await runtime.resolve(pack, target_of(pack, "tiny", "1.0"), lambda line: None)
    build = await runtime.build(sdk, sources(), lambda line: None)
    for _ in range(2):
        assert await (await runtime.launch(build)).receive() == b"ready"
    print(runtime._run, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def of_run(engine: Engine, run: str) -> list[str]:
    """All that carries a run's label: names of containers and networks, ids of images; and its rules."""
    api = engine.client.api
    marked = {"label": f"{labels.RUN}={run}"}
    found = [c["Names"][0] for c in api.containers(all=True, filters=marked)]
    found += [n["Name"] for n in api.networks(filters=marked)]
    found += [v["Name"] for v in api.volumes(filters=marked)["Volumes"] or ()]
    found += [i["Id"] for i in api.images(all=True, filters=marked)]
    listing = subprocess.run(["iptables", "-S", "INPUT"], capture_output=True, text=True).stdout
    return found + [f"rule {rule.words}" for rule in firewall.rules_in(listing) if rule.owner.run == run]


@pytest.fixture
def killed_run(engine: Engine, tmp_path: Path) -> str:
    """A run whose harness was killed with two workers up."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", RUN, str(tmp_path), "killed"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    assert child.stdout is not None
    run = child.stdout.readline().strip()
    child.send_signal(signal.SIGKILL)
    child.wait()
    return run


def test_a_run_that_ends_leaves_nothing(open_bench: Callable[..., Bench], tmp_path: Path, engine: Engine) -> None:
    bench = open_bench()
    worker = bench.launch(bench.build(tmp_path / "tiny"))
    run = worker.bench.runtime._run
    assert of_run(engine, run)
    bench.do(bench.runtime.close())
    assert of_run(engine, run) == []


def test_the_next_run_removes_what_a_killed_one_left(
    killed_run: str, open_bench: Callable[..., Bench], engine: Engine
) -> None:
    assert len(of_run(engine, killed_run)) >= 3, "two containers and a network"
    open_bench()
    assert of_run(engine, killed_run) == []


def test_a_live_run_is_left_alone(bench: Bench, tmp_path: Path, engine: Engine) -> None:
    worker = bench.launch(bench.build(tmp_path / "tiny"))
    sweep(engine)
    assert worker.eval("1 + 1") == "2"


def test_clean_says_what_it_removed(killed_run: str, engine: Engine) -> None:
    swept = sweep(engine)
    assert (swept.containers, swept.networks) == (2, 1)
    assert str(swept).startswith("2 containers, 1 network")
    assert str(Swept()) == "nothing"


def owned_by(engine: Engine, **changes: Any) -> tuple[str, Owner]:
    owner = msgspec.structs.replace(Owner.this_process("t-owned"), **changes)
    made = engine.client.containers.create(BASE, ["true"], labels=owner.labels())
    return str(made.id), owner


def there(engine: Engine, container: str) -> bool:
    return any(c["Id"] == container for c in engine.client.api.containers(all=True))


def test_what_others_made_is_left_alone(engine: Engine) -> None:
    stranger, _ = owned_by(engine, host="elsewhere/pid:[1]")
    unlabelled = engine.client.containers.create(BASE, ["true"])
    incomplete = engine.client.containers.create(BASE, ["true"], labels={labels.RUN: "x"})
    try:
        sweep(engine)
        assert all(there(engine, str(one)) for one in (stranger, unlabelled.id, incomplete.id))
    finally:
        for one in (stranger, unlabelled.id, incomplete.id):
            engine.client.api.remove_container(one)


def test_what_another_machine_left_a_day_ago_is_removed(engine: Engine) -> None:
    container, _ = owned_by(engine, host="elsewhere/pid:[1]", created=1.0)
    sweep(engine)
    assert not there(engine, container)


def test_volumes_of_a_dead_run_go(engine: Engine) -> None:
    owner = msgspec.structs.replace(Owner.this_process("t-volume"), started="another boot")
    volume = engine.client.volumes.create(labels=owner.labels())
    assert sweep(engine).volumes == 1
    assert json.dumps([v.name for v in engine.client.volumes.list()]).find(volume.name) < 0


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "python-orm@2.3.7: resolving"),
        (signal.SIGTERM, "python-orm@2.3.7: resolving"),
        (signal.SIGINT, "python-orm@2.3.7: running"),
        (signal.SIGTERM, "python-orm@2.3.7: running"),
        (signal.SIGTERM, "] complete"),
    ],
)
def test_a_run_that_is_told_to_stop_leaves_nothing(
    number: signal.Signals, moment: str, engine: Engine, tmp_path: Path
) -> None:
    """Told twice, as by those who stop services: the second time while it takes away what it made."""
    image = os.environ.get("PARITY_MILVUS_IMAGE")
    words = ["--milvus", f"container:{image}" if image else "container", "--runtime", "container"]
    words += ["--target", "python-orm", "--out", str(tmp_path / "run")]
    late = moment == "] complete"
    words += ["--scenario", "drop_partition/empty"] if late else []
    with (tmp_path / "said").open("w+") as said:
        run = subprocess.Popen([sys.executable, "-m", "milvus_parity", "run", *words], stdout=said, stderr=said)
        until(lambda: moment in (tmp_path / "said").read_text(), run)
        run.send_signal(number)
        time.sleep(0.2)
        run.send_signal(number)
        run.wait(120)
        text = (tmp_path / "said").read_text()
    assert "Traceback" not in text
    # One that has ended by itself may still tell what came of it, if it is not told once more meanwhile.
    assert run.returncode in ((0, 130) if late else (1, 3, 130)), text[-3000:]
    pid = f"{labels.PID}={run.pid}"
    left = [c["Names"] for c in engine.client.api.containers(all=True, filters={"label": pid})]
    left += [n["Name"] for n in engine.client.api.networks(filters={"label": pid})]
    assert left == [], text[-3000:]


def until(condition: Callable[[], bool], process: "subprocess.Popen[bytes]", seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)

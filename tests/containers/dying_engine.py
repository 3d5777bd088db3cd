"""An engine that goes away under a run. A second daemon of our own is there to be killed.

Not collected with the others: `test_engine_dies.py` runs this in a network namespace of its own, since a second daemon
takes the bridge of the machine's daemon away (seen with 20.10 when it starts again).
"""

import asyncio
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import docker.errors
import msgspec
import pytest
from milvus_parity.packs.discover import target_of
from milvus_parity.runtime.containers import labels
from milvus_parity.runtime.containers.engine import Engine, EngineError, EngineGoneError, connect
from milvus_parity.runtime.containers.labels import Owner
from milvus_parity.runtime.containers.sweep import sweep

from containers.conftest import Bench
from containers.daemons import Daemon
from containers.tiny import BASE, RESOLVE, tiny_settings, write_pack

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def own_daemon(engine: Engine) -> Iterator[Daemon]:
    made = Daemon()
    try:
        made.start()
        made.load(engine, BASE)
        yield made
    finally:
        made.remove()


@pytest.fixture
def daemon(own_daemon: Daemon) -> Daemon:
    """It runs, and nothing of an earlier test is in it but images."""
    own_daemon.empty()
    return own_daemon


def started(open_bench: Callable[..., Bench], daemon: Daemon, tmp_path: Path) -> Bench:
    return open_bench(tiny_settings(), daemon.environ)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_an_engine_that_dies_is_nobodys_crash(
    number: int, daemon: Daemon, open_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = started(open_bench, daemon, tmp_path)
    build = bench.build(tmp_path / "tiny")
    worker = bench.launch(build)
    daemon.end(number)
    assert worker.next() is None
    ended = bench.do(asyncio.wait_for(worker.connection.wait(), 60))
    assert ended.lost, ended
    assert "container engine" in ended.lost
    with pytest.raises(EngineGoneError, match="stopped answering while starting tiny"):
        bench.do(bench.runtime.launch(build))
    bench.do(asyncio.wait_for(bench.runtime.close(), 60))


def test_what_a_killed_engine_kept_is_removed_by_the_next_run(
    daemon: Daemon, open_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = started(open_bench, daemon, tmp_path)
    worker = bench.launch(bench.build(tmp_path / "tiny"))
    container, run = worker.connection.container, bench.runtime._run
    daemon.end(signal.SIGKILL)
    bench.do(asyncio.wait_for(bench.runtime.close(), 60))
    daemon.start()
    engine = connect(daemon.environ)
    names = [network.name for network in engine.client.networks.list(names=[run])]
    assert names, "it was left behind"
    # This very process owns it and lives; a harness that is gone would be swept without being asked.
    sweep(engine, run=run)
    assert not engine.client.networks.list(names=[run])
    with pytest.raises(docker.errors.NotFound):
        engine.client.containers.get(container)
    engine.close()


def test_everything_is_what_carries_our_labels(
    daemon: Daemon, open_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    """Here, where no other run is in the engine."""
    bench = started(open_bench, daemon, tmp_path)
    worker = bench.launch(bench.build(tmp_path / "tiny"))
    engine = bench.runtime.engine
    unlabelled = engine.client.containers.create(BASE, ["true"])
    stranger = msgspec.structs.replace(Owner.this_process("other"), host="elsewhere/pid:[1]")
    engine.client.containers.create(BASE, ["true"], labels=stranger.labels())
    engine.client.containers.create(BASE, ["true"], labels={labels.RUN: "incomplete"})
    assert not sweep(engine), "all of it is owned, or may be"
    swept = sweep(engine, everything=True)
    assert (swept.containers, swept.networks) == (3, 1)
    assert [container.id for container in engine.client.containers.list(all=True)] == [unlabelled.id]
    assert worker.next() is None
    assert worker.ended() == "killed by signal 9"


def test_an_engine_that_dies_under_a_build(daemon: Daemon, open_bench: Callable[..., Bench], tmp_path: Path) -> None:
    bench = started(open_bench, daemon, tmp_path)

    pack = write_pack(tmp_path / "tiny", resolve=f"{RESOLVE}\nsleep 60")

    async def build_and_kill() -> None:
        running = asyncio.Event()

        def progress(line: str) -> None:
            if "RUN" in line:
                running.set()

        task = asyncio.create_task(bench.runtime.resolve(pack, target_of(pack, "tiny", "1.0"), progress))
        await running.wait()
        await asyncio.to_thread(daemon.end, signal.SIGKILL)
        await asyncio.wait_for(task, 60)

    with pytest.raises(EngineError, match="container engine"):
        bench.do(build_and_kill())

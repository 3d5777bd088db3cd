"""A whole run in containers whose snippets are up to no good: each fails alone, and the run goes on.

The worker is that of the Python pack, with a stub for its SDK; a snippet is whatever Python the case says.
"""

import asyncio
import shutil
import socket
import threading
from pathlib import Path

import pytest
from engine.engine_fakes import FakeGateway, FakeKeeper
from milvus_parity.engine.execution import Credentials
from milvus_parity.engine.run import Engine, Server, Settings
from milvus_parity.model.run import RunHeader
from milvus_parity.model.scenario import (
    MAIN_DATABASE,
    Case,
    GivenCollection,
    GivenDatabase,
    Location,
    SdkStep,
)
from milvus_parity.model.trace import Trace
from milvus_parity.packs.discover import discover, packaged, select_targets
from milvus_parity.runtime.container import ContainerRuntime
from milvus_parity.runtime.containers.engine import Engine as ContainerEngine
from milvus_parity.runtime.containers.settings import Limits
from milvus_parity.store.reader import read_run
from milvus_parity.store.writer import RunWriter

from containers.test_locks import addresses_here
from containers.tiny import BASE, DOCKERFILE, pack_text, tiny_settings

pytestmark = pytest.mark.containers

PACK = pack_text(
    "hostile",
    build='commands = [["python3", "build.py", "{build}"]]',
    worker='command = ["python3", "{build}/worker.py", "{build}/programs"]\nconcurrency = 4\n',
)


def write_hostile_pack(runners: Path) -> None:
    folder = runners / "hostile"
    shutil.copytree(packaged("runners") / "python" / "support", folder / "support")
    templates = folder / "templates"
    templates.mkdir()
    for name in ("literal.jinja", "program.py.jinja"):
        shutil.copyfile(packaged("runners") / "python" / "templates" / name, templates / name)
    (templates / "drop.py.jinja").write_text(
        '{%- from "literal.jinja" import literal -%}\n{%- set value = "result" -%}\n'
        "result = None\nexec({{ literal(partition) }})\n"
    )
    (folder / "pack.toml").write_text(PACK)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "support" / "resolve.sh").write_text("true\n")
    (folder / "support" / "pymilvus.py").write_text('__version__ = "1.0"\n')
    (folder / "support" / "grpc.py").write_text("class RpcError(Exception):\n    pass\n")


def case_of(name: str, snippet: str) -> Case:
    return Case(
        id=f"hostile/{name}",
        title=name,
        scenario=f"hostile/{name}",
        location=Location(file="hostile.yaml", line=1),
        databases={MAIN_DATABASE: GivenDatabase(collections={"book": GivenCollection(partitions={})})},
        steps=(SdkStep(id=1, operation="drop", arguments={"collection": "book", "partition": snippet}),),
        timeout=60,
    )


def run(tmp_path: Path, cases: list[Case]) -> dict[str, Trace]:
    async def main() -> None:
        packs = discover([tmp_path / "runners"])
        settings = tiny_settings(bases={"hostile": BASE}, worker=Limits(memory=256 << 20))
        runtime = await ContainerRuntime.open("hostile", cache=tmp_path / "cache", settings=settings)
        engine = Engine(runtime=runtime, settings=Settings(jobs=8, timeout=60), tell=lambda _event: None)
        targets = [(packs[target.language], target) for target in select_targets(packs, [], "2.3.5")]
        header = RunHeader(
            id="run", started=0, harness_version="0", targets=tuple(t for _, t in targets), cases=tuple(cases)
        )
        writer = RunWriter(tmp_path / "run", header)
        server = Server(
            keeper=FakeKeeper(), gateway=FakeGateway(), credentials=Credentials("root", "secret"), alive=lambda: True
        )
        try:
            engine.prepare(targets, cases)
            assert (await engine.run(cases, writer=writer, server=server)).end == "complete"
        finally:
            await engine.close()
            await runtime.close()

    write_hostile_pack(tmp_path / "runners")
    asyncio.run(main())
    record = read_run(tmp_path / "run")
    return {case.id.removeprefix("hostile/"): next(iter(record.traces(case.id))) for case in cases}


def test_each_fails_alone_and_the_run_goes_on(tmp_path: Path, engine: ContainerEngine) -> None:
    listener = socket.create_server(("0.0.0.0", 0))
    visitors = []

    def accept() -> None:
        while True:
            try:
                visitors.append(listener.accept())
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    host, port = addresses_here()[0], listener.getsockname()[1]
    connect = "import socket; socket.create_connection(({host!r}, {port}), 3)"
    hostile = {
        "internet": connect.format(host="1.1.1.1", port=443),
        "host": connect.format(host=host, port=port),
        "engine": "import socket; socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock')",
        "outside": "open('/opt/parity/build/programs/p0001.py', 'w')",
        "disk": "f = open('/tmp/x', 'wb')\nwhile True: f.write(bytes(1 << 20))",
        "memory": "x = []\nwhile True: x.append(bytearray(1 << 22))",
        "forks": "import os, time\nwhile True:\n    if os.fork() == 0: time.sleep(600)",
        "root": "import os; os.setuid(0)",
        "parent": "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
        "words": "print('x' * 1000000)\nimport os\nfor _ in range(100): os.write(1, b'y' * 65536)",
    }
    innocent = {f"innocent-{number}": f"result = {number}" for number in range(12)}
    texts = list(hostile.items())
    cases = [case_of(name, text) for name, text in innocent.items()]
    for place, (name, text) in enumerate(texts):
        cases.insert(2 * place, case_of(name, text))
    try:
        traces = run(tmp_path, cases)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    assert visitors == []

    for name, text in innocent.items():
        assert traces[name].end == "done", (name, traces[name].detail)
        assert traces[name].steps[0].value == int(text.partition("= ")[2])

    def raised(name: str) -> str:
        error = traces[name].steps[0].error
        assert error is not None, (name, traces[name])
        return error.classes[0].rpartition(".")[2]

    assert raised("internet") in ("TimeoutError", "OSError")
    assert raised("host") == "ConnectionRefusedError"
    assert raised("engine") == "FileNotFoundError"
    assert raised("outside") == "OSError"
    assert raised("disk") == "OSError"
    assert raised("root") == "PermissionError"
    # So many processes may also be too much for the memory.
    assert traces["forks"].end == "killed" or raised("forks") == "BlockingIOError"
    assert traces["memory"].end == "killed", traces["memory"].detail
    assert "memory limit of 256 MiB" in (traces["memory"].detail or "")
    assert traces["parent"].end == "crashed", traces["parent"].detail
    assert traces["words"].end == "done"
    assert len(traces["words"].log) <= 64 << 10

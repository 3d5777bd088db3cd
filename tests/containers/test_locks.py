"""Each lock on a worker, picked at. What a snippet tries fails in its own container, and other workers go on."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from milvus_parity.model.errors import NotAvailableError
from milvus_parity.runtime.base import BuildError
from milvus_parity.runtime.containers import labels
from milvus_parity.runtime.containers.engine import Engine
from milvus_parity.runtime.containers.settings import Limits

from containers.conftest import Bench, Worker
from containers.tiny import BASE, DOCKERFILE, PACK, tiny_settings

pytestmark = pytest.mark.containers

CONNECT = "__import__('socket').create_connection(({host!r}, {port}), 3).recv(2)"


class Listener:
    """A service of this machine: says hi to whoever comes."""

    def __init__(self, host: str, family: int = socket.AF_INET) -> None:
        self._socket = socket.socket(family)
        if family == socket.AF_INET6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self._socket.bind((host, 0))
        self._socket.listen()
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client:
                client.sendall(b"hi")

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # a thread waits in accept, and would keep it open
        self._socket.close()


@pytest.fixture
def everywhere() -> Iterator[Listener]:
    listener = Listener("0.0.0.0")
    yield listener
    listener.close()


def addresses_here() -> list[str]:
    import psutil

    found = [
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family == socket.AF_INET and not entry.address.startswith("127.")
    ]
    assert found
    return found


def test_the_gateway_is_reached(worker: Worker) -> None:
    listener = Listener(worker.bench.runtime.gateway_host)
    try:
        asked = CONNECT.format(host=worker.bench.runtime.gateway_host, port=listener.port)
        assert worker.eval(asked) == "b'hi'"
    finally:
        listener.close()


def test_a_gateway_that_stops_listening_refuses_at_once(worker: Worker) -> None:
    """The fault 'server gone' must look as it does on one machine."""
    listener = Listener(worker.bench.runtime.gateway_host)
    listener.close()
    asked = CONNECT.format(host=worker.bench.runtime.gateway_host, port=listener.port)
    assert worker.eval(asked) == "ConnectionRefusedError: [Errno 111] Connection refused"


@pytest.mark.parametrize("host", ["1.1.1.1", "10.0.0.1"])
def test_the_internet_is_not_reached(worker: Worker, host: str) -> None:
    said = worker.eval(CONNECT.format(host=host, port=443))
    assert said is not None
    assert said.startswith(("TimeoutError", "OSError", "ConnectionRefusedError"))


def test_names_are_not_resolved(worker: Worker) -> None:
    for name in ("pypi.org", "localhost.localdomain.invalid", socket.gethostname() + ".local"):
        said = worker.eval(f"__import__('socket').getaddrinfo({name!r}, 443)")
        assert said is not None
        assert said.startswith("gaierror"), said


def test_services_of_this_machine_are_not_reached(worker: Worker, everywhere: Listener) -> None:
    if worker.bench.runtime.notes:
        pytest.skip(worker.bench.runtime.notes[0])
    for host in addresses_here():
        assert socket.create_connection((host, everywhere.port), 3).recv(2) == b"hi", "it is there"
        said = worker.eval(CONNECT.format(host=host, port=everywhere.port))
        assert said is not None
        assert said.startswith(("ConnectionRefusedError", "OSError: [Errno 101] Network is unreachable")), (host, said)


def test_services_on_both_kinds_of_addresses_are_not_reached(worker: Worker) -> None:
    if worker.bench.runtime.notes:
        pytest.skip(worker.bench.runtime.notes[0])
    listener = Listener("::", socket.AF_INET6)
    try:
        said = worker.eval(CONNECT.format(host=worker.bench.runtime.gateway_host, port=listener.port))
        assert said == "ConnectionRefusedError: [Errno 111] Connection refused"
        assert worker.eval("open('/proc/net/if_inet6').read().split()[-1]") in (
            "'lo'",
            "IndexError: list index out of range",
        )
    finally:
        listener.close()


def test_datagrams_to_this_machine_do_not_arrive(worker: Worker) -> None:
    if worker.bench.runtime.notes:
        pytest.skip(worker.bench.runtime.notes[0])
    host = worker.bench.runtime.gateway_host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("0.0.0.0", 0))
        listener.settimeout(1)
        port = listener.getsockname()[1]
        worker.eval(f"__import__('socket').socket(type=2).sendto(b'out', ({host!r}, {port}))")
        with pytest.raises(TimeoutError):
            listener.recv(3)


def test_other_containers_are_not_reached(worker: Worker, engine: Engine) -> None:
    serve = "import socket; s = socket.create_server(('', 5000)); s.accept()"
    other = engine.client.containers.run(BASE, ["python3", "-c", serve], detach=True, auto_remove=True)
    try:
        other.reload()
        networks = other.attrs["NetworkSettings"]["Networks"]
        address = next(iter(networks.values()))["IPAddress"]
        said = worker.eval(CONNECT.format(host=address, port=5000))
        assert said is not None
        assert said.startswith(("TimeoutError", "OSError", "ConnectionRefusedError")), said
    finally:
        other.kill()


def test_workers_do_not_reach_each_other(worker: Worker, tmp_path: Path) -> None:
    other = worker.bench.launch(worker.bench.build(tmp_path / "tiny"))
    address = other.eval("__import__('socket').gethostbyname(__import__('socket').gethostname())")
    assert address is not None
    assert address.startswith("'")
    other.eval("globals().update(s=__import__('socket').create_server(('', 5000)))")
    said = worker.eval(CONNECT.format(host=address.strip("'"), port=5000))
    assert said is not None
    assert said.startswith(("TimeoutError", "OSError")), said


def test_no_engine_inside(worker: Worker) -> None:
    for path in (
        "/var/run/docker.sock",
        "/run/docker.sock",
        "/run/podman/podman.sock",
        "/run/containerd/containerd.sock",
    ):
        assert worker.eval(f"os.path.exists({path!r})") == "False"
    assert worker.eval("[line for line in open('/proc/mounts') if '.sock' in line]") == "[]"


def test_nothing_of_the_environment_outside(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILVUS_PARITY_PASSWORD", "a secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:word@proxy")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    worker = bench.launch(bench.build(tmp_path / "tiny"))
    said = worker.eval("sorted(name for name in os.environ if not name.startswith('PARITY_'))")
    allowed = {
        "HOME",
        "HOSTNAME",
        "LANG",
        "MARK",
        "PATH",
        "PYTHONUNBUFFERED",
        "GPG_KEY",
        "PYTHON_VERSION",
        "PYTHON_SHA256",
    }
    assert said is not None
    assert set(eval(said)) <= allowed
    assert worker.eval("any('secret' in value for value in os.environ.values())") == "False"


def test_nobody_without_rights(worker: Worker) -> None:
    assert worker.eval("{os.getuid(), os.getgid(), *os.getgroups()}") == "{65534}"
    status = worker.eval("dict(line.split(':\\t', 1) for line in open('/proc/self/status'))")
    assert status is not None
    fields = {name: value.strip() for name, value in eval(status).items()}
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(fields[kind], 16) == 0, kind
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    assert worker.eval("os.setuid(0)") == "PermissionError: [Errno 1] Operation not permitted"


def test_no_new_namespaces_mounts_or_devices(worker: Worker) -> None:
    libc = "__import__('ctypes').CDLL(None, use_errno=True)"
    assert worker.eval(f"{libc}.unshare(0x10000000)") == "-1", "no user namespace, in which one is root again"
    assert worker.eval(f"{libc}.mount(b'none', b'/tmp', b'tmpfs', 0, None)") == "-1"
    said = worker.eval("os.mknod('/tmp/disk', 0o60666, os.makedev(8, 0))")
    assert said == "PermissionError: [Errno 1] Operation not permitted"


@pytest.mark.parametrize(
    "path", ["/x", "/etc/passwd", "/opt/parity/build/worker.py", "/opt/parity/sdk/x", "/var/tmp/x", "/home/x"]
)
def test_nothing_is_written_outside_the_scratch_folder(worker: Worker, path: str) -> None:
    said = worker.eval(f"open({path!r}, 'a')")
    assert said is not None
    assert said.startswith(("OSError: [Errno 30] Read-only file system", "PermissionError", "FileNotFoundError")), said


@pytest.mark.parametrize("path", ["/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper"])
def test_the_kernel_is_not_told_anything(worker: Worker, path: str) -> None:
    said = worker.eval(f"open({path!r}, 'w').write('x')")
    assert said is not None
    assert said.startswith(("OSError: [Errno 30]", "PermissionError", "FileNotFoundError")), said


def test_the_disk_is_not_filled(worker: Worker) -> None:
    fill = (
        "exec('''import os\\n"
        "def fill(path):\\n"
        "    size = 0\\n"
        "    try:\\n"
        "        with open(path, 'wb', buffering=0) as f:\\n"
        "            while size < 1 << 31: size += f.write(bytes(1 << 16))\\n"
        "    except OSError as error: return size, error.errno\\n"
        "    return size, None\\n''', globals())"
    )
    assert worker.eval(fill) == "None"
    for path, limit in (("/tmp/fill", 64 << 20), ("/dev/shm/fill", 1 << 20)):
        said = worker.eval(f"fill({path!r})")
        assert said is not None
        size, error = eval(said)
        assert size <= limit
        assert error == 28, "no space left on device"
    assert worker.eval("os.remove('/tmp/fill')") == "None", "and the worker goes on"


def test_what_is_printed_is_kept_nowhere_on_the_disk(worker: Worker, engine: Engine) -> None:
    container = engine.client.containers.get(worker.connection.container)
    assert container.attrs["HostConfig"]["LogConfig"]["Type"] == "none"
    before = worker.connection.logged
    worker.eval("[os.write(2, b'x' * 65536) for _ in range(800)] and 1")
    assert worker.connection.logged - before > 40 << 20
    assert len(worker.connection.log()) <= 64 << 10


def test_a_fork_bomb_stays_small(worker: Worker, tmp_path: Path) -> None:
    other = worker.bench.launch(worker.bench.build(tmp_path / "tiny"))
    bomb = (
        "exec('''import os, time\\n"
        "def bomb():\\n"
        "    made = 0\\n"
        "    try:\\n"
        "        while made < 5000:\\n"
        "            if os.fork() == 0:\\n"
        "                time.sleep(60); os._exit(0)\\n"
        "            made += 1\\n"
        "    except OSError as error: return made, error.errno\\n"
        "    return made, None\\n''', globals())"
    )
    assert worker.eval(bomb) == "None"
    said = worker.eval("bomb()")
    assert said is not None
    made, error = eval(said)
    assert made < 512
    assert error == 11, "no more processes"
    assert other.eval("os.waitpid(os.fork() or os._exit(7), 0)[1] >> 8") == "7", "another worker still may"
    worker.bench.do(worker.connection.kill())
    assert worker.ended() == "killed by signal 9"
    assert other.eval("1 + 1") == "2"


def test_memory_is_taken_from_the_greedy_only(open_bench: Callable[..., Bench], tmp_path: Path) -> None:
    bench = open_bench(tiny_settings(worker=Limits(memory=128 << 20)))
    build = bench.build(tmp_path / "tiny")
    greedy, other = bench.launch(build), bench.launch(build)
    assert greedy.eval("[bytearray(1 << 20) for _ in range(1000)] and 1") is None
    assert greedy.ended() == "killed by its memory limit of 128 MiB"
    assert other.eval("1 + 1") == "2"
    assert bench.launch(build).eval("2 + 2") == "4", "and the run goes on"


def test_memory_that_took_a_child_is_told_while_its_worker_lives(
    open_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = open_bench(tiny_settings(worker=Limits(memory=128 << 20)))
    worker = bench.launch(bench.build(tmp_path / "tiny"))
    assert bench.do(worker.connection.limit_hit()) is None
    child = "os.fork() or [bytearray(1 << 20) for _ in range(1000)]"
    assert worker.eval(f"os.waitpid({child}, 0)[1]") == "9"
    assert bench.do(worker.connection.limit_hit()) == "memory limit of 128 MiB"
    assert bench.do(worker.connection.limit_hit()) is None, "it is told once"
    assert worker.eval("1 + 1") == "2"


def test_processors_are_shared_out(open_bench: Callable[..., Bench], tmp_path: Path) -> None:
    bench = open_bench(tiny_settings(worker=Limits(cpus=0.25)))
    worker = bench.launch(bench.build(tmp_path / "tiny"))
    burn = (
        "exec('import time\\nt, c = time.time(), time.process_time()\\n"
        "while time.time() < t + 2: pass\\nd = time.process_time() - c', globals())"
    )
    assert worker.eval(burn) == "None"
    used = worker.eval("d")
    assert used is not None
    assert float(used) < 1.0, "a quarter of two seconds, and what a full machine adds"


def test_no_dumps_of_memory(worker: Worker) -> None:
    assert worker.eval("__import__('resource').getrlimit(4)") == "(0, 0)"


def test_a_compiler_has_no_network_either(bench: Bench, tmp_path: Path) -> None:
    check = "import os; print(sorted(os.listdir('/sys/class/net')), os.getuid()); raise SystemExit(1)"
    sdk = bench.build(tmp_path / "tiny").sdk
    with pytest.raises(BuildError) as raised:
        bench.do(bench.runtime.build(sdk, {"check.py": check, "worker.py": "1"}, bench.progress.append))
    assert raised.value.output == "['lo'] 65534"


def writer(size: str, files: int) -> str:
    return (
        "import time\n"
        f"for number in range({files}):\n"
        f"    with open('/opt/parity/build/junk-%d' % number, 'wb') as f:\n"
        f"        f.write(bytes({size}))\n"
        "time.sleep(60)\n"
    )


@pytest.mark.parametrize("what", ["many files", "one file"])
def test_a_compiler_does_not_fill_the_disk(
    what: str, open_bench: Callable[..., Bench], tmp_path: Path, engine: Engine
) -> None:
    bench = open_bench(tiny_settings(build=Limits(disk=64 << 20)))
    pack = PACK.replace('"python3", "check.py"', '"python3", "worker.py"')
    if what == "many files":
        with pytest.raises(NotAvailableError, match=r"compiler for tiny@1\.0 was killed by its disk limit of 64 MiB"):
            bench.build(tmp_path / "tiny", worker=writer("10 << 20", 20), pack=pack)
    else:
        with pytest.raises(BuildError) as raised:
            bench.build(tmp_path / "tiny", worker=writer("100 << 20", 1), pack=pack)
        assert "OSError: [Errno 27] File too large" in raised.value.output
    assert engine.client.api.containers(all=True, filters={"label": f"{labels.RUN}={bench.runtime._run}"}) == []


def test_volumes_of_an_image_are_no_place_to_write_to(bench: Bench, tmp_path: Path, engine: Engine) -> None:
    dockerfile = DOCKERFILE.replace(
        "USER 65534", "RUN mkdir -m 777 /data && echo kept > /data/file\nVOLUME /data\nUSER 65534"
    )
    worker = bench.launch(bench.build(tmp_path / "tiny", dockerfile=dockerfile))
    assert worker.eval("open('/data/file').read()") == r"'kept\n'"
    assert worker.eval("open('/data/more', 'w')") == "OSError: [Errno 30] Read-only file system: '/data/more'"
    bench.do(bench.runtime.close())
    assert engine.client.api.volumes(filters={"label": f"{labels.RUN}={bench.runtime._run}"})["Volumes"] in ([], None)

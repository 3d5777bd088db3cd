"""Engines that are not there, refuse, or go away: each said in a sentence. The fake one speaks just enough HTTP."""

import asyncio
import hashlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from milvus_parity.model.errors import ExitCode
from milvus_parity.runtime.containers import engine as module
from milvus_parity.runtime.containers.engine import Engine, EngineError, EngineGoneError, connect, places


class FakeEngine:
    """Answers ping and version; anything else as it is told: an HTTP status and a message, or "hang up"."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answer: tuple[int, str] | str = (200, "")
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as lines:
            while request := lines.readline():
                while lines.readline().strip():
                    pass
                if b"/version" in request:
                    self._say(client, 200, {"ApiVersion": "1.41", "Version": "1", "Components": [{"Name": "Engine"}]})
                elif b"/_ping" in request:
                    self._say(client, 200, "OK")
                elif isinstance(self.answer, str):
                    return
                else:
                    self._say(client, self.answer[0], {"message": self.answer[1]})

    def _say(self, client: socket.socket, status: int, content: object) -> None:
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeEngine]:
    made = FakeEngine(tmp_path / "s")
    yield made
    made.close()


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment in which no engine is named, and Docker's configuration is empty."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
    return {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")}


def at(path: Path) -> dict[str, str]:
    return {"DOCKER_HOST": f"unix://{path}"}


def refusal(environ: dict[str, str]) -> EngineError:
    with pytest.raises(EngineError) as raised:
        connect(environ)
    assert raised.value.hint
    assert raised.value.exit_code == ExitCode.COULD_NOT_RUN
    return raised.value


def asked(environ: dict[str, str]) -> str:
    async def main() -> str:
        engine = connect(environ)
        with pytest.raises(EngineError) as raised:
            await engine.ask("looking for images", lambda: engine.client.api.images())
        return f"{type(raised.value).__name__}: {raised.value}"

    return asyncio.run(main())


def test_an_engine_that_answers_is_described(fake: FakeEngine) -> None:
    engine = connect(at(fake.path))
    assert isinstance(engine, Engine)
    assert engine.is_local
    assert engine.describe() == f"Docker 1 at unix://{fake.path}"
    assert engine.answers()


def test_no_socket(tmp_path: Path) -> None:
    error = refusal(at(tmp_path / "none"))
    assert "does not exist" in error.what
    assert "--runtime process" in (error.hint or "")


def test_a_socket_without_anybody(tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "dead"))
    dead.close()
    assert "nobody listens there" in refusal(at(tmp_path / "dead")).what


def test_no_permission(fake: FakeEngine) -> None:
    fake.path.chmod(0)
    fake.path.parent.chmod(0o755)
    mine = os.geteuid()
    if mine == 0:  # root may always
        for folder in fake.path.parents:
            if folder.is_relative_to(Path(os.environ.get("TMPDIR", "/tmp"))) and folder != Path("/tmp"):
                folder.chmod(0o755)
        os.seteuid(65534)
    try:
        error = refusal(at(fake.path))
    finally:
        os.seteuid(mine)
    assert "no permission" in error.what
    assert "docker" in (error.hint or "")


def test_what_listens_is_no_engine(tmp_path: Path) -> None:
    mute = socket.socket(socket.AF_UNIX)
    mute.bind(str(tmp_path / "mute"))
    mute.listen()

    def hang_up() -> None:
        while True:
            try:
                mute.accept()[0].close()
            except OSError:
                return

    threading.Thread(target=hang_up, daemon=True).start()
    try:
        assert "does not answer" in refusal(at(tmp_path / "mute")).what
    finally:
        mute.close()


def test_a_port_without_an_engine() -> None:
    assert "Connection refused" in refusal({"DOCKER_HOST": "tcp://127.0.0.1:1"}).what


def test_its_refusals_are_told_in_its_words(fake: FakeEngine) -> None:
    fake.answer = (500, "the graph driver is tired")
    said = asked(at(fake.path))
    assert said.startswith(
        "EngineError: The container engine refused while looking for images: the graph driver is tired"
    )


def test_a_full_disk_is_named(fake: FakeEngine) -> None:
    fake.answer = (500, "write /var/lib/x: no space left on device")
    assert "disk of the container engine is full" in asked(at(fake.path))


def test_an_engine_that_goes_away_is_told_from_one_that_refuses(fake: FakeEngine) -> None:
    fake.answer = "hang up"
    assert asked(at(fake.path)).startswith("EngineGoneError: The container engine at unix://")
    assert issubclass(EngineGoneError, EngineError)


def test_faults_of_our_own_stay_what_they_are(fake: FakeEngine) -> None:
    async def main() -> None:
        engine = connect(at(fake.path))
        with pytest.raises(ZeroDivisionError):
            await engine.ask("dividing", lambda: 1 // 0)

    asyncio.run(main())


def test_a_call_given_up_is_waited_for_at_the_end(fake: FakeEngine) -> None:
    async def main() -> None:
        engine = connect(at(fake.path))
        gate, done = threading.Event(), threading.Event()
        task = asyncio.create_task(engine.ask("waiting", lambda: (gate.wait(5), done.set())))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not done.is_set()
        gate.set()
        await engine.settle(5)
        assert done.is_set()

    asyncio.run(main())


def test_where_engines_are_looked_for(nowhere: dict[str, str]) -> None:
    home, run = nowhere["HOME"], nowhere["XDG_RUNTIME_DIR"]
    assert [place.address for place in places(nowhere)] == [
        "unix:///var/run/docker.sock",
        f"unix://{run}/docker.sock",
        f"unix://{home}/.docker/run/docker.sock",
        "unix:///run/podman/podman.sock",
        f"unix://{run}/podman/podman.sock",
    ]


def test_docker_host_is_an_order(nowhere: dict[str, str]) -> None:
    (place,) = places(
        {**nowhere, "DOCKER_HOST": "tcp://there:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"}
    )
    assert place.variables == {"DOCKER_HOST": "tcp://there:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"}


@pytest.fixture
def docker_folder(nowhere: dict[str, str]) -> Path:
    folder = Path(nowhere["HOME"]) / ".docker"
    folder.mkdir(parents=True)
    return folder


def make_context(folder: Path, name: str, address: str, *, skip_verify: bool = False) -> Path:
    """As `docker context create` does; returns the folder for its certificates, which is not made."""
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / key
    meta.mkdir(parents=True)
    described = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": address, "SkipTLSVerify": skip_verify}}}
    (meta / "meta.json").write_text(json.dumps(described))
    return folder / "contexts" / "tls" / key / "docker"


def test_a_context_is_an_order(nowhere: dict[str, str], docker_folder: Path, fake: FakeEngine) -> None:
    make_context(docker_folder, "other", f"unix://{fake.path}")
    named = {**nowhere, "DOCKER_CONTEXT": "other"}
    assert connect(named).place.found == "the Docker context `other`", "without a config.json beside it"
    (docker_folder / "config.json").write_text(json.dumps({"currentContext": "other"}))
    assert connect(nowhere).place.found == "the Docker context `other`"
    assert places({**nowhere, "DOCKER_CONTEXT": "default"})[0].found == "Docker's socket"
    assert places({**nowhere, "DOCKER_HOST": "tcp://there:2375"})[0].found == "DOCKER_HOST", "before any context"
    error = refusal({**nowhere, "DOCKER_CONTEXT": "nobody"})
    assert "no Docker context `nobody`" in error.what


@pytest.mark.parametrize("text", ["", "[]", "{", '{"Endpoints": {}}', '{"Endpoints": {"docker": null}}'])
def test_a_context_that_is_broken(nowhere: dict[str, str], docker_folder: Path, text: str) -> None:
    make_context(docker_folder, "broken", "tcp://there")
    (meta,) = docker_folder.rglob("meta.json")
    meta.write_text(text)
    error = refusal({**nowhere, "DOCKER_CONTEXT": "broken"})
    assert "The Docker context `broken` cannot be read" in error.what


@pytest.mark.parametrize("skip", [False, True])
def test_a_context_brings_its_certificates(nowhere: dict[str, str], docker_folder: Path, skip: bool) -> None:
    folder = make_context(docker_folder, "far", "tcp://there:2376", skip_verify=skip)
    folder.mkdir(parents=True)
    (place,) = places({**nowhere, "DOCKER_CONTEXT": "far"})
    assert (place.certificates, place.verify) == (folder, not skip)
    assert ("DOCKER_TLS_VERIFY" in place.variables) is not skip
    (folder / "ca.pem").touch()
    error = refusal({**nowhere, "DOCKER_CONTEXT": "far"})
    assert error.what.endswith("has no cert.pem and no key.pem.")


def test_none_at_all(nowhere: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    away = tuple(module.Place(address=f"unix://{tmp_path}/{name}", found=name) for name in ("one", "two"))
    monkeypatch.setattr(module, "places", lambda environ: away)
    error = refusal(nowhere)
    assert error.what == "No container engine was found on this machine."
    assert error.where == f"tried {tmp_path}/one, {tmp_path}/two"


def test_a_refused_socket_says_more_than_missing_ones(
    nowhere: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "dead"))
    dead.close()
    tried = tuple(module.Place(address=f"unix://{tmp_path}/{name}", found=name) for name in ("none", "dead"))
    monkeypatch.setattr(module, "places", lambda environ: tried)
    assert "nobody listens there" in refusal(nowhere).what

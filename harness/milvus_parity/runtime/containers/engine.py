"""The container engine: which one, how to ask it something, and what its failures mean.

The Docker SDK blocks, and its calls fail with its own errors, those of requests and bare ones of urllib3 (measured when
an engine dies under a call). `Engine.ask` runs a call in a thread and turns all of these into sentences.
"""

import asyncio
import contextlib
import errno
import http.client
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from milvus_parity.runtime.containers.errors import EngineError, EngineGoneError
from milvus_parity.runtime.containers.places import Place, check_certificates, places
from milvus_parity.runtime.containers.tunnel import Tunnel

__all__ = ["Engine", "EngineError", "EngineGoneError", "Place", "connect", "explain", "places"]

if TYPE_CHECKING:
    import docker

_Result = TypeVar("_Result")

REQUEST_SECONDS = 120.0
"""How long the engine may take for one answer; removing a large image on a slow disk takes tens of seconds."""
POOL_SIZE = 64
"""Connections to the engine that are kept; each attached worker holds one of its own besides."""

NO_ENGINE_HINT = (
    "Start Docker or Podman, or name an engine with DOCKER_HOST; `--runtime process` runs without containers, "
    "with the toolchains of this machine."
)


class Engine:
    """A container engine that answers. Made by `connect`."""

    def __init__(self, client: "docker.DockerClient", place: Place, tunnel: Tunnel | None = None) -> None:
        self.client = client
        self.place = place
        self._tunnel = tunnel
        self._threads: set[threading.Thread] = set()

    @property
    def is_local(self) -> bool:
        """Whether it is reached over a socket of this machine."""
        return self.place.socket_path is not None

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that lead other clients to it."""
        return _variables(self.place, self._tunnel)

    def is_podman(self) -> bool:
        """Whether it is Podman that answers. Blocks."""
        return any("podman" in part.get("Name", "").lower() for part in self.client.version().get("Components") or ())

    def is_rootless(self) -> bool:
        """Whether it runs without root. Blocks."""
        info = self.client.info()
        return bool(info.get("Rootless")) or any("rootless" in option for option in info.get("SecurityOptions") or ())

    def describe(self) -> str:
        """For people: what it is and where."""
        name = "Podman" if self.is_podman() else "Docker"
        return f"{name} {self.client.version().get('Version', '?')} at {self.place.address}"

    async def ask(self, doing: str, work: Callable[[], _Result]) -> _Result:
        """Run a blocking call in a thread. ``doing`` completes "while ...". Raises EngineError in words.

        When the caller is cancelled the call itself goes on; `settle` waits for such calls.
        """
        try:
            return await self._in_thread(work)
        except Exception as error:
            if explained := explain(error, doing, self.place):
                raise explained from error
            raise

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result] = loop.create_future()

        def deliver(result: Any, error: BaseException | None) -> None:
            if future.cancelled():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

        def run() -> None:
            result: _Result | None = None
            failure: BaseException | None = None
            try:
                result = work()
            except BaseException as caught:  # it belongs to whoever waits for the future
                failure = caught
            with contextlib.suppress(RuntimeError):  # the loop may be closed when nobody waits any more
                loop.call_soon_threadsafe(deliver, result, failure)
            self._threads.discard(threading.current_thread())

        # A daemon, so that a call the engine never answers cannot keep the harness from ending.
        thread = threading.Thread(target=run, name="engine-call", daemon=True)
        self._threads.add(thread)
        thread.start()
        return await future

    async def settle(self, seconds: float) -> None:
        """Wait for the calls under way, also for those nobody waits for any more; ``seconds`` at most."""

        def join() -> None:
            end = time.monotonic() + seconds
            for thread in list(self._threads):
                thread.join(max(0.0, end - time.monotonic()))

        await asyncio.to_thread(join)

    def answers(self) -> bool:
        """Whether it answers now."""
        try:
            return bool(self.client.ping())
        except Exception:
            return False

    def close(self) -> None:
        """Close the connections to it."""
        self.client.close()
        if self._tunnel is not None:
            self._tunnel.close()


def connect(environ: Mapping[str, str] | None = None) -> Engine:
    """Find the engine. Blocks for some milliseconds; raises EngineError, in words, when there is none to be had."""
    variables = os.environ if environ is None else environ
    refusals = []
    for place in places(variables):
        try:
            return _connect(place)
        except EngineError as error:
            refusals.append((place, error))
    if len(refusals) == 1:
        raise refusals[0][1]
    # The most telling refusal: a socket that is there but closed to us, rather than those that are not there.
    for place, refusal in refusals:
        if place.socket_path is not None and os.path.lexists(place.socket_path):
            raise refusal
    tried = ", ".join(place.address.removeprefix("unix://") for place, _ in refusals)
    raise EngineError("No container engine was found on this machine.", where=f"tried {tried}", hint=NO_ENGINE_HINT)


def _connect(place: Place) -> Engine:
    from milvus_parity.runtime.containers.client import client_of

    if (path := place.socket_path) is not None:
        _try_socket(path, place)
    check_certificates(place)
    tunnel = Tunnel(place.address) if place.address.startswith("ssh://") else None
    try:
        client = client_of(_variables(place, tunnel), timeout=int(REQUEST_SECONDS), pool_size=POOL_SIZE)
        client.ping()
    except Exception as error:
        said = tunnel.said() if tunnel is not None else ""
        if tunnel is not None:
            tunnel.close()
        explained = explain(error, "asking for its version", place)
        if explained is None:
            raise
        # An engine that does not know a client's certificate hangs up without a word.
        fits = f"Does it run, and are the certificates in {place.certificates} those for it?"
        raise EngineError(
            f"The container engine at {place.address} ({place.found}) does not answer: {said or _words(error)}",
            hint=fits if place.certificates else NO_ENGINE_HINT,
        ) from error
    return Engine(client, place, tunnel)


def _variables(place: Place, tunnel: Tunnel | None) -> dict[str, str]:
    return place.variables if tunnel is None else {"DOCKER_HOST": f"unix://{tunnel.path}"}


def _try_socket(path: Path, place: Place) -> None:
    """Connect to a Unix socket once: its error number says more than what the SDK makes of it."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(5)
    try:
        probe.connect(str(path))
    except PermissionError:
        raise EngineError(
            f"There is a container engine at {path}, but this user has no permission on its socket.",
            hint="Join its group (`sudo usermod -aG docker $USER`, then log in again), or use a rootless engine.",
        ) from None
    except (FileNotFoundError, NotADirectoryError):
        raise EngineError(f"No container engine: {path} ({place.found}) does not exist.", hint=NO_ENGINE_HINT) from None
    except OSError as error:
        said = "nobody listens there" if error.errno == errno.ECONNREFUSED else error.strerror or str(error)
        raise EngineError(
            f"The container engine at {path} ({place.found}) does not answer: {said}.",
            hint="Start it (`sudo systemctl start docker`), or look into its log why it ended.",
        ) from None
    finally:
        probe.close()


def explain(error: BaseException, doing: str, place: Place) -> EngineError | None:
    """What a failure of a call means; None for one that is no failure of the engine."""
    import docker.errors
    import requests
    import urllib3

    if isinstance(error, EngineError):
        return error
    if isinstance(error, docker.errors.APIError):
        said = _words(error)
        if "no space left on device" in said.lower():
            return EngineError(
                f"The disk of the container engine is full; it said so while {doing}: {said}",
                hint="Make room: `milvus-parity images prune`, `docker system df`, `docker system prune`.",
            )
        return EngineError(f"The container engine refused while {doing}: {said}")
    gone = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, ConnectionError)
    if isinstance(error, (*gone, TimeoutError)):
        return EngineGoneError(
            f"The container engine at {place.address} stopped answering while {doing}: {_words(error)}",
            hint="Look whether it still runs (`docker version`). What was left behind is removed at the next start.",
        )
    if isinstance(error, docker.errors.DockerException):
        return EngineError(f"The container engine could not be asked while {doing}: {_words(error)}")
    return None


def _words(error: BaseException) -> str:
    """The engine's own words where it said some, else the innermost cause."""
    explanation = getattr(error, "explanation", None)
    if isinstance(explanation, bytes):
        explanation = explanation.decode("utf-8", "replace")
    if explanation:
        return str(explanation).strip()
    inner: BaseException = error
    while (cause := inner.__cause__ or inner.__context__) is not None:
        inner = cause
    text = (inner.strerror if isinstance(inner, OSError) else None) or str(inner) or type(inner).__name__
    return text.strip()

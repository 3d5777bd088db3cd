"""Where an engine may answer: DOCKER_HOST, Docker contexts, the sockets of this machine."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from milvus_parity.model.scenario import Frozen
from milvus_parity.runtime.containers.errors import EngineError

CERTIFICATES = ("ca.pem", "cert.pem", "key.pem")


class Place(Frozen, frozen=True, kw_only=True):
    """An address at which an engine may answer, and where that address was found."""

    address: str
    found: str
    certificates: Path | None = None
    """A folder with ca.pem, cert.pem and key.pem, where TLS is spoken."""
    verify: bool = True
    """Whether the engine's certificate has to be one that ca.pem vouches for."""

    @property
    def socket_path(self) -> Path | None:
        """The path of a Unix socket; None for any other address."""
        return Path(self.address.removeprefix("unix://")) if self.address.startswith("unix://") else None

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that lead the Docker SDK there."""
        if self.certificates is None:
            return {"DOCKER_HOST": self.address}
        tls = {"DOCKER_CERT_PATH": str(self.certificates), **({"DOCKER_TLS_VERIFY": "1"} if self.verify else {})}
        return {"DOCKER_HOST": self.address, **tls}


def places(environ: Mapping[str, str]) -> tuple[Place, ...]:
    """Where an engine may answer, in the order in which they are tried. Raises EngineError for a context that is none.

    DOCKER_HOST and a Docker context are orders: nothing else is tried beside them. Otherwise Docker's socket, then
    those of rootless Docker, Docker Desktop, and Podman, with root's before the user's.
    """
    if host := environ.get("DOCKER_HOST"):
        folder = Path(environ.get("DOCKER_CERT_PATH") or configuration(environ))
        certificates = folder if environ.get("DOCKER_TLS_VERIFY") else None
        return (Place(address=host, found="DOCKER_HOST", certificates=certificates),)
    if named := _context(environ):
        return (named,)
    home = environ.get("HOME", "")
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    candidates = [
        ("/var/run/docker.sock", "Docker's socket"),
        (f"{runtime}/docker.sock" if runtime else "", "rootless Docker's socket"),
        (f"{home}/.docker/run/docker.sock" if home else "", "Docker Desktop's socket"),
        ("/run/podman/podman.sock", "Podman's socket"),
        (f"{runtime}/podman/podman.sock" if runtime else "", "the user's Podman socket"),
    ]
    return tuple(Place(address=f"unix://{path}", found=found) for path, found in candidates if path)


def configuration(environ: Mapping[str, str]) -> Path:
    """Docker's folder of this user's settings."""
    return Path(environ.get("DOCKER_CONFIG") or f"{environ.get('HOME', '')}/.docker")


def _context(environ: Mapping[str, str]) -> Place | None:
    """The Docker context that DOCKER_CONTEXT or ``docker context use`` names; None for the default one.

    Read here, since the Docker SDK finds contexts only beside a config.json, which making one does not make (7.1).
    """
    folder = configuration(environ)
    name = environ.get("DOCKER_CONTEXT") or _chosen(folder)
    if not name or name == "default":
        return None
    key = hashlib.sha256(name.encode()).hexdigest()
    try:
        described = json.loads((folder / "contexts" / "meta" / key / "meta.json").read_text(encoding="utf-8"))
        endpoint = described["Endpoints"]["docker"]
        address, verify = str(endpoint["Host"]), not endpoint.get("SkipTLSVerify")
    except FileNotFoundError:
        raise EngineError(f"There is no Docker context `{name}`.", hint="See `docker context ls`.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(
            f"The Docker context `{name}` cannot be read: {type(error).__name__} {error}.",
            hint="See `docker context ls`.",
        ) from None
    certificates = folder / "contexts" / "tls" / key / "docker"
    return Place(
        address=address,
        found=f"the Docker context `{name}`",
        certificates=certificates if certificates.is_dir() else None,
        verify=verify,
    )


def _chosen(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / "config.json").read_text(encoding="utf-8")).get("currentContext") or "")
    except (OSError, ValueError, AttributeError):
        return None


def check_certificates(place: Place) -> None:
    """Raise EngineError when some are missing, which the SDK would tell in words of its own."""
    if place.certificates is None:
        return
    missing = [name for name in CERTIFICATES if not (place.certificates / name).is_file()]
    if missing:
        raise EngineError(
            f"The engine at {place.address} ({place.found}) is to be reached over TLS, but {place.certificates} has "
            f"no {' and no '.join(missing)}.",
            hint="DOCKER_CERT_PATH, or the context, names a folder with ca.pem, cert.pem and key.pem.",
        )

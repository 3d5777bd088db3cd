"""What people may choose about containers. Everything has a default; the command line and the environment change it."""

import re
from collections.abc import Mapping
from pathlib import Path

from milvus_parity.model.errors import BadInputError
from milvus_parity.model.scenario import Frozen

PREFIX = "MILVUS_PARITY_"
MIB = 1 << 20
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


class Limits(Frozen, frozen=True, kw_only=True):
    """What one container may use. Sizes in bytes; ``scratch`` is its one writable folder, which counts as memory.

    ``disk`` is for those that may write to more than that; 0 says nothing.
    """

    memory: int = 1024 * MIB
    cpus: float = 2.0
    processes: int = 512
    scratch: int = 64 * MIB
    disk: int = 0


WORKER_LIMITS = Limits()
BUILD_LIMITS = Limits(memory=4096 * MIB, cpus=4.0, processes=2048, scratch=1024 * MIB, disk=4096 * MIB)
"""Compilers need more, and see code but do not run it."""


class ContainerSettings(Frozen, frozen=True, kw_only=True):
    """Choices for images and containers.

    ``bases``: language -> image instead of the one its Dockerfile names. ``ca_bundle``: a PEM file of authorities that
    package managers shall trust besides the usual ones. ``build_environment`` (proxies, registries) and
    ``build_files`` (place in the container -> file or folder here) exist while an SDK is fetched and are not kept in
    its image. ``relay_image``: an image with Perl, for relays beside workers whose own image has none.
    """

    bases: Mapping[str, str] = {}
    ca_bundle: Path | None = None
    build_environment: Mapping[str, str] = {}
    build_files: Mapping[str, Path] = {}
    worker: Limits = WORKER_LIMITS
    build: Limits = BUILD_LIMITS
    parallel: int = 4
    relay_image: str = ""

    @property
    def prepares_base(self) -> bool:
        """Whether fetching an SDK needs anything that must not stay in its image."""
        return bool(self.ca_bundle or self.build_environment or self.build_files)


def settings_from(environ: Mapping[str, str]) -> ContainerSettings:
    """Read them from ``MILVUS_PARITY_...`` variables. Raises BadInputError with the variable's name.

    BASE_<LANGUAGE>: an image. CA_BUNDLE: a PEM file. BUILD_ENV: names of variables of this environment, with commas
    between them. BUILD_FILES: ``HERE:PLACE`` pairs, with commas between them. WORKER_MEMORY, WORKER_SCRATCH,
    BUILD_MEMORY and BUILD_DISK: sizes as ``512m`` or ``2g``. WORKER_CPUS, WORKER_PROCESSES, PARALLEL_BUILDS: numbers.
    RELAY_IMAGE: an image.
    """

    def value(name: str) -> str:
        return environ.get(PREFIX + name, "").strip()

    def pieces(name: str) -> list[str]:
        return [piece.strip() for piece in value(name).split(",") if piece.strip()]

    def limits(kind: str, default: Limits) -> Limits:
        return Limits(
            memory=_size(f"{kind}_MEMORY", value(f"{kind}_MEMORY"), default.memory),
            cpus=_number(f"{kind}_CPUS", value(f"{kind}_CPUS"), default.cpus),
            processes=int(_number(f"{kind}_PROCESSES", value(f"{kind}_PROCESSES"), default.processes)),
            scratch=_size(f"{kind}_SCRATCH", value(f"{kind}_SCRATCH"), default.scratch),
            disk=_size(f"{kind}_DISK", value(f"{kind}_DISK"), default.disk) if default.disk else 0,
        )

    bases = {
        name.removeprefix(PREFIX + "BASE_").lower(): image.strip()
        for name, image in environ.items()
        if name.startswith(PREFIX + "BASE_") and image.strip()
    }
    bundle = Path(value("CA_BUNDLE")) if value("CA_BUNDLE") else None
    if bundle is not None and not bundle.is_file():
        raise BadInputError(f"There is no file {bundle}.", where=f"{PREFIX}CA_BUNDLE", hint="It names a PEM file.")
    return ContainerSettings(
        bases=bases,
        ca_bundle=bundle,
        build_environment={name: environ[name] for name in pieces("BUILD_ENV") if name in environ},
        build_files=dict(_file_pair(pair) for pair in pieces("BUILD_FILES")),
        worker=limits("WORKER", WORKER_LIMITS),
        build=limits("BUILD", BUILD_LIMITS),
        parallel=int(_number("PARALLEL_BUILDS", value("PARALLEL_BUILDS"), 4)),
        relay_image=value("RELAY_IMAGE"),
    )


def _size(name: str, text: str, default: int) -> int:
    if not text:
        return default
    found = re.fullmatch(r"(\d+)\s*([kmg]?)(?:i?b)?", text.lower())
    if found is None or int(found[1]) == 0:
        raise BadInputError(f"`{text}` is no size.", where=PREFIX + name, hint="Write it as 512m or 2g.")
    return int(found[1]) * UNITS[found[2]]


def _number(name: str, text: str, default: float) -> float:
    if not text:
        return default
    if re.fullmatch(r"\d+(\.\d+)?", text) is None or float(text) == 0:
        raise BadInputError(f"`{text}` is no number above 0.", where=PREFIX + name)
    return float(text)


def _file_pair(pair: str) -> tuple[str, Path]:
    here, _, place = pair.rpartition(":")
    path = Path(here).expanduser()
    if not here or not place.startswith("/"):
        raise BadInputError(
            f"`{pair}` does not say what goes where.",
            where=f"{PREFIX}BUILD_FILES",
            hint="Write HERE:PLACE, where PLACE is an absolute path in the container.",
        )
    if not path.exists():
        raise BadInputError(f"There is no {path}.", where=f"{PREFIX}BUILD_FILES", hint="Write HERE:PLACE.")
    return place, path


def size_words(size: int) -> str:
    """A size for people, as in ``1 GiB`` or ``1.5 GiB``."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"

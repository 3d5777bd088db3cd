"""The locks on a container that runs what a snippet says. Each has a test that tries to pick it."""

from collections.abc import Mapping
from typing import Any

from milvus_parity.model.errors import BadInputError
from milvus_parity.runtime.containers.settings import Limits

# In a container, where nobody else is.
SCRATCH = "/tmp"  # noqa: S108
NOBODY = 65534
SHARED_MEMORY = 1 << 20
"""Bytes of /dev/shm, the one place that stays writable on a read-only root."""

OPEN_FILES = 8192
"""What every engine may give; a default of some engines is more than their own limit."""

NETWORK_LOCKS = ("dns", "dns_opt")
"""Those of `locks` that a container has from the one whose network namespace it lives in."""


def user(configured: str, image: str) -> tuple[int, int]:
    """The user and group a container runs as: the image's own unless that is root. Raises BadInputError for a name.

    A name would have to be looked up in the image, to give that user the folders that it writes to.
    """
    name, _, group = configured.partition(":")
    if name in {"", "root", "0"}:
        return NOBODY, NOBODY
    if not name.isdigit() or not (group or "0").isdigit():
        raise BadInputError(
            f"The user of the image {image} is `{configured}`; a number is needed.",
            hint=f"End the Dockerfile with a line such as `USER {NOBODY}:{NOBODY}`.",
        )
    return int(name), int(group or name)


def locks(limits: Limits, processors: int) -> dict[str, Any]:
    """Arguments for the creation of any container of ours. ``processors``: how many the engine has."""
    from docker.types import LogConfig, Ulimit

    counts = {"core": 0, "nofile": OPEN_FILES, **({"fsize": limits.disk} if limits.disk else {})}
    return {
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "mem_limit": limits.memory,
        "memswap_limit": limits.memory,  # no swap beyond it
        "nano_cpus": int(min(limits.cpus, processors) * 1e9),
        "pids_limit": limits.processes,
        "shm_size": SHARED_MEMORY,
        # Programs may be loaded from there: Java's network libraries unpack theirs into the temporary folder.
        "tmpfs": {SCRATCH: f"rw,exec,nosuid,nodev,mode=1777,size={limits.scratch}"},
        "ulimits": [Ulimit(name=name, soft=count, hard=count) for name, count in counts.items()],
        # Else the engine would keep what a program prints on the disk, without an end.
        "log_config": LogConfig(type="none"),
        # Nobody answers there: addresses are numbers here, and names are a way out. Engines leave questions they cannot
        # pass on without any answer (measured with 20.10), so a resolver must not wait for long.
        "dns": ["127.0.0.1"],
        "dns_opt": ["timeout:1", "attempts:1"],
        "init": True,
        "ipc_mode": "private",
        "privileged": False,
        "use_config_proxy": False,  # the variables of a proxy are this machine's business
    }


def unheld(info: Mapping[str, Any]) -> str | None:
    """Which limits the engine does not hold containers to, in a sentence, from what it says of itself.

    Engines without root cannot where cgroups are of version 1; they take the limits and drop them without a word.
    """
    rootless = info.get("Rootless") or any("rootless" in option for option in info.get("SecurityOptions") or ())
    none = rootless and str(info.get("CgroupVersion")) == "1"
    limits = {"memory": "MemoryLimit", "processors": "CpuCfsQuota", "processes": "PidsLimit"}
    lacking = [name for name, word in limits.items() if none or info.get(word) is False]
    if not lacking:
        return None
    return f"The engine does not limit what workers use of {', '.join(lacking)}."

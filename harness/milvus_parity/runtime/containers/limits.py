"""The locks on a container that runs what a snippet says. Each has a test that tries to pick it."""

from typing import Any

from milvus_parity.runtime.containers.settings import Limits

# In a container, where nobody else is.
SCRATCH = "/tmp"  # noqa: S108
NOBODY = "65534:65534"
SHARED_MEMORY = 1 << 20
"""Bytes of /dev/shm, the one place that stays writable on a read-only root."""


def user(configured: str) -> str:
    """The user a container runs as: the image's own unless that is root."""
    name = configured.partition(":")[0]
    return NOBODY if name in {"", "root", "0"} else configured


def locks(limits: Limits, processors: int) -> dict[str, Any]:
    """Arguments for the creation of any container of ours. ``processors``: how many the engine has."""
    from docker.types import LogConfig, Ulimit

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
        "ulimits": [Ulimit(name="core", soft=0, hard=0)],
        # Else the engine would keep what a program prints on the disk, without an end.
        "log_config": LogConfig(type="none"),
        "dns": ["127.0.0.1"],  # nobody: addresses are numbers here, and names are a way out
        "init": True,
        "ipc_mode": "private",
        "privileged": False,
        "use_config_proxy": False,  # the variables of a proxy are this machine's business
    }

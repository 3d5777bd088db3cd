"""Folders that killed runs have left in the cache."""

from pathlib import Path


def sweep_folders(cache: Path) -> str:
    """Remove them; in words what was removed, empty for nothing."""
    from milvus_parity.runtime.temporary import sweep as sweep_temporary
    from milvus_parity.servers.folders import sweep as sweep_servers

    parts = []
    if count := sweep_temporary(cache / "temporary"):
        parts.append(f"{count} of programs and workers")
    if (cache / "servers" / "run").is_dir() and (servers := sweep_servers(cache / "servers" / "run")):
        parts.append(f"{len(servers)} of servers")
    return ", ".join(parts)

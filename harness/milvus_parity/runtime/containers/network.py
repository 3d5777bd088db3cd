"""The network of a run: internal, so that nothing leaves this machine, and closed towards this machine's own services.

An internal network of Docker still reaches, through its bridge's address, whatever listens on all interfaces of this
machine (measured with 20.10). Two rules of the INPUT chain end that: from the run's bridge only those connections are
taken for which a socket is bound to the bridge's own address, and that is what the harness's gateways are bound to;
services bound to all addresses do not match (xt_socket passes over them unless told otherwise). Where the rules cannot
be set, `RunNetwork.open_doors` says so.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from milvus_parity.model.scenario import Frozen
from milvus_parity.runtime.containers.engine import Engine, EngineError
from milvus_parity.runtime.containers.labels import Owner

BRIDGE_PREFIX = "mpar"
"""Names of bridges begin with this; Linux allows 15 characters."""

BRIDGE_OPTION = "com.docker.network.bridge.name"
COMMENT = "milvus-parity"
IPTABLES_SECONDS = 20


class RunNetwork(Frozen, frozen=True, kw_only=True):
    """The network of a run. ``gateway`` is the address of this machine on it.

    ``open_doors`` are sentences about what its workers can reach beside the gateway; empty when nothing.
    """

    name: str
    bridge: str
    gateway: str
    open_doors: tuple[str, ...] = ()


def create(engine: Engine, owner: Owner) -> RunNetwork:
    """Make the network of a run. Blocks; raises EngineError and docker.errors.APIError."""
    import docker.errors

    bridge = BRIDGE_PREFIX + owner.run[-8:]
    name = f"milvus-parity-{owner.run}"
    try:
        network = engine.client.networks.create(
            name,
            driver="bridge",
            internal=True,
            labels=owner.labels(),
            options={
                BRIDGE_OPTION: bridge,
                "com.docker.network.bridge.enable_icc": "false",  # workers have nothing to say to each other
            },
        )
    except docker.errors.APIError as error:
        if "address pool" in str(error.explanation):
            raise EngineError(
                "The container engine has no addresses left for another network.",
                hint="Remove networks that nobody needs: `milvus-parity clean`, `docker network prune`.",
            ) from error
        raise
    try:
        network.reload()
        gateway = _gateway(network.attrs)
        _require_address_here(gateway, engine)
        closed = _close_doors(bridge, gateway, owner.run)
    except BaseException:
        with contextlib.suppress(docker.errors.APIError):
            network.remove()
        raise
    return RunNetwork(name=name, bridge=bridge, gateway=gateway, open_doors=(closed,) if closed else ())


def _gateway(attributes: Mapping[str, Any]) -> str:
    ipam = attributes.get("IPAM")
    pools = ipam.get("Config") if isinstance(ipam, dict) else None
    for pool in pools or ():
        if gateway := pool.get("Gateway"):
            return str(gateway).partition("/")[0]
    raise EngineError("The container engine gave the run's network no address on this machine.")


def _require_address_here(gateway: str, engine: Engine) -> None:
    """Workers speak to the harness at the gateway's address, so it must be an address of this machine."""
    family = socket.AF_INET6 if ":" in gateway else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((gateway, 0))
        except OSError as error:
            raise EngineError(
                f"The networks of the container engine at {engine.place.address} are not on this machine: its address "
                f"{gateway} cannot be used here ({error.strerror}), so workers could not reach the harness.",
                hint="This is so with Docker Desktop, engines on other machines and rootless engines. Use an engine of "
                "this machine, run the harness beside the engine, or `--runtime process`.",
            ) from None


def bridge_of(attributes: Mapping[str, Any]) -> str:
    """The bridge of a network, from what the engine tells of it."""
    return str((attributes.get("Options") or {}).get(BRIDGE_OPTION, ""))


def _close_doors(bridge: str, gateway: str, run: str) -> str | None:
    """Set the rules; why they could not be set, if so."""
    iptables = _iptables()
    what = "workers can reach services of this machine that listen on all interfaces"
    if iptables is None:
        return f"{what}: iptables is not installed"
    if not Path(f"/sys/class/net/{bridge}").exists():
        return f"{what}: the bridge {bridge} is not in this network namespace"
    mark = ["-m", "comment", "--comment", f"{COMMENT} {run}"]
    # Inserted at the top, so in reverse order.
    rules = [
        ["-i", bridge, "-j", "REJECT", *mark],
        ["-i", bridge, "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset", *mark],
        ["-i", bridge, "-d", gateway, "-p", "tcp", "-m", "socket", "-j", "ACCEPT", *mark],
    ]
    for rule in rules:
        done = _run([iptables, "-w", "5", "-I", "INPUT", "1", *rule])
        if done is not None:
            open_doors_again(bridge)
            why = "that takes root" if os.geteuid() != 0 else done
            return f"{what}: iptables refused ({why})"
    return None


def open_doors_again(bridge: str) -> None:
    """Remove the rules of a bridge; harmless when there are none or they cannot be removed."""
    iptables = _iptables()
    if iptables is None:
        return
    for rule in our_rules(_listing(iptables)):
        if rule.bridge == bridge:
            _run([iptables, "-w", "5", "-D", *rule.words])


def sweep_rules() -> int:
    """Remove the rules of bridges that are gone; how many. Nothing happens without the right to."""
    iptables = _iptables()
    if iptables is None:
        return 0
    left = [rule for rule in our_rules(_listing(iptables)) if not Path(f"/sys/class/net/{rule.bridge}").exists()]
    return sum(_run([iptables, "-w", "5", "-D", *rule.words]) is None for rule in left)


class Rule(Frozen, frozen=True, kw_only=True):
    """A rule of ours: its bridge, and its words as ``iptables -D`` wants them."""

    bridge: str
    words: tuple[str, ...]


def our_rules(listing: str) -> list[Rule]:
    """Our rules in what ``iptables -S`` prints."""
    import shlex

    rules = []
    for line in listing.splitlines():
        found = re.match(rf"-A (INPUT .*-i ({BRIDGE_PREFIX}\S+) .*--comment \"?{COMMENT} .*)$", line)
        if found:
            rules.append(Rule(bridge=found[2], words=tuple(shlex.split(found[1]))))
    return rules


def _iptables() -> str | None:
    return shutil.which("iptables") or shutil.which("iptables", path="/usr/sbin:/sbin")


def _listing(iptables: str) -> str:
    try:
        done = subprocess.run(
            [iptables, "-w", "5", "-S", "INPUT"], capture_output=True, text=True, timeout=IPTABLES_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _run(command: list[str]) -> str | None:
    """Run a command; what it complained about, None when it did not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=IPTABLES_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else (done.stderr.strip() or f"status {done.returncode}").splitlines()[0]

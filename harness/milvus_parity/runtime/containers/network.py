"""The network of a run: internal, so that nothing leaves this machine, with workers that do not see each other.

An internal network still reaches, through its bridge's address, whatever listens on all interfaces of this machine
(measured with Docker 20.10); `firewall` ends that where it may, and `RunNetwork.open_doors` says so where it may not.
"""

import contextlib
import socket
from collections.abc import Mapping
from typing import Any

from milvus_parity.model.scenario import Frozen
from milvus_parity.runtime.containers import firewall
from milvus_parity.runtime.containers.engine import Engine, EngineError
from milvus_parity.runtime.containers.labels import Owner


class ElsewhereError(Exception):
    """The networks of the engine are not on this machine. Its text says how that is known."""


class RunNetwork(Frozen, frozen=True, kw_only=True):
    """The network of a run. ``gateway`` is the address of this machine on it.

    ``open_doors`` are sentences about what its workers can reach beside the gateway; empty when nothing. ``is_up``:
    whether the bridge is there before the first container is, which Podman's is not.
    """

    name: str
    bridge: str
    gateway: str
    open_doors: tuple[str, ...] = ()
    is_up: bool = True


def create(engine: Engine, owner: Owner) -> RunNetwork:
    """Make the network of a run. Blocks; raises EngineError, docker.errors.APIError, and ElsewhereError when it would
    be of no use."""
    import docker.errors

    name = f"milvus-parity-{owner.run}"
    bridge = f"mpar{owner.run[-8:]}"  # Linux allows 15 characters
    lasting = not engine.is_podman()
    if engine.is_rootless():
        raise ElsewhereError("it is rootless and has them in a namespace of its own")
    try:
        network = engine.client.networks.create(
            name,
            driver="bridge",
            internal=True,
            labels=owner.labels(),
            options={
                "com.docker.network.bridge.name": bridge,
                "com.docker.network.bridge.enable_icc": "false",
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
        if lasting:
            require_bridge_here(bridge, gateway)
        opened = firewall.close_doors(bridge, gateway, owner)
    except BaseException:
        with contextlib.suppress(docker.errors.APIError):
            network.remove()
        raise
    return RunNetwork(name=name, bridge=bridge, gateway=gateway, open_doors=(opened,) if opened else (), is_up=lasting)


def _gateway(attributes: Mapping[str, Any]) -> str:
    ipam = attributes.get("IPAM")
    pools = ipam.get("Config") if isinstance(ipam, dict) else None
    for pool in pools or ():
        if gateway := pool.get("Gateway"):
            return str(gateway).partition("/")[0]
    raise EngineError("The container engine gave the run's network no address on this machine.")


def require_bridge_here(bridge: str, gateway: str) -> None:
    """Workers speak to the harness at the gateway's address: raise ElsewhereError unless it is one of this machine.

    The address alone tells nothing: another engine on another machine may have given out the same. The name of the
    bridge is the run's own.
    """
    if bridge not in (name for _, name in socket.if_nameindex()):
        raise ElsewhereError(f"there is no bridge {bridge} here")
    family = socket.AF_INET6 if ":" in gateway else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((gateway, 0))
        except OSError as error:
            raise ElsewhereError(f"{gateway} cannot be used here: {error.strerror}") from None

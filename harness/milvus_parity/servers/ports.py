"""Ports that are free for a server of our own."""

import errno
import random
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

LOWEST = 10240
EPHEMERAL_FROM = 32768
"""Where Linux starts to take ports for outgoing connections, unless told otherwise."""

NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}
"""How a machine answers on which IPv6 is switched off."""

RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(count: int, *, avoid: Iterable[int] = ()) -> tuple[int, ...]:
    """Choose ``count`` different TCP ports on which nothing listens, on any interface, IPv4 or IPv6.

    They are chosen at random below the range from which the system serves outgoing connections, so that between the
    choice and the server's own bind only another server can take one. The caller still has to look whether the server
    got them. Raises OSError when no port is to be had.
    """
    refused = set(avoid)
    candidates = list(range(LOWEST, max(ephemeral_from(), LOWEST + 4096)))
    random.shuffle(candidates)
    chosen: list[int] = []
    for port in candidates:
        if len(chosen) == count:
            break
        if port not in refused and is_free(port):
            chosen.append(port)
    if len(chosen) < count:
        raise OSError(f"only {len(chosen)} of {count} ports are free")
    return tuple(chosen)


def ephemeral_from() -> int:
    """The first port of the system's range for outgoing connections."""
    with suppress(OSError, ValueError, IndexError):
        return int(RANGE_FILE.read_text().split()[0])
    return EPHEMERAL_FROM


def is_free(port: int) -> bool:
    """Whether a server could listen on this port on every interface now."""
    for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):  # noqa: S104 - as the server will do
        try:
            probe = socket.socket(family, socket.SOCK_STREAM)
        except OSError:
            continue  # this machine has no such family
        with probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                probe.bind((host, port))
                probe.listen(1)
            except OSError as error:
                if family == socket.AF_INET6 and error.errno in NO_IPV6:
                    continue
                return False
    return True


def listeners(port: int) -> int:
    """How many sockets listen on a port of this machine; 0 where the system does not tell."""
    import psutil

    with suppress(psutil.Error, OSError):
        return _listening(psutil.net_connections("tcp")).count(port)
    return 0


def listens_on(pid: int, *ports: int) -> bool:
    """Whether this process itself listens on all of these ports."""
    import psutil

    with suppress(psutil.Error):
        return set(ports) <= set(_listening(psutil.Process(pid).net_connections("tcp")))
    return False


def _listening(connections: Iterable[Any]) -> list[int]:
    import psutil

    return [entry.laddr.port for entry in connections if entry.status == psutil.CONN_LISTEN]

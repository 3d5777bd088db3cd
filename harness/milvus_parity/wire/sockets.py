"""Listening sockets on ports that no execution of this process has had before, and a selector that can be watched."""

import contextlib
import selectors
import socket

ATTEMPTS = 64
"""How often another port is tried before one that was used is used again."""

BACKLOG = 128


class FreshPorts:
    """Opens listeners on free ports of one host, each port once.

    A client that an execution left behind may try to connect again at any time; an execution that had been given its
    port would then have calls that it never made.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._used: set[int] = set()

    def listener(self) -> socket.socket:
        """Open a listener. Raises OSError."""
        with contextlib.ExitStack() as rejected:
            for _ in range(ATTEMPTS):
                found = bound(self._host, 0)
                if found.getsockname()[1] not in self._used:
                    break
                rejected.enter_context(contextlib.closing(found))
            else:
                found = bound(self._host, 0)
        self._used.add(found.getsockname()[1])
        return listening(found)


def bound(host: str, port: int) -> socket.socket:
    """Take a port (0: any free one) without listening on it: who connects is refused. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def listening(sock: socket.socket) -> socket.socket:
    """Listen on a bound socket, without blocking. Raises OSError, having closed it."""
    try:
        sock.setblocking(False)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


class WatchedSelector(selectors.DefaultSelector):
    """Tells other threads whether its loop sleeps, having done all that there was to do."""

    sleeping = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for sockets; ``timeout`` in seconds."""
        self.sleeping = timeout is None or timeout > 0
        try:
            return super().select(timeout)
        finally:
            self.sleeping = False

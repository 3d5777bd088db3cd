"""No execution is given a port that another one had."""

import contextlib
import socket

import pytest
from milvus_parity.wire import sockets
from milvus_parity.wire.sockets import FreshPorts, bound, listening


def test_a_port_that_was_used_is_not_given_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = FreshPorts("127.0.0.1")
    with ports.listener() as first:
        used = first.getsockname()[1]
    offered = iter([used, used, 0])
    monkeypatch.setattr(sockets, "bound", lambda host, port: bound(host, next(offered)))
    with ports.listener() as second:
        assert second.getsockname()[1] != used
    assert next(offered, None) is None


def test_when_all_ports_were_used_they_are_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "ATTEMPTS", 3)
    ports = FreshPorts("127.0.0.1")
    ports._used = set(range(65536))
    with ports.listener() as found:
        assert socket.create_connection(found.getsockname()).close() is None


def test_a_bound_port_refuses_and_is_taken() -> None:
    with bound("127.0.0.1", 0) as taken:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(taken.getsockname())
        with socket.socket() as rival, pytest.raises(OSError, match="in use"):
            rival.bind(taken.getsockname())


def test_ipv6() -> None:
    with contextlib.suppress(OSError), listening(bound("::1", 0)) as found:
        assert found.family is socket.AF_INET6


def test_a_host_that_is_not_ours_leaves_no_socket() -> None:
    with pytest.raises(OSError, match="assign"):
        FreshPorts("192.0.2.1").listener()

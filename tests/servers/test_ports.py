import socket
from collections.abc import Iterator

import pytest
from milvus_parity.servers import ports
from milvus_parity.servers.ports import ephemeral_from, free_ports, is_free, listeners


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, ""), (socket.AF_INET6, "::1")])
def taken(request: pytest.FixtureRequest) -> Iterator[int]:
    family, host = request.param
    try:
        listener = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listener:
        yield listener.getsockname()[1]


def test_ports_are_different_and_none_is_one_for_outgoing_connections() -> None:
    chosen = free_ports(50)
    assert len(set(chosen)) == 50
    assert max(chosen) < max(ephemeral_from(), ports.LOWEST + 4096)
    assert min(chosen) >= ports.LOWEST


def test_a_port_in_use_on_any_interface_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_a_port_given_back_is_free(taken: int) -> None:
    (port,) = free_ports(1, avoid=[taken])
    with socket.create_server(("", port)):
        assert not is_free(port)
    assert is_free(port)


def test_ports_to_avoid_are_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "ephemeral_from", lambda: 0)
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    window = range(ports.LOWEST, ports.LOWEST + 4096)
    assert set(free_ports(2, avoid=window[2:])) == set(window[:2])


def test_too_few_free_ports_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: False)
    with pytest.raises(OSError, match="only 0 of 3"):
        free_ports(3)


def test_two_that_share_a_port_are_counted() -> None:
    (port,) = free_ports(1)
    assert listeners(port) == 0
    with socket.create_server(("127.0.0.1", port), reuse_port=True):
        assert listeners(port) == 1
        with socket.create_server(("127.0.0.1", port), reuse_port=True):
            assert listeners(port) == 2

from types import SimpleNamespace
from typing import Any

import pytest
from milvus_parity.model.errors import BadInputError
from milvus_parity.runtime.containers import network
from milvus_parity.runtime.containers.engine import Engine, EngineError, Place
from milvus_parity.runtime.containers.labels import Owner
from milvus_parity.runtime.containers.limits import NOBODY, locks, unheld, user
from milvus_parity.runtime.containers.network import ElsewhereError
from milvus_parity.runtime.containers.settings import Limits

OWNER = Owner.this_process("r-1a2b3c4d")


class FakeNetworks:
    """Makes one network, with a gateway that is told; notes whether it was removed."""

    def __init__(self, gateway: str | None) -> None:
        self.attrs = {"IPAM": {"Config": [{"Subnet": "s", **({"Gateway": gateway} if gateway else {})}]}}
        self.asked: dict[str, Any] = {}
        self.removed = False

    def create(self, name: str, **options: Any) -> "FakeNetworks":
        self.asked = {"name": name, **options}
        return self

    def reload(self) -> None:
        pass

    def remove(self) -> None:
        self.removed = True


def engine_with(networks: FakeNetworks, *, podman: bool = False, rootless: bool = False) -> Engine:
    client = SimpleNamespace(
        networks=networks,
        version=lambda: {"Components": [{"Name": "Podman Engine" if podman else "Engine"}]},
        info=lambda: {"SecurityOptions": ["name=seccomp", *(["name=rootless"] if rootless else [])]},
    )
    return Engine(client, Place(address="unix:///engine", found="a test"))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def a_bridge_and_no_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network.socket, "if_nameindex", lambda: [(1, "lo"), (2, "mpar1a2b3c4d")])
    monkeypatch.setattr(network.firewall, "close_doors", lambda bridge, gateway, owner: None)


def test_a_network_is_internal_named_and_labelled() -> None:
    networks = FakeNetworks("127.0.0.1")
    made = network.create(engine_with(networks), OWNER)
    assert (made.gateway, made.open_doors, made.is_up) == ("127.0.0.1", (), True)
    assert networks.asked["internal"] is True
    assert networks.asked["labels"] == OWNER.labels()
    bridge = networks.asked["options"]["com.docker.network.bridge.name"]
    assert bridge == "mpar1a2b3c4d"
    assert len(bridge) <= 15, "Linux's limit"


def test_networks_that_are_elsewhere_are_told_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = FakeNetworks("203.0.113.1")
    with pytest.raises(ElsewhereError, match=r"203\.0\.113\.1 cannot be used here"):
        network.create(engine_with(networks), OWNER)
    assert networks.removed


def test_the_same_address_of_another_machine_is_not_taken_for_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network.socket, "if_nameindex", lambda: [(1, "lo"), (2, "docker0")])
    networks = FakeNetworks("127.0.0.1")
    with pytest.raises(ElsewhereError, match="no bridge mpar1a2b3c4d here"):
        network.create(engine_with(networks), OWNER)
    assert networks.removed


def test_a_rootless_engine_is_told_before_anything_is_made() -> None:
    networks = FakeNetworks("127.0.0.1")
    with pytest.raises(ElsewhereError, match="rootless"):
        network.create(engine_with(networks, rootless=True), OWNER)
    assert networks.asked == {}


def test_the_bridge_of_podman_comes_later() -> None:
    made = network.create(engine_with(FakeNetworks("203.0.113.1"), podman=True), OWNER)
    assert not made.is_up


def test_a_network_without_an_address_is_refused() -> None:
    networks = FakeNetworks(None)
    with pytest.raises(EngineError, match="no address on this machine"):
        network.create(engine_with(networks), OWNER)
    assert networks.removed


def test_what_stays_open_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network.firewall, "close_doors", lambda bridge, gateway, owner: "a door is open")
    assert network.create(engine_with(FakeNetworks("127.0.0.1")), OWNER).open_doors == ("a door is open",)


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ("", (NOBODY, NOBODY)),
        ("root", (NOBODY, NOBODY)),
        ("0:0", (NOBODY, NOBODY)),
        ("1000", (1000, 1000)),
        ("1000:100", (1000, 100)),
    ],
)
def test_nobody_is_root(configured: str, expected: tuple[int, int]) -> None:
    assert user(configured, "image") == expected


@pytest.mark.parametrize("configured", ["node", "1000:staff", "nobody:nogroup"])
def test_users_are_numbers(configured: str) -> None:
    with pytest.raises(BadInputError, match="a number is needed"):
        user(configured, "image")


def test_no_more_processors_are_asked_for_than_there_are() -> None:
    assert locks(Limits(cpus=4), 2)["nano_cpus"] == 2_000_000_000
    assert locks(Limits(cpus=0.5), 2)["nano_cpus"] == 500_000_000


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"MemoryLimit": True, "CpuCfsQuota": True, "PidsLimit": True}, None),
        ({}, None),
        ({"MemoryLimit": True, "PidsLimit": False}, "The engine does not limit what workers use of processes."),
        ({"Rootless": True, "CgroupVersion": "2", "MemoryLimit": True}, None),
        (
            {"Rootless": True, "CgroupVersion": "1", "MemoryLimit": True},
            "The engine does not limit what workers use of memory, processors, processes.",
        ),
        (
            {"SecurityOptions": ["name=rootless"], "CgroupVersion": "1"},
            "The engine does not limit what workers use of memory, processors, processes.",
        ),
    ],
)
def test_limits_that_an_engine_does_not_hold_are_told(info: dict[str, Any], expected: str | None) -> None:
    assert unheld(info) == expected

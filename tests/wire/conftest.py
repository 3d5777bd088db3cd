"""Both ways to a gateway: clients on this machine, and clients behind a relay."""

from collections.abc import Iterator

import pytest
from milvus_parity.runtime.base import Channel
from milvus_parity.wire.endpoint import RecordedEndpoint
from milvus_parity.wire.gateway import RecordingGateways
from relays import LocalRelay


@pytest.fixture
def relay() -> Iterator[LocalRelay]:
    made = LocalRelay()
    yield made
    assert made.close() == 0


@pytest.fixture(params=["direct", "relayed"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the clients of a test come to its gateways."""
    if request.param == "relayed":
        made = request.getfixturevalue("relay")
        original = RecordingGateways.open

        async def relayed(self: RecordingGateways, relay: Channel | None = None) -> RecordedEndpoint:
            return await original(self, relay or made)

        monkeypatch.setattr(RecordingGateways, "open", relayed)
    return str(request.param)

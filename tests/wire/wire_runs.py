"""Real runs for the tests of the wire: real SDKs, a real Milvus, and what stands between them chosen by the test."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from milvus_parity.cli import session
from milvus_parity.cli.options import cache_folder, read_cases, read_packs
from milvus_parity.engine.plan import select
from milvus_parity.model.wire import Recording
from milvus_parity.runtime.base import Channel
from milvus_parity.servers.base import ServerInfo
from milvus_parity.store.reader import RunFolder, read_run
from milvus_parity.wire.gateway import Gateway

STAND_IN = "2.3.0-standin.1"

Gateways = Callable[..., Gateway]


def run_through(gateways: Gateways, patterns: Sequence[str], out: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """Run cases with all targets that are available here, behind the given gateways.

    C# takes part with the stand-in where NuGet is told of it (``RestoreConfigFile``, see tests/standin/README.md).
    """
    monkeypatch.setattr(session, "gateway_for", gateways)
    packs = read_packs(())
    targets = [name for pack in packs.values() for name in pack.spec.targets if name != "csharp"]
    if "RestoreConfigFile" in os.environ:
        targets.append(f"csharp@{STAND_IN}")
    wishes = session.Wishes(cache=cache_folder(), out=out, timeout=120.0, targets=tuple(targets), runtime="process")
    cases = select(read_cases(()), patterns)
    ended = asyncio.run(session.run_session(wishes, packs, cases, lambda _: None)).ended
    assert ended.end == "complete", ended
    return read_run(out)


class DirectGateways:
    """Hands out the server's own address: nothing stands between, nothing is recorded."""

    def __init__(self, info: ServerInfo) -> None:
        self._address = info.address

    async def open(self, relay: Channel | None = None) -> "DirectEndpoint":
        assert relay is None, "processes need none"
        return DirectEndpoint(self._address)

    async def close(self) -> None:
        pass


class DirectEndpoint:
    """The server's own address; it knows no faults."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def set_step(self, step: int | None) -> None:
        pass

    async def cut(self) -> None:
        raise NotImplementedError

    async def mute(self) -> None:
        raise NotImplementedError

    async def restore(self) -> None:
        raise NotImplementedError

    async def close(self) -> Recording:
        return Recording(problem="nothing stood between")

"""Names of databases that say whose they are, so that those of a killed harness can be told on a server that stays.

    parity_<created>_<machine>_<process>_<its start>_<run>_<number>[_<logical name>]

Times are Unix seconds in hexadecimal; machine and start are hashes. Only the machine on which a harness ran can tell
whether it lives; databases of other machines are left alone until they are a day old.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Iterable

from milvus_parity.model.scenario import MAIN_DATABASE
from milvus_parity.runtime.containers.labels import STRANGER_SECONDS, Owner, started, this_host

_NAME = re.compile(
    r"parity_(?P<created>[0-9a-f]{8})_(?P<host>[0-9a-f]{6})_(?P<pid>\d+)_(?P<start>[0-9a-f]{6})_[0-9a-f]+_"
)


def name_prefix() -> str:
    """The beginning of all database names of one run of this process."""
    owner = Owner.this_process("")
    place = f"{_hash(owner.host)}_{owner.pid}_{_hash(owner.started)}"
    return f"parity_{int(owner.created):08x}_{place}_{secrets.token_hex(3)}"


def database_name(prefix: str, number: int, logical: str) -> str:
    """The name of one database of the execution with that number."""
    return f"{prefix}_{number}" if logical == MAIN_DATABASE else f"{prefix}_{number}_{logical}"


def abandoned(names: Iterable[str]) -> list[str]:
    """Those that a harness made which is gone."""
    return [name for name in names if (found := _NAME.match(name)) and not _lives(found)]


def _lives(found: re.Match[str]) -> bool:
    if found["host"] != _hash(this_host()):
        return time.time() - int(found["created"], 16) < STRANGER_SECONDS
    return _hash(started(int(found["pid"])) or "") == found["start"]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]

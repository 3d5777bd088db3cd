"""Which names mean a credential. What they hold is replaced before a record is made, never afterwards."""

import functools
import re
from typing import Final

from milvus_parity.model.wire import REDACTED

_SECRET: Final = re.compile(
    r"pass(word|wd|phrase)?$|password|secret|credential|authoriz|cookie|api[-_.]?key|access[-_.]?key|private[-_.]?key"
    r"|(^|[-_.])(auth|token)$|^x-.*token",
    re.IGNORECASE,
)

_CREDENTIAL_METHOD: Final = re.compile(r"credential|password|secret|apikey|token", re.IGNORECASE)


@functools.lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether a field, a metadata key or the key of a key-value pair names a credential."""
    return _SECRET.search(name) is not None


def is_secret_method(method: str) -> bool:
    """Whether calls of a method carry credentials, so that nothing undecoded of them may be kept."""
    return _CREDENTIAL_METHOD.search(method.rpartition("/")[2]) is not None


def contains_redacted(value: object) -> bool:
    """Whether something in a decoded value was replaced."""
    if isinstance(value, dict):
        return any(map(contains_redacted, value.values()))
    if isinstance(value, list):
        return any(map(contains_redacted, value))
    return value == REDACTED


def redact(value: object) -> object:
    """Replace in a decoded value whatever a secret name holds, at any depth; lists and dicts are copied."""
    if isinstance(value, dict):
        return {
            key: REDACTED if isinstance(key, str) and is_secret(key) and held not in (None, "") else redact(held)
            for key, held in value.items()
        }
    if isinstance(value, list):
        return [redact(item) for item in value]
    return value

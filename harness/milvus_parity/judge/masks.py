"""Takes out of messages what differs from one execution to the next without meaning anything."""

import re
from collections.abc import Callable, Mapping

_VOLATILE: tuple[tuple[re.Pattern[str], str], ...] = (
    # Collection, partition and message ids and hybrid timestamps of Milvus have 18 digits.
    (re.compile(r"(?<![\w.])\d{15,20}(?![\w.])"), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    # grpc-java and grpc-go say how long they waited: "deadline exceeded after 0.099s".
    (re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:ns|us|µs|ms|s)\b"), "<duration>"),
    # Objects of Python and Java print where they lie in memory.
    (re.compile(r"\b0x[0-9a-f]{6,16}\b", re.IGNORECASE), "<address of memory>"),
    (re.compile(r"(?<=[A-Za-z]@)[0-9a-f]{5,8}\b"), "<hash>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"(?i)\b(trace ?id[=: ]+)[0-9a-f]{16,32}\b"), r"\1<id>"),
)
_HERE = ("127.0.0.1", "localhost", "[::1]", "::1")
_WORTH_A_LOOK = re.compile(r"\d{5}|\d\d:\d\d|\d\w|0x|[A-Za-z]@")


def mask(databases: Mapping[str, str], address: str) -> Callable[[str], str]:
    """A function that puts the scenario's words in the place of real database names and of the server's address.

    ``databases`` maps logical to real names; ``address`` is ``host:port``.
    """
    names = [(real, logical) for logical, real in databases.items() if real and real != logical]
    if address:
        names.append((address, "address"))
        host, _, port = address.rpartition(":")
        if host in _HERE:
            names += [(f"{alias}:{port}", "address") for alias in _HERE if alias != host]
    # The longest first: one name may begin with another. Placeholders keep what was put in from being replaced again.
    names.sort(key=lambda pair: -len(pair[0]))

    def masked(text: str) -> str:
        for place, (real, _) in enumerate(names):
            if real in text:
                text = text.replace(real, f"\x00{place}\x00")
        if "\x00" in text:
            for place, (_, word) in enumerate(names):
                text = text.replace(f"\x00{place}\x00", word)
        if _WORTH_A_LOOK.search(text):
            for pattern, word in _VOLATILE:
                text = pattern.sub(word, text)
        return text

    return masked

"""Addresses of servers as people write them."""

import re
from urllib.parse import urlsplit

import msgspec

from milvus_parity.model.errors import BadInputError

DEFAULT_PORT = 19530
"""Where a Milvus listens when nothing else is said."""

WORDS = ("embedded", "lite", "container", "container:TAG", "HOST:PORT", "http://HOST:PORT", "https://HOST:PORT")


class Address(msgspec.Struct, frozen=True):
    """A host, a port, and whether TLS is spoken there."""

    host: str
    port: int
    tls: bool = False


def parse_address(text: str) -> Address:
    """Read ``host:port``, ``http://host[:port]`` or ``https://host[:port]``; IPv6 addresses stand in brackets.

    Raises `BadInputError` with what is wrong. Credentials in an address are refused: a command line is no place
    for them.
    """
    has_scheme = "://" in text
    if not has_scheme and ":" not in text:
        raise BadInputError(
            f"`{text}` is neither a kind of server nor an address.",
            hint=f"Write one of: {', '.join(WORDS)}.",
        )
    try:
        parts = urlsplit(text if has_scheme else f"http://{text}")
    except ValueError as error:
        raise BadInputError(f"The address `{text}` cannot be read: {error}.", hint="Write HOST:PORT.") from None
    if parts.scheme not in {"http", "https"}:
        raise BadInputError(
            f"The address `{text}` has the scheme `{parts.scheme}`, which no Milvus speaks.",
            hint="Write http://HOST:PORT, https://HOST:PORT for TLS, or HOST:PORT.",
        )
    if parts.username is not None or parts.password is not None:
        raise BadInputError(
            "The address holds credentials; on a command line everybody on the machine can read them.",
            hint="Put them into MILVUS_PARITY_USER and MILVUS_PARITY_PASSWORD, or MILVUS_PARITY_TOKEN.",
        )
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise BadInputError(
            f"The address `{text}` has something behind the port.",
            hint="An address is HOST:PORT; databases are made by the harness itself.",
        )
    try:
        port = parts.port
    except ValueError:
        raise BadInputError(
            f"The address `{text}` has no usable port.", hint="A port is a number from 1 to 65535."
        ) from None
    host = parts.hostname
    if not host or re.search(r"\s", host):
        raise BadInputError(f"The address `{text}` has no usable host.", hint="Write HOST:PORT.")
    if port is None:
        if not has_scheme:
            raise BadInputError(f"The address `{text}` has no port.", hint=f"Write {text}{DEFAULT_PORT}.")
        port = 443 if parts.scheme == "https" else DEFAULT_PORT
    if port == 0:
        raise BadInputError(f"The address `{text}` has the port 0.", hint="A port is a number from 1 to 65535.")
    return Address(host, port, parts.scheme == "https")

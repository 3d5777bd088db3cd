"""The server behind the gateways."""

import ssl
from typing import Self

import msgspec


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """The Milvus behind the gateways. With ``tls`` the way to it is encrypted, the way to the workers isn't."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str | None = None

    @classmethod
    def to(cls, host: str, port: int, *, tls: bool = False, ca: str = "", server_name: str | None = None) -> Self:
        """Describe an upstream. ``ca``: path of a PEM file with authorities, empty for the system's.

        Raises OSError when the file can't be read.
        """
        if not tls:
            return cls(host=host, port=port)
        context = ssl.create_default_context(cafile=ca or None)
        context.set_alpn_protocols(["h2"])
        return cls(host=host, port=port, tls=context, server_name=server_name)

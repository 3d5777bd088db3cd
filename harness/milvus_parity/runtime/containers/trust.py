"""Certificate authorities of a company's proxy, in the shapes that package managers take.

A bundle given by the user is joined to the usual authorities, since most tools take a file *instead* of their own. Java
reads no PEM; the truststore it gets is a JKS file without secrets, whose format is a few lines (its only integrity is a
digest that Java checks when a password is given). Settings as measured with pip, npm, go, git, .NET and Maven.
"""

import hashlib
import re
import ssl
import struct
from collections.abc import Mapping
from urllib.parse import urlsplit

PLACE = "/opt/parity-ca"
BUNDLE = f"{PLACE}/bundle.pem"
TRUSTSTORE = f"{PLACE}/truststore.jks"
# What every Java uses; a truststore holds nothing secret.
PASSWORD = "changeit"  # noqa: S105

ENVIRONMENT = {
    "SSL_CERT_FILE": BUNDLE,
    "CURL_CA_BUNDLE": BUNDLE,
    "REQUESTS_CA_BUNDLE": BUNDLE,
    "PIP_CERT": BUNDLE,
    "GIT_SSL_CAINFO": BUNDLE,
    "NODE_EXTRA_CA_CERTS": BUNDLE,
    "NPM_CONFIG_CAFILE": BUNDLE,
    "CARGO_HTTP_CAINFO": BUNDLE,
}

JAVA_OPTIONS = f"-Djavax.net.ssl.trustStore={TRUSTSTORE} -Djavax.net.ssl.trustStoreType=JKS"

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)


def certificates(pem: str) -> list[str]:
    """The certificates in a PEM text, one text each, doubles left out. Raises ValueError when there is none."""
    found = list(dict.fromkeys(_CERTIFICATE.findall(pem)))
    if not found:
        raise ValueError("it holds no certificate (-----BEGIN CERTIFICATE-----)")
    return found


def joined_bundle(pem: str) -> str:
    """The given authorities and the usual ones."""
    import certifi

    return "\n".join(dict.fromkeys([*certificates(pem), *certificates(certifi.contents())])) + "\n"


def truststore(pem: str) -> bytes:
    """A Java truststore (JKS, version 2) of all certificates in a PEM text. Raises ValueError for a broken one."""
    entries = certificates(pem)
    data = bytearray(struct.pack(">III", 0xFEEDFEED, 2, len(entries)))
    for number, certificate in enumerate(entries):
        der = ssl.PEM_cert_to_DER_cert(certificate)
        data += struct.pack(">I", 2)  # a trusted certificate
        data += _utf(f"ca{number}") + struct.pack(">Q", 0) + _utf("X.509") + struct.pack(">I", len(der)) + der
    salt = PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite"
    return bytes(data) + hashlib.sha1(salt + data, usedforsecurity=False).digest()


def _utf(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode("ascii")


def java_proxy_options(proxies: Mapping[str, str]) -> str:
    """HTTP_PROXY, HTTPS_PROXY and NO_PROXY (in either spelling) as system properties: Java reads no variables."""
    options = []
    for scheme in ("http", "https"):
        name = f"{scheme}_proxy"
        address = proxies.get(name.upper()) or proxies.get(name)
        if not address:
            continue
        parts = urlsplit(address if "//" in address else f"//{address}")
        options.append(f"-D{scheme}.proxyHost={parts.hostname}")
        if parts.port:
            options.append(f"-D{scheme}.proxyPort={parts.port}")
        if parts.username:
            options.append(f"-D{scheme}.proxyUser={parts.username} -D{scheme}.proxyPassword={parts.password or ''}")
    spared = proxies.get("NO_PROXY") or proxies.get("no_proxy")
    if options and spared:
        hosts = [f"*{host}" if host.startswith(".") else host for host in re.split(r"[,\s]+", spared) if host]
        options.append(f"-Dhttp.nonProxyHosts={'|'.join(hosts)}")
    return " ".join(options)

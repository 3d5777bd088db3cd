"""What a fence wants that only its reader has: files, packages, hosts, variables of the environment. No fault of it."""

import re

_SDK = re.compile(r"^(?:pymilvus(?!\.(?:model|bulk_writer)\b)|@zilliz/milvus2-sdk-node)")
"""Packages that are here, but for their extras."""
_PACKAGE = re.compile(r"No module named '([\w.]+)'|Cannot find (?:module|package) '([^']+)'")
_FILE = re.compile(r"(?i)\bENOENT\b|no such file or directory|(?:File\s?NotFound|NoSuchFile)(?:Error|Exception)\b")
_HOST = re.compile(
    r"(?i)\bENOTFOUND\b|EAI_AGAIN|no such host|name or service not known|name resolution|max retries exceeded|"
    r"\b(?:URLError|HTTPError|SSLError|ProxyError|UnknownHostException|gaierror|EOFError)\b"
)
_VARIABLE = re.compile(r"^KeyError: '?([A-Z][A-Z0-9]*_[A-Z0-9_]+)'?$")


def wanted(kind: str, message: str) -> str | None:
    """A sentence about what is not here; None when the failure is another. ``kind``: the error's class."""
    said = f"{kind}: {message}"
    package = _PACKAGE.search(said)
    if package is not None:
        name = package[1] or package[2]
        return None if _SDK.match(name) else f"It needs the package {name}, which is not here."
    variable = _VARIABLE.match(said)
    if variable is not None:
        return f"It needs the variable {variable[1]} of the reader's environment."
    if _FILE.search(said):
        return f"It needs a file that only the reader has: {message}"
    if _HOST.search(said):
        return f"It goes to the network, or asks its reader: {message}"
    return None

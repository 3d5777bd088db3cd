"""The eight targets of the suite, and the type of the command line in tests."""

import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
STANDIN = "2.3.0-standin.1"
TARGETS = (
    "python-orm",
    "python-client",
    "java-v1",
    "java-v2",
    "go-v1",
    "go-v2",
    "javascript",
    f"csharp@{STANDIN}",
)
Command = Callable[..., subprocess.CompletedProcess[str]]

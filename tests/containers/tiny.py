"""A pack as small as can be, in Python without any SDK: its worker evaluates what it is sent, a line at a time."""

import os
from pathlib import Path

from milvus_parity.packs.discover import read_pack
from milvus_parity.packs.pack import Pack
from milvus_parity.runtime.containers.settings import ContainerSettings, settings_from

BASE = os.environ.get("MILVUS_PARITY_BASE_PYTHON", "python:3.11-slim")


def pack_text(name: str, *, build: str, worker: str) -> str:
    """The pack.toml of a language with one target, both of that name, whose SDK is nothing: two sections are given."""
    return f"""
schema = 1
language = "{name}"
title = "{name.title()}"
extension = "py"
support = ["support"]

[targets.{name}]
title = "{name.title()}"
package = "{name}"
templates = ["templates"]
versions = {{ "2.3" = "1.0" }}

[[files]]
template = "program.py.jinja"
path = "programs/{{program}}.py"

[resolve]
commands = [["true"]]

[build]
{build}
[worker]
{worker}"""


PACK = pack_text(
    "tiny",
    build=r"""commands = [["python3", "check.py"], ["cp", "worker.py", "{build}/worker.py"]]
environment = { MARK = "{version}" }
errors = '(?m)^(?P<file>[^\s:]+):(?P<line>\d+):(?P<column>\d+): (?P<message>.*)$'
""",
    worker="""command = ["{python}", "-u", "{build}/worker.py"]
environment = { MARK = "{target}" }
""",
)

DOCKERFILE = """ARG BASE=python:3.11-slim
FROM ${BASE}
ARG SDK_VERSION
COPY . /opt/parity/pack
WORKDIR /opt/parity/sdk
RUN sh /opt/parity/pack/support/resolve.sh "${SDK_VERSION}"
USER 65534:65534
"""

RESOLVE = """set -e
mkdir -p /opt/parity/cache
echo "$1" > version
chown -R 65534:65534 /opt/parity/cache
"""

CHECK = """import sys
try:
    compile(open("worker.py").read(), "worker.py", "exec")
except SyntaxError as error:
    sys.exit(f"worker.py:{error.lineno}:{error.offset}: {error.msg}")
"""

WORKER = """import os, sys
print("ready", flush=True)
for line in sys.stdin:
    try:
        print(repr(eval(line)), flush=True)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", flush=True)
"""


def write_pack(folder: Path, **changes: str) -> Pack:
    """Write the pack; ``changes``: other texts for dockerfile, resolve or pack."""
    files = {
        "pack.toml": changes.get("pack", PACK),
        "Dockerfile": changes.get("dockerfile", DOCKERFILE),
        "support/resolve.sh": changes.get("resolve", RESOLVE),
        "templates/program.py.jinja": "",
        "templates/literal.jinja": "",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return read_pack(folder)


def sources(worker: str = WORKER) -> dict[str, str]:
    """What is compiled."""
    return {"worker.py": worker, "check.py": CHECK}


def tiny_settings(**changes: object) -> ContainerSettings:
    """Settings with the base that this machine has."""
    here = settings_from({name: value for name, value in os.environ.items() if name != "MILVUS_PARITY_CA_BUNDLE"})
    fields = {name: getattr(here, name) for name in here.__struct_fields__}
    return ContainerSettings(**{**fields, "bases": {**here.bases, "tiny": BASE}, **changes})

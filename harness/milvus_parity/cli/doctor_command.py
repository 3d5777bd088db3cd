"""``milvus-parity doctor``: what this machine has and lacks."""

import os
import platform
import shutil
import sys
from pathlib import Path

import click

from milvus_parity.cli.options import cache_folder, read_packs


@click.command("doctor")
@click.option(
    "--runners",
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder with more language packs.",
)
def command(runners: tuple[Path, ...]) -> int:
    """Say what this machine has, what is missing, and how to get it.

    Exit status 3 when no target could run here.
    """
    import asyncio

    from milvus_parity.model.errors import ExitCode
    from milvus_parity.runtime.toolchain import Tool, look_all

    packs = read_packs(runners)

    async def look() -> dict[str, list[Tool]]:
        found = await asyncio.gather(*(look_all(pack) for pack in packs.values()))
        return dict(zip(packs, found, strict=True))

    usable = 0
    click.echo(f"Python    {platform.python_version()} ({sys.executable})")
    click.echo(f"System    {platform.system()} {platform.machine()}")
    cache = cache_folder()
    free = shutil.disk_usage(_nearest(cache)).free / 2**30
    click.echo(f"Cache     {cache} ({free:.1f} GiB free)")
    click.echo(f"Embedded  {_embedded()}")
    click.echo(f"Docker    {_docker()}")
    for language, tools in asyncio.run(look()).items():
        click.echo(f"\n{packs[language].spec.title}: {', '.join(packs[language].spec.targets)}")
        for tool in tools:
            if tool.problem:
                click.echo(f"  missing  {tool.problem}\n           get it: {tool.need.install}")
            else:
                click.echo(f"  found    {tool.need.command} {tool.version} ({tool.path})")
        if not tools:
            click.echo("  found    nothing else is needed")
        usable += all(tool.problem is None for tool in tools)
    click.echo(f"\n{usable} of {len(packs)} languages can run here.")
    return int(ExitCode.OK if usable else ExitCode.COULD_NOT_RUN)


def _nearest(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _embedded() -> str:
    if platform.system() == "Linux" and platform.machine() == "x86_64":
        return "can run here (the wheel milvus==2.3.5)"
    return "cannot run here: it is for Linux on x86_64; use --milvus container or an address"


def _docker() -> str:
    from milvus_parity.runtime.containers.engine import EngineError, connect

    try:
        engine = connect(os.environ)
    except EngineError as error:
        return f"programs will run as processes: {error}".replace("\n", "\n         ")
    try:
        return f"engine {engine.client.version().get('Version', '')} answers; programs will run in containers"
    finally:
        engine.close()

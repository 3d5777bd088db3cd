"""``milvus-parity images``: the images that the container runtime keeps."""

import os
from pathlib import Path

import click

from milvus_parity.cli.options import cache_folder, read_packs


@click.group("images")
def command() -> None:
    """Build, list and remove the images of SDKs and programs."""


@command.command("list")
def list_command() -> None:
    """List the images that milvus-parity has made."""
    from milvus_parity.runtime.containers.engine import connect
    from milvus_parity.runtime.containers.kept import list_images

    engine = connect(os.environ)
    images = list_images(engine)
    engine.close()
    for image in images:
        click.echo(str(image))
    if not images:
        click.echo("There are none.")


@command.command("prune")
@click.option("--all", "everything", is_flag=True, help="Those that the packs of today would use, too.")
def prune_command(everything: bool) -> None:
    """Remove images that are no longer needed."""
    from milvus_parity.runtime.containers.engine import connect
    from milvus_parity.runtime.containers.kept import prune

    engine = connect(os.environ)
    removed = prune(engine, wanted=() if everything else _wanted())
    engine.close()
    click.echo(str(removed))


def _wanted() -> set[str]:
    from milvus_parity.packs.discover import select_targets
    from milvus_parity.runtime.containers.inputs import wanted_tag
    from milvus_parity.runtime.containers.settings import settings_from

    packs = read_packs(())
    settings = settings_from(os.environ)
    return {wanted_tag(packs[target.language], target, settings) for target in select_targets(packs, (), "2.3.5")}


@command.command("build")
@click.option("--target", "wanted", multiple=True, metavar="NAME[@VERSION]", help="Repeatable. Default: all.")
@click.option("--milvus-version", default="2.3.5", show_default=True, help="The server that SDK versions shall suit.")
@click.option(
    "--runners",
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder with more language packs.",
)
def build_command(wanted: tuple[str, ...], milvus_version: str, runners: tuple[Path, ...]) -> int:
    """Build the images of SDKs, so that a run need not."""
    import asyncio

    from milvus_parity.cli.stopping import cleaning, run
    from milvus_parity.cli.targets import chosen
    from milvus_parity.runtime.base import ResolveError
    from milvus_parity.runtime.container import ContainerRuntime
    from milvus_parity.runtime.containers.settings import settings_from

    packs = read_packs(runners)
    targets = chosen(packs, wanted, milvus_version)

    async def build() -> int:
        runtime = await ContainerRuntime.open("images", cache=cache_folder(), settings=settings_from(os.environ))
        failed = 0

        async def one(label: str, language: str, index: int) -> None:
            nonlocal failed
            try:
                await runtime.resolve(packs[language], targets[index], lambda line: click.echo(f"{label}: {line}"))
                click.echo(f"{label}: ready")
            except ResolveError as error:
                failed += 1
                click.echo(f"{label}: {error}", err=True)

        try:
            await asyncio.gather(*(one(target.label, target.language, at) for at, target in enumerate(targets)))
        finally:
            cleaning()
            await runtime.close()
        return failed

    return 3 if run(build()) else 0

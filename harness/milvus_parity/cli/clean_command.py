"""``milvus-parity clean``: remove what runs that were killed have left behind."""

import asyncio
import os
import shutil

import click

from milvus_parity.cli.options import cache_folder


@click.command("clean")
@click.option("--all", "everything", is_flag=True, help="What live runs own, too.")
@click.option("--milvus", metavar="ADDRESS", help="Databases of killed runs on this server, too.")
@click.option("--cache", "empty_cache", is_flag=True, help="The cache of SDKs, builds and servers, too.")
def command(everything: bool, milvus: str | None, empty_cache: bool) -> None:
    """Remove containers, networks, volumes, folders and databases that no live run owns."""
    from milvus_parity.cli.leftovers import sweep_folders
    from milvus_parity.runtime.containers.engine import EngineError, connect
    from milvus_parity.runtime.containers.sweep import sweep

    try:
        engine = connect(os.environ)
    except EngineError as error:
        click.echo(f"Containers: none looked for. {error.what}")
    else:
        with_engine = sweep(engine, everything=everything)
        engine.close()
        click.echo(f"Containers: {with_engine or 'nothing was left'}")
    click.echo(f"Folders: {sweep_folders(cache_folder()) or 'nothing was left'}")
    if milvus is not None:
        names = asyncio.run(_sweep_databases(milvus))
        click.echo(f"Databases on {milvus}: {', '.join(names) or 'nothing was left'}")
    if empty_cache:
        shutil.rmtree(cache_folder(), ignore_errors=True)
        click.echo(f"Removed {cache_folder()}")


async def _sweep_databases(address: str) -> list[str]:
    from milvus_parity.engine.databases import sweep
    from milvus_parity.servers.addresses import parse_address
    from milvus_parity.servers.external import ExternalServer
    from milvus_parity.servers.observer import Observer

    info = await ExternalServer(parse_address(address), environ=os.environ).start()
    async with Observer(info) as observer:
        return await sweep(observer)

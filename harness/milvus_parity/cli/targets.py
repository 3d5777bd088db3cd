"""From the words of ``--target`` to targets: registries are asked where a range or the newest release is wanted."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from milvus_parity.cli.options import cache_folder
from milvus_parity.model.target import Target
from milvus_parity.packs.discover import lists_needed, select_targets
from milvus_parity.packs.pack import Pack
from milvus_parity.packs.versions import Releases
from milvus_parity.runtime.base import Progress


async def choose(
    packs: Mapping[str, Pack], wanted: Sequence[str], server_version: str, cache: Path, progress: Progress
) -> tuple[list[Target], tuple[str, ...]]:
    """The targets, and sentences about registries that could not be asked."""
    releases: dict[str, Releases] = {}
    if needed := lists_needed(packs, wanted):
        from milvus_parity.runtime.registry import Registry

        releases = await Registry(cache, progress).releases(packs, needed)
    targets = select_targets(packs, wanted, server_version, releases)
    return targets, tuple(dict.fromkeys(one.note for one in releases.values() if one.note))


def chosen(packs: Mapping[str, Pack], wanted: Sequence[str], server_version: str) -> list[Target]:
    """The same for commands that run nothing; what people should know goes to standard error."""
    targets, notes = asyncio.run(
        choose(packs, wanted, server_version, cache_folder(), lambda line: click.echo(line, err=True))
    )
    for note in notes:
        click.echo(note, err=True)
    return targets

"""Options that several commands have."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from milvus_parity.model.scenario import Case
from milvus_parity.packs.pack import Pack

Strictness = Literal["must", "should"]
Command = TypeVar("Command", bound=Callable[..., Any])


def sources(command: Command) -> Command:
    """``--scenarios`` and ``--runners``: where scenarios and packs are."""
    for option in (
        click.option(
            "--runners",
            "runners",
            multiple=True,
            type=click.Path(file_okay=False, path_type=Path),
            help="A folder with more language packs. Repeatable.",
        ),
        click.option(
            "--scenarios",
            "scenarios",
            multiple=True,
            type=click.Path(file_okay=False, path_type=Path),
            help="A folder with topics of scenarios, instead of those that come with milvus-parity. Repeatable.",
        ),
    ):
        command = option(command)
    return command


def selection(command: Command) -> Command:
    """``--target`` and ``--scenario``: what is meant."""
    for option in (
        click.option(
            "--scenario",
            "patterns",
            multiple=True,
            metavar="PATTERN",
            help="A case's id, a glob over ids, a scenario's name or its file. Repeatable. Default: all.",
        ),
        click.option(
            "--target",
            "wanted",
            multiple=True,
            metavar="NAME[@VERSIONS]",
            help="A target (java-v1), a language (go), versions (javascript@2.3.5,2.4.9), a range of releases "
            "(python-orm@2.3.7..3.0.2), the newest (go-v1@latest), a build (java-v2@./sdk.jar). Repeatable. "
            "Default: all.",
        ),
    ):
        command = option(command)
    return command


def where_programs_run(command: Command) -> Command:
    """``--runtime``: in containers or as processes."""
    return click.option(
        "--runtime",
        type=click.Choice(["auto", "process", "container"]),
        default="auto",
        show_default=True,
        envvar="MILVUS_PARITY_RUNTIME",
        help="Where programs are compiled and run: in containers where an engine answers and has the images, or can "
        "get them (auto), else as processes of this machine.",
    )(command)


def cache_folder() -> Path:
    """Where SDKs, builds and servers are kept: ``MILVUS_PARITY_CACHE``, or the system's place for caches."""
    named = os.environ.get("MILVUS_PARITY_CACHE")
    if named:
        return Path(named).absolute()
    from platformdirs import user_cache_path

    return user_cache_path("milvus-parity")


def default_jobs() -> int:
    """Executions at once. Most of the time one waits for the server, but SDKs have short limits of their own."""
    return min(16, 4 * (os.cpu_count() or 1))


def read_packs(more: tuple[Path, ...]) -> dict[str, Pack]:
    """The packs that come with milvus-parity, and those of ``--runners``."""
    from milvus_parity.packs.discover import discover, packaged

    return discover([packaged("runners"), *more])


def read_cases(folders: tuple[Path, ...]) -> list[Case]:
    """The cases of the scenarios that come with milvus-parity, or of ``--scenarios``."""
    from milvus_parity.packs.discover import packaged
    from milvus_parity.scenarios.load import load_all

    return load_all(folders or (packaged("scenarios"),))


def read_shard(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[int, int] | None:
    """``3/8`` as (3, 8)."""
    if text is None:
        return None
    first, slash, second = text.partition("/")
    if not (slash and first.isdigit() and second.isdigit() and 1 <= int(first) <= int(second)):
        raise click.BadParameter(f"{text!r} is no part of a whole, such as 3/8")
    return int(first), int(second)

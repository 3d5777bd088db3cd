"""``milvus-parity report``: a stored run again."""

from datetime import date
from pathlib import Path

import click

from milvus_parity.cli.options import Strictness, read_packs

FORMATS = ["text", "json", "junit", "markdown", "html"]


@click.command("report")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--ledger", type=click.Path(dir_okay=False, path_type=Path), help="Known differences.")
@click.option(
    "--strict", type=click.Choice(["should", "must"]), default="should", show_default=True, help="What counts."
)
@click.option(
    "--runners",
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder with more language packs.",
)
def command(folder: Path, form: str, ledger: Path | None, strict: Strictness, runners: tuple[Path, ...]) -> int:
    """Report the run in the folder RUN, judged by today's ledger and rules. Needs no server and no toolchain."""
    from milvus_parity.cli.judging import find_ledger, judged, shown
    from milvus_parity.judge import exit_code

    record, verdict = judged(folder, read_packs(runners), find_ledger(ledger), date.today())
    click.echo(shown(record, verdict, form, strict))
    return int(exit_code(verdict, strict=strict, required=()))

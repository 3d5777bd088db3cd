"""``milvus-parity merge``: join the shards of a run."""

from datetime import date
from pathlib import Path

import click

from milvus_parity.cli.options import Strictness, read_packs
from milvus_parity.cli.report_command import FORMATS


@click.command("merge")
@click.argument("folders", metavar="SHARD...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder of the whole run."
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--ledger", type=click.Path(dir_okay=False, path_type=Path), help="Known differences.")
@click.option(
    "--strict", type=click.Choice(["should", "must"]), default="should", show_default=True, help="What counts."
)
def command(folders: tuple[Path, ...], out: Path, form: str, ledger: Path | None, strict: Strictness) -> int:
    """Join the runs in the folders SHARD..., and report the whole: the same verdicts as without shards."""
    from milvus_parity.cli.judging import find_ledger, judged, shown
    from milvus_parity.judge import exit_code
    from milvus_parity.store.merge import merge_runs

    merge_runs(folders, out, out.name)
    record, verdict = judged(out, read_packs(()), find_ledger(ledger), date.today())
    click.echo(shown(record, verdict, form, strict))
    return int(exit_code(verdict, strict=strict, required=()))

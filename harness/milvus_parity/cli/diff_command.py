"""``milvus-parity diff``: what changed between two runs, or between the versions of one."""

from pathlib import Path

import click

from milvus_parity.cli.options import read_packs


@click.command("diff")
@click.argument("before", metavar="RUN_A", type=click.Path(path_type=Path))
@click.argument("after", metavar="[RUN_B]", required=False, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option("--no-told", is_flag=True, help="Leave out what never counts: channel, calls, time.")
@click.option(
    "--runners",
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder with more language packs.",
)
def command(before: Path, after: Path | None, form: str, no_told: bool, runners: tuple[Path, ...]) -> int:
    """Say what changed from RUN_A to RUN_B; with one run, from each version of a target in it to the next.

    Exit status 1 when something that must match got worse, 3 when something that ran before could not run.
    """
    from milvus_parity.report.diff import render_diff
    from milvus_parity.store.diff import diff_exit_code, diff_runs, diff_versions, without_told
    from milvus_parity.store.reader import read_run

    packs = {language: pack.spec for language, pack in read_packs(runners).items()}
    first = read_run(before)
    found = diff_versions(first, packs) if after is None else diff_runs(first, read_run(after), packs)
    click.echo(render_diff(without_told(found) if no_told else found, form), nl=False)
    return int(diff_exit_code(found))

"""``milvus-parity known``: write, renew and remove entries of the ledger from a run."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from milvus_parity.cli.options import read_packs

if TYPE_CHECKING:
    from milvus_parity.judge.ledger_edit import Edit
    from milvus_parity.model.run import RunRecord
    from milvus_parity.model.verdict import RunVerdict

EMPTY = "schema: 1\ndifferences: []\n"


@click.group("known")
def command() -> None:
    """Write, renew and remove entries of the ledger of known differences; comments and order are kept."""


def _ledger_path(named: Path | None) -> Path:
    from milvus_parity.cli.judging import LEDGER
    from milvus_parity.packs.discover import packaged

    return named or packaged("scenarios") / LEDGER


def _judged(folder: Path, path: Path) -> "tuple[RunRecord, RunVerdict]":
    from milvus_parity.cli.judging import find_ledger, judged

    known = find_ledger(path) if path.is_file() else None
    return judged(folder, read_packs(()), known, date.today())


def _write(path: Path, edit: "Edit", dry: bool) -> None:
    for line in edit.done:
        click.echo(line)
    for line in edit.left:
        click.echo(f"By hand: {line}")
    if not edit.done and not edit.left:
        click.echo("There is nothing to change.")
    if dry:
        click.echo(edit.text, nl=False)
    elif edit.done:
        path.write_text(edit.text, encoding="utf-8", newline="")


@command.command("add")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--case", "cases", multiple=True, metavar="PATTERN", help="Only findings in these cases. Repeatable.")
@click.option("--target", "targets", multiple=True, metavar="NAME[@RANGE]", help="Only of these targets. Repeatable.")
@click.option("--facet", "facets", multiple=True, help="Only of these facets. Repeatable.")
@click.option(
    "--reason",
    required=True,
    type=click.Choice(["SDK bug", "by design", "server", "docs", "flaky"]),
    help="The class of the reason.",
)
@click.option("--why", required=True, help="The reason, in a sentence.")
@click.option("--link", help="Where it is told.")
@click.option("--review", type=click.DateTime(["%Y-%m-%d"]), help="When to look at it again.")
@click.option("--milvus", help="The range of server versions that it holds for.")
@click.option("--ledger", type=click.Path(dir_okay=False, path_type=Path), help="The ledger's file.")
@click.option("--dry-run", "dry", is_flag=True, help="Show the file instead of writing it.")
def add(
    folder: Path,
    cases: tuple[str, ...],
    targets: tuple[str, ...],
    facets: tuple[str, ...],
    reason: str,
    why: str,
    link: str | None,
    review: datetime | None,
    milvus: str | None,
    ledger: Path | None,
    dry: bool,
) -> None:
    """Pin what the run in the folder RUN found and the ledger does not have yet."""
    import msgspec

    from milvus_parity.judge.ledger import ReasonClass
    from milvus_parity.judge.ledger_edit import Choice, Explanation, add_entries
    from milvus_parity.judge.versions import target_pattern
    from milvus_parity.model.outcome import FACETS

    for facet in facets:
        if facet not in FACETS:
            raise click.BadParameter(f"there is no facet {facet!r}; known: {', '.join(FACETS)}", param_hint="--facet")
    path = _ledger_path(ledger)
    text = path.read_text(encoding="utf-8") if path.is_file() else EMPTY
    choice = Choice(
        cases=cases,
        targets=tuple(target_pattern(target) for target in targets),
        facets=tuple(facet for facet in FACETS if facet in facets),
    )
    explanation = Explanation(
        reason_class=msgspec.convert(reason, ReasonClass),
        why=why,
        link=link,
        review=review.date() if review else None,
        milvus=milvus,
    )
    record, verdict = _judged(folder, path)
    _write(path, add_entries(text, str(path), verdict, choice, explanation, record.header.cases), dry)


@command.command("update")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--renew", type=click.DateTime(["%Y-%m-%d"]), help="The new date for reviews that are overdue.")
@click.option("--ledger", type=click.Path(dir_okay=False, path_type=Path), help="The ledger's file.")
@click.option("--dry-run", "dry", is_flag=True, help="Show the file instead of writing it.")
def update(folder: Path, renew: datetime | None, ledger: Path | None, dry: bool) -> None:
    """Remove what no longer holds, pin changed values anew and, with --renew, move overdue dates."""
    from milvus_parity.judge.ledger_edit import update_entries

    path = _ledger_path(ledger)
    if not path.is_file():
        raise click.UsageError(f"There is no ledger at {path}.")
    text = path.read_text(encoding="utf-8")
    _write(path, update_entries(text, str(path), _judged(folder, path)[1], renew.date() if renew else None), dry)

"""``milvus-parity known``: list the ledger; write, renew and remove its entries from a run or a check of pages."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from milvus_parity.cli.options import read_packs

if TYPE_CHECKING:
    from milvus_parity.docs.finding import Report
    from milvus_parity.docs.known import Known
    from milvus_parity.judge.ledger_edit import Edit
    from milvus_parity.model.run import RunRecord
    from milvus_parity.model.verdict import RunVerdict

EMPTY = "schema: 1\ndifferences: []\n"


@click.group("known")
def command() -> None:
    """List the ledger of known differences and findings; write, renew and remove its entries.

    Comments and order are kept.
    """


def _ledger_path(named: Path | None) -> Path:
    from milvus_parity.cli.judging import LEDGER
    from milvus_parity.packs.discover import packaged

    return named or packaged("scenarios") / LEDGER


def _judged(folder: Path, path: Path) -> "tuple[RunRecord, RunVerdict]":
    from milvus_parity.cli.judging import find_ledger, judged

    known = find_ledger(path) if path.is_file() else None
    return judged(folder, read_packs(()), known, date.today())


def _report(path: Path) -> "Report":
    import msgspec

    from milvus_parity.docs.finding import Report
    from milvus_parity.model.errors import BadInputError

    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadInputError(
            f"This is neither the folder of a run nor a report of pages: {error}.",
            where=str(path),
            hint="A report is what `docs check --format json --out FILE` writes.",
        ) from error


def _known(path: Path, report: "Report") -> "Known":
    from milvus_parity.cli.judging import find_ledger
    from milvus_parity.docs.known import apply_known
    from milvus_parity.judge.ledger import Ledger

    ledger = (find_ledger(path) if path.is_file() else None) or Ledger()
    return apply_known(report, ledger, date.today())


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


@command.command("list")
@click.option("--overdue", is_flag=True, help="Only entries whose review date has passed.")
@click.option("--ledger", type=click.Path(dir_okay=False, path_type=Path), help="The ledger's file.")
def listing(overdue: bool, ledger: Path | None) -> None:
    """List all entries, a line each, with their places."""
    from milvus_parity.cli.judging import find_ledger
    from milvus_parity.docs.known_edit import finding_line
    from milvus_parity.judge.ledger_edit import difference_line

    path = _ledger_path(ledger)
    known = find_ledger(path) if ledger is not None or path.is_file() else None
    if known is None:
        raise click.UsageError(f"There is no ledger at {path}.")
    today = date.today()
    lines = [(one.location, one.review, difference_line(one)) for one in known.entries]
    lines += [(one.location, one.review, finding_line(one)) for one in known.findings]
    late = 0
    for where, review, line in lines:
        is_late = review is not None and review < today
        late += is_late
        if is_late or not overdue:
            click.echo(f"{where} {line}{' (overdue)' if is_late else ''}")
    click.echo(f"{len(known.entries)} differences, {len(known.findings)} findings, {late} overdue")


@command.command("add")
@click.argument("source", metavar="RUN|REPORT", type=click.Path(path_type=Path))
@click.option("--case", "cases", multiple=True, metavar="PATTERN", help="Only findings in these cases. Repeatable.")
@click.option("--target", "targets", multiple=True, metavar="NAME[@RANGE]", help="Only of these targets. Repeatable.")
@click.option("--facet", "facets", multiple=True, help="Only of these facets. Repeatable.")
@click.option("--page", "pages", multiple=True, metavar="PATTERN", help="Only findings on these pages. Repeatable.")
@click.option("--kind", "kinds", multiple=True, help="Only findings of these kinds. Repeatable.")
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
    source: Path,
    cases: tuple[str, ...],
    targets: tuple[str, ...],
    facets: tuple[str, ...],
    pages: tuple[str, ...],
    kinds: tuple[str, ...],
    reason: str,
    why: str,
    link: str | None,
    review: datetime | None,
    milvus: str | None,
    ledger: Path | None,
    dry: bool,
) -> None:
    """Pin what was found and the ledger does not have yet: by the run in the folder RUN, or on the pages of REPORT, the
    JSON of `docs check`."""
    import msgspec

    from milvus_parity.docs.known_edit import add_findings
    from milvus_parity.judge.ledger import ReasonClass
    from milvus_parity.judge.ledger_edit import Choice, Explanation, add_entries
    from milvus_parity.judge.versions import target_pattern
    from milvus_parity.model.outcome import FACETS

    if source.is_file() and (cases or targets or facets):
        raise click.UsageError("--case, --target and --facet choose among the findings of a run, not of pages.")
    if not source.is_file() and (pages or kinds):
        raise click.UsageError("--page and --kind choose among the findings on pages, not of a run.")
    for facet in facets:
        if facet not in FACETS:
            raise click.BadParameter(f"there is no facet {facet!r}; known: {', '.join(FACETS)}", param_hint="--facet")
    path = _ledger_path(ledger)
    text = path.read_text(encoding="utf-8") if path.is_file() else EMPTY
    explanation = Explanation(
        reason_class=msgspec.convert(reason, ReasonClass),
        why=why,
        link=link,
        review=review.date() if review else None,
        milvus=milvus,
    )
    if source.is_file():
        known = _known(path, _report(source))
        _write(path, add_findings(text, str(path), known.report, pages, kinds, explanation), dry)
        return
    choice = Choice(
        cases=cases,
        targets=tuple(target_pattern(target) for target in targets),
        facets=tuple(facet for facet in FACETS if facet in facets),
    )
    record, verdict = _judged(source, path)
    _write(path, add_entries(text, str(path), verdict, choice, explanation, record.header.cases), dry)


@command.command("update")
@click.argument("source", metavar="RUN|REPORT", type=click.Path(path_type=Path))
@click.option("--renew", type=click.DateTime(["%Y-%m-%d"]), help="The new date for reviews that are overdue.")
@click.option("--ledger", type=click.Path(dir_okay=False, path_type=Path), help="The ledger's file.")
@click.option("--dry-run", "dry", is_flag=True, help="Show the file instead of writing it.")
def update(source: Path, renew: datetime | None, ledger: Path | None, dry: bool) -> None:
    """Remove what no longer holds, pin changed values anew and, with --renew, move overdue dates."""
    from milvus_parity.docs.known_edit import update_findings
    from milvus_parity.judge.ledger_edit import update_entries

    path = _ledger_path(ledger)
    if not path.is_file():
        raise click.UsageError(f"There is no ledger at {path}.")
    text = path.read_text(encoding="utf-8")
    date_of = renew.date() if renew else None
    if source.is_file():
        _write(path, update_findings(text, str(path), _known(path, _report(source)), date_of), dry)
    else:
        _write(path, update_entries(text, str(path), _judged(source, path)[1], date_of), dry)

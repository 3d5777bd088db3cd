"""``milvus-parity docs``: check documentation pages by running them."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from milvus_parity.cli.options import cache_folder, read_packs, sources, where_programs_run
from milvus_parity.model.errors import BadInputError, ExitCode

if TYPE_CHECKING:
    from milvus_parity.docs.pages import ReadyPage


@click.group("docs")
def command() -> None:
    """Check documentation pages: compile and run their fences, compare their tabs, check their tables."""


def expand(paths: tuple[str, ...]) -> list[str]:
    """Pages and folders of pages as the pages they are, in order. Raises BadInputError for what is not there."""
    found: list[str] = []
    for path in paths:
        place = Path(path)
        if place.is_dir():
            found += [str(page) for page in sorted(place.rglob("*.md"))]
        elif place.exists():
            found.append(path)
        else:
            raise BadInputError("There is no such page.", where=path, hint="Give Markdown files, or folders of them.")
    if not found:
        raise BadInputError("There are no pages to check.", hint="Give Markdown files, or folders of them.")
    return list(dict.fromkeys(found))


@command.command("check")
@click.argument("pages", nargs=-1, required=True)
@click.option(
    "--target",
    "wanted",
    multiple=True,
    metavar="NAME[@VERSION]",
    help="Check only this target or language, or with this version. Repeatable. Default: those that pages mean.",
)
@click.option(
    "--docs-version",
    metavar="LINE",
    help="The line of Milvus that the pages are for, as in 2.2. Default: that of their path or branch (v2.2.x).",
)
@click.option("--changed-since", metavar="REV", help="Only pages that changed since this revision of their repository.")
@click.option(
    "--milvus",
    default="embedded",
    show_default=True,
    metavar="embedded|lite|container[:TAG]|ADDRESS",
    help="The server that fences are run against.",
)
@where_programs_run
@click.option("--no-run", is_flag=True, help="Parse and compile, run nothing.")
@click.option("--static", "only_static", is_flag=True, help="Neither compile nor run.")
@click.option("--trust", is_flag=True, help="Run the pages' code on this machine without asking.")
@click.option("--jobs", type=click.IntRange(1), default=8, show_default=True, help="Fences at once.")
@click.option("--timeout", type=click.FloatRange(0.1), default=60.0, show_default=True, help="Seconds for one fence.")
@click.option("--fix", is_flag=True, help="Offer a patch for what is proven wrong.")
@click.option("--write", is_flag=True, help="With --fix: apply the patch.")
@click.option("--ledger", type=click.Path(dir_okay=False, path_type=Path), help="Known findings.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to this file.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown", "junit", "github"]),
    default="text",
    show_default=True,
)
@click.option("--verbose", is_flag=True, help="Notes and the state of each fence, too.")
@sources
def check_command(
    pages: tuple[str, ...],
    wanted: tuple[str, ...],
    docs_version: str | None,
    changed_since: str | None,
    milvus: str,
    runtime: str,
    no_run: bool,
    only_static: bool,
    trust: bool,
    jobs: int,
    timeout: float,
    fix: bool,
    write: bool,
    ledger: Path | None,
    out: Path | None,
    form: str,
    verbose: bool,
    scenarios: tuple[Path, ...],
    runners: tuple[Path, ...],
) -> int:
    """Check pages. Exit status 1 when there is an error on them."""
    from datetime import date

    from milvus_parity.cli import stopping
    from milvus_parity.cli.docs_session import DocsWishes, check_pages, versions_of
    from milvus_parity.cli.judging import find_ledger
    from milvus_parity.docs.branches import line_of_branch
    from milvus_parity.docs.changed import changed_pages
    from milvus_parity.docs.dialect import read_dialects
    from milvus_parity.docs.finding import KINDS as FINDING_KINDS
    from milvus_parity.docs.known import apply_known
    from milvus_parity.docs.pages import read_page, version_of
    from milvus_parity.docs.report import render
    from milvus_parity.runtime.base import Runtime

    if write and not fix:
        raise BadInputError("--write applies a patch, and there is none without --fix.", hint="Give both.")
    entries = find_ledger(ledger, scenarios, FINDING_KINDS)
    packs = read_packs(runners)
    _, languages = versions_of(wanted, packs)
    dialects = read_dialects(packs)
    paths = expand(pages)
    if changed_since is not None:
        paths = changed_pages(paths, changed_since)
        if not paths:
            click.echo(f"No page changed since {changed_since}.", err=True)
            return int(ExitCode.OK)
    read = []
    for path in paths:
        line = docs_version or version_of(path) or line_of_branch(Path(path), os.environ, changed_since)
        read.append(read_page(path, dialects, line, languages))

    def allow(found: Runtime) -> None:
        if not trust and found.name != "container":
            _ask(read)

    wishes = DocsWishes(
        targets=wanted,
        milvus=milvus,
        run=not no_run and not only_static,
        compile=not only_static,
        jobs=jobs,
        timeout=timeout,
        cache=cache_folder(),
        runtime=runtime,
        fix=fix,
        write=write,
    )
    report, patch = stopping.run(
        check_pages(read, wishes, packs, dialects, lambda line: click.echo(f"  {line}", err=True), allow)
    )
    stale = False
    if entries is not None:
        known = apply_known(report, entries, date.today())
        report, stale = known.report, bool(known.stale)
    shown = render(report, form, verbose=verbose)
    if out is not None:
        out.write_text(shown, encoding="utf-8")
    else:
        click.echo(shown.rstrip("\n"))
    if patch:
        click.echo(patch, nl=False)
    if report.errors:
        return int(ExitCode.DIFFERENT)
    if stale:
        return int(ExitCode.STALE_LEDGER)
    nothing = not any(
        word in ("passed", "failed")
        for page in report.pages
        for fence in page.fences
        for level, word in fence.levels.items()
        if level != "parses"
    )
    return int(ExitCode.COULD_NOT_RUN if report.checked and nothing and not only_static else ExitCode.OK)


def _ask(pages: "list[ReadyPage]") -> None:
    """What runs is code of whoever wrote the pages: ask, or say how to allow it."""
    from milvus_parity.docs.fixtures import Fixture

    running = len([one for page in pages for one in page.ready.values() if isinstance(one.state, Fixture)])
    if not running:
        return
    text = f"{running} fences of {len(pages)} pages will be run as your user on this machine, without a container."
    if not sys.stdin.isatty():
        raise BadInputError(
            text, hint="Allow it with --trust, or look at the pages without running them: --no-run, --static."
        )
    click.echo(text, err=True)
    click.confirm("Run them?", abort=True, err=True)


@command.command("render")
@click.argument("scenario")
@click.option(
    "--target",
    "wanted",
    multiple=True,
    metavar="NAME[@VERSION]",
    help="A target for a tab. Repeatable. Default: the first of each language that suits the server.",
)
@click.option("--docs-version", default="2.3", show_default=True, help="The line of Milvus that the page is for.")
@sources
def render_command(
    scenario: str,
    wanted: tuple[str, ...],
    docs_version: str,
    scenarios: tuple[Path, ...],
    runners: tuple[Path, ...],
) -> None:
    """Write the block of a page for SCENARIO: tabs, fences, parameter tables."""
    from milvus_parity.cli.options import read_cases
    from milvus_parity.cli.targets import chosen
    from milvus_parity.docs.blocks import blocks
    from milvus_parity.docs.dialect import read_dialects
    from milvus_parity.docs.plan import available_targets
    from milvus_parity.engine.plan import select
    from milvus_parity.packs.render import Renderer

    packs = read_packs(runners)
    dialects = read_dialects(packs)
    case = select(read_cases(scenarios), (scenario,))[0]
    names = wanted or tuple(
        next(iter(available_targets(packs[language], docs_version))) for language in dialects if language in packs
    )
    targets = [one for one in chosen(packs, names, docs_version) if one.language in dialects]
    renderers = [Renderer(packs[target.language], target) for target in targets]
    click.echo(blocks(case, renderers, dialects), nl=False)


@command.command("coverage")
@click.argument("pages", nargs=-1, required=True)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@sources
def coverage_command(pages: tuple[str, ...], form: str, scenarios: tuple[Path, ...], runners: tuple[Path, ...]) -> None:
    """Say which fences are proven by which scenarios, and which operations no scenario covers."""
    import msgspec

    from milvus_parity.cli.options import read_cases
    from milvus_parity.docs import coverage
    from milvus_parity.docs.dialect import read_dialects
    from milvus_parity.docs.pages import read_page

    dialects = read_dialects(read_packs(runners))
    read = [read_page(path, dialects) for path in expand(pages)]
    found = coverage.coverage(read, read_cases(scenarios))
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        click.echo(coverage.text(found), nl=False)

"""``milvus-parity run``."""

from datetime import date
from pathlib import Path

import click

from milvus_parity.cli.options import (
    Strictness,
    cache_folder,
    default_jobs,
    read_cases,
    read_packs,
    read_shard,
    selection,
    sources,
    where_programs_run,
)


@click.command("run")
@selection
@click.option(
    "--milvus",
    default="embedded",
    show_default=True,
    metavar="embedded|lite|container[:TAG]|ADDRESS",
    help="The server. Credentials of an ADDRESS come from MILVUS_PARITY_USER, MILVUS_PARITY_PASSWORD or "
    "MILVUS_PARITY_TOKEN, an authority for TLS from MILVUS_PARITY_TLS_CA.",
)
@where_programs_run
@click.option("--shard", callback=read_shard, metavar="N/COUNT", help="Run only the Nth of COUNT parts of the cases.")
@click.option(
    "--durations",
    type=click.Path(path_type=Path),
    help="A run by whose durations shards are made even; the same for all shards.",
)
@click.option(
    "--jobs", type=click.IntRange(1), help="Executions at once. Default: four for each processor, 16 at most."
)
@click.option(
    "--timeout", type=click.FloatRange(0.1), default=60.0, show_default=True, help="Seconds for one execution."
)
@click.option("--fail-fast", is_flag=True, help="Stop at the first difference or failure.")
@click.option("--require", multiple=True, metavar="TARGET", help="A target that must be available. Repeatable.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="The run's folder.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "junit", "markdown", "html"]),
    default="text",
    show_default=True,
)
@click.option(
    "--strict", type=click.Choice(["should", "must"]), default="should", show_default=True, help="What counts."
)
@click.option("--ledger", type=click.Path(dir_okay=False, path_type=Path), help="Known differences.")
@click.option("--no-record", is_flag=True, help="Do not record what goes over the wire.")
@sources
def command(
    wanted: tuple[str, ...],
    patterns: tuple[str, ...],
    milvus: str,
    runtime: str,
    shard: tuple[int, int] | None,
    durations: Path | None,
    jobs: int | None,
    timeout: float,
    fail_fast: bool,
    require: tuple[str, ...],
    out: Path | None,
    form: str,
    strict: Strictness,
    ledger: Path | None,
    no_record: bool,
    scenarios: tuple[Path, ...],
    runners: tuple[Path, ...],
) -> int:
    """Run the scenarios through all SDKs that can run here, and compare."""

    from milvus_parity.cli import stopping
    from milvus_parity.cli.first_difference import FirstDifference, never
    from milvus_parity.cli.judging import find_ledger, judged, shown
    from milvus_parity.cli.progress import progress_for_terminal
    from milvus_parity.cli.session import Wishes, run_session
    from milvus_parity.engine.plan import select
    from milvus_parity.engine.shards import cases_of_shard, measured
    from milvus_parity.model.events import Event
    from milvus_parity.model.run import Shard

    packs = read_packs(runners)
    everything = read_cases(scenarios)
    cases = select(everything, patterns)
    part = None
    if shard is not None:
        part = Shard(index=shard[0], count=shard[1], cases=tuple(case.id for case in cases))
        cases = cases_of_shard(cases, shard[0], shard[1], measured(durations) if durations else {})
    wishes = Wishes(
        targets=wanted,
        require=require,
        milvus=milvus,
        runtime=runtime,
        shard=part,
        known_cases=tuple(case.id for case in everything),
        jobs=jobs or default_jobs(),
        timeout=timeout,
        record=not no_record,
        out=out,
        cache=cache_folder(),
        options={"target": wanted, "scenario": patterns, "milvus": milvus, "timeout": timeout},
    )
    known = find_ledger(ledger, scenarios)
    progress = progress_for_terminal()
    first = FirstDifference({language: pack.spec for language, pack in packs.items()}, known, strict)

    def tell(event: Event) -> None:
        first.take(event)
        progress(event)

    stop_after = first if fail_fast else never
    try:
        session = stopping.run(run_session(wishes, packs, cases, tell, stop_after=stop_after))
    finally:
        progress.close()
    record, verdict = judged(session.folder, packs, known, date.today())
    click.echo(shown(record, verdict, form, strict, require))
    click.echo(f"\nThe run is kept in {session.folder}", err=True)
    from milvus_parity.judge import exit_code

    return int(exit_code(verdict, strict=strict, required=require))

"""``milvus-parity list``: scenarios, cases, targets, and what is available here."""

from pathlib import Path

import click

from milvus_parity.cli.options import cache_folder, read_cases, read_packs, selection, sources


@click.command("list")
@selection
@click.option("--milvus-version", default="2.3.5", show_default=True, help="The server that SDK versions shall suit.")
@sources
def command(
    wanted: tuple[str, ...],
    patterns: tuple[str, ...],
    milvus_version: str,
    scenarios: tuple[Path, ...],
    runners: tuple[Path, ...],
) -> None:
    """List the cases and the targets, and say which targets are available here."""
    import asyncio

    from milvus_parity.cli.session import available
    from milvus_parity.cli.targets import chosen
    from milvus_parity.engine.plan import select
    from milvus_parity.runtime.process import ProcessRuntime

    packs = read_packs(runners)
    cases = select(read_cases(scenarios), patterns)
    targets = chosen(packs, wanted, milvus_version)
    _, unusable = asyncio.run(available(ProcessRuntime(cache_folder()), packs, targets))
    lacking = {one.name: one.missing for one in unusable}
    click.echo(f"Targets ({len(targets)}), for Milvus {milvus_version}:")
    wide = max(len(target.label) for target in targets)
    for target in targets:
        missing = lacking.get(target.label)
        state = f"not available here: {missing.what}" if missing else "available"
        click.echo(f"  {target.label:<{wide}}  {target.title}; {state}")
    scenario = None
    click.echo(f"\nCases ({len(cases)}):")
    for case in cases:
        if case.scenario != scenario:
            scenario = case.scenario
            click.echo(f"  {scenario}: {case.title}")
        if case.id != case.scenario:
            click.echo(f"    {case.id[len(case.scenario) :]}")

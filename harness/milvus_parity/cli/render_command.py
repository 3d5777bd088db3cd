"""``milvus-parity render``: a scenario's snippets or programs."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from milvus_parity.cli.options import read_cases, read_packs, selection, sources
from milvus_parity.model.scenario import Case, SdkStep

if TYPE_CHECKING:
    from milvus_parity.packs.render import Renderer


@click.command("render")
@selection
@click.option("--program", "whole", is_flag=True, help="The whole programs, not only the snippets.")
@click.option("--milvus-version", default="2.3.5", show_default=True, help="The server that SDK versions shall suit.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="A folder to write to.")
@sources
def command(
    wanted: tuple[str, ...],
    patterns: tuple[str, ...],
    whole: bool,
    milvus_version: str,
    out: Path | None,
    scenarios: tuple[Path, ...],
    runners: tuple[Path, ...],
) -> None:
    """Show what the SDKs are given: byte for byte what runs."""
    from milvus_parity.cli.targets import chosen
    from milvus_parity.engine.plan import select
    from milvus_parity.packs.render import Renderer

    packs = read_packs(runners)
    cases = select(read_cases(scenarios), patterns)
    for target in chosen(packs, wanted, milvus_version):
        pack = packs[target.language]
        renderer = Renderer(pack, target)
        for number, case in enumerate(cases, 1):
            shown = _program(renderer, case, number) if whole else _snippets(renderer, case)
            if out is None:
                click.echo(f"--- {target.label}  {case.id}\n{shown}")
            else:
                place = out / target.label / f"{case.id}.{pack.spec.extension}"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(shown, encoding="utf-8", newline="")
    if out is not None:
        click.echo(f"Written to {out}", err=True)


def _program(renderer: "Renderer", case: Case, number: int) -> str:
    files = renderer.program(case, number).files
    return "\n".join(files.values())


def _snippets(renderer: "Renderer", case: Case) -> str:
    parts = []
    for step in case.steps:
        if isinstance(step, SdkStep):
            snippet = renderer.snippet(step)
            refused = f"(not supported by this SDK: {snippet.unsupported})\n"
            parts.append(snippet.text if snippet.unsupported is None else refused)
    return "\n".join(parts)

"""``milvus-parity bisect``: in which release did a case change?"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from milvus_parity.cli.options import cache_folder, read_cases, read_packs, sources, where_programs_run
from milvus_parity.model.outcome import Facet

if TYPE_CHECKING:
    from milvus_parity.cli.probe import Prober
    from milvus_parity.engine.bisect import Found, Place, Seen
    from milvus_parity.model.scenario import Case
    from milvus_parity.packs.pack import Pack
    from milvus_parity.store.outcomes import KeptOutcome


@click.command("bisect")
@click.argument("target")
@click.option("--case", "case_id", required=True, metavar="ID", help="The case that changed.")
@click.option("--good", required=True, metavar="VERSION", help="A release in which it was as it should be.")
@click.option("--bad", required=True, metavar="VERSION", help="A release in which it was not.")
@click.option(
    "--facet",
    "facets",
    multiple=True,
    type=click.Choice(get_args(Facet)),
    help="What has to have changed. Repeatable. Default: the heaviest in which the two releases differ.",
)
@click.option("--milvus", default="embedded", show_default=True, metavar="embedded|lite|container[:TAG]|ADDRESS")
@where_programs_run
@click.option("--timeout", type=click.FloatRange(0.1), default=60.0, show_default=True, help="Seconds for a release.")
@sources
def command(
    target: str,
    case_id: str,
    good: str,
    bad: str,
    facets: tuple[Facet, ...],
    milvus: str,
    runtime: str,
    timeout: float,
    scenarios: tuple[Path, ...],
    runners: tuple[Path, ...],
) -> int:
    """Find the release of TARGET in which a case changed, by halving what was released between two.

    What a program did with a release of the SDK and a version of the server is kept: the same again costs nothing.
    Exit status 0 when the release was found, 3 when that could not be tried.
    """
    from milvus_parity.cli.probe import Prober, run_with

    packs = read_packs(runners)
    pack = _pack(packs, target)
    case = _case(read_cases(scenarios), case_id)
    prober = Prober(
        pack,
        target,
        case,
        milvus=milvus,
        runtime=runtime,
        timeout=timeout,
        cache=cache_folder(),
        tell=lambda line: click.echo(line, err=True),
    )

    async def work(prober: "Prober") -> list[str]:
        return [line async for line in _search(prober, packs, good, bad, facets)]

    for line in run_with(prober, work):
        click.echo(line)
    return 0


def _pack(packs: "Mapping[str, Pack]", target: str) -> "Pack":
    from milvus_parity.model.errors import BadInputError
    from milvus_parity.packs.discover import all_target_names, members

    name = target.partition("@")[0]
    found = members(packs, name)
    if found != [target]:
        raise BadInputError(
            f"{target!r} is not one target.", hint=f"Choose one of {', '.join(found)}; versions are --good and --bad."
        )
    return all_target_names(packs)[target]


def _case(cases: "Sequence[Case]", case_id: str) -> "Case":
    from milvus_parity.engine.plan import select
    from milvus_parity.model.errors import BadInputError

    found = select(cases, [case_id])
    if len(found) != 1:
        raise BadInputError(
            f"{case_id!r} means {len(found)} cases; bisect follows one.",
            hint="Such as " + ", ".join(repr(case.id) for case in found[:3]) + ".",
        )
    return found[0]


async def _search(
    prober: "Prober", packs: "Mapping[str, Pack]", good: str, bad: str, facets: "Sequence[Facet]"
) -> AsyncIterator[str]:
    from milvus_parity.engine.bisect import Answer, as_good, found, next_release, places_that_differ, road, seen
    from milvus_parity.judge.normalise import normalise
    from milvus_parity.model.errors import NotAvailableError
    from milvus_parity.model.run import PackRules
    from milvus_parity.runtime.registry import Registry

    releases = (await Registry(prober.cache, prober.tell).releases(packs, [prober.name]))[prober.name]
    if releases.note:
        prober.tell(releases.note)
    way = road(releases.versions, good, bad)
    rules = PackRules.of(prober.pack.spec)
    outcomes: dict[str, Mapping[Place, Seen]] = {}
    kept: dict[str, KeptOutcome] = {}
    skipped: dict[str, str] = {}

    async def look(versions: Sequence[str]) -> None:
        for version, one in (await prober.ask(versions)).items():
            kept[version] = one
            outcome = normalise(one.trace, prober.case, rules, one.wire)
            if outcome.could_not_run is not None:
                skipped[version] = outcome.could_not_run
            else:
                outcomes[version] = seen(outcome)

    await look([good, bad])
    for end in (good, bad):
        if end in skipped:
            raise NotAvailableError(f"{prober.name}@{end} could not run: {skipped[end]}")
    places = places_that_differ(outcomes[good], outcomes[bad], facets)
    if not places:
        which = f" in {', '.join(facets)}" if facets else ""
        raise NotAvailableError(f"{prober.case.id} comes to the same{which} with {prober.name} {good} and {bad}.")
    answers: dict[str, Answer] = {}
    while (version := next_release(way, answers)) is not None:
        await look([version])
        if version in skipped:
            answers[version] = "skipped"
        else:
            answers[version] = "good" if as_good(outcomes[good], outcomes[version], places) else "other"
        prober.tell(f"{prober.name}@{version}: {answers[version]}")
    for line in _report(prober, found(way, answers), places, outcomes, kept, skipped):
        yield line
    prober.tell(f"{len(kept)} of {len(way)} releases were looked at, {len(prober.ran)} of them had to be run.")
    first = found(way, answers).first
    if not as_good(outcomes[bad], outcomes[first], places):
        yield f"It is not yet what {bad} does: bisect again from {first}."


def _report(
    prober: "Prober",
    end: "Found",
    places: "Sequence[Place]",
    outcomes: "Mapping[str, Mapping[Place, Seen]]",
    kept: "Mapping[str, KeptOutcome]",
    skipped: Mapping[str, str],
) -> Iterator[str]:
    from milvus_parity.engine.bisect import as_good, text_at
    from milvus_parity.packs.versions import sort_versions
    from milvus_parity.report.clean import clean

    back = ", going back," if sort_versions([end.last, end.first])[0] == end.first else ""
    yield f"{prober.name} {end.first} is the first release{back} in which {prober.case.id} is not as in {end.last}."
    if end.between:
        yield f"It may have been sooner: {', '.join(end.between)} could not be tried."
    changed = [place for place in places if not as_good(outcomes[end.last], outcomes[end.first], [place])]
    for place in changed:
        yield ""
        yield f"step {place[0]}, {place[1]}"
        yield from _values({version: text_at(outcomes[version], place) for version in (end.last, end.first)})
    step = changed[0][0]
    snippets = {version: _snippet(kept[version], step) for version in (end.last, end.first)}
    same = len(set(snippets.values())) == 1
    for version, text in list(snippets.items())[: 1 if same else 2]:
        yield ""
        yield "ran in both:" if same else f"ran in {version}:"
        yield from (f"  {line}" for line in clean(text).splitlines())
    if skipped:
        yield ""
    for version, why in skipped.items():
        yield f"skipped {version}: {clean(why).splitlines()[0]}"


def _values(texts: Mapping[str, str]) -> Iterator[str]:
    from milvus_parity.report.clean import clean

    wide = max(len(version) for version in texts)
    for version, text in texts.items():
        lines = clean(text).splitlines() or [""]
        yield f"  {version:<{wide}}  {lines[0]}"
        yield from (f"  {'':<{wide}}  {line}" for line in lines[1:])


def _snippet(kept: "KeptOutcome", step: int) -> str:
    if kept.program is None:
        return ""
    found = next((one for one in kept.program.steps if one.step == step), None)
    if found is None:
        return ""
    return f"(not supported by this SDK: {found.unsupported})" if found.unsupported else found.text

"""Which target each fence is checked with. Pure."""

from collections.abc import Mapping, Sequence

from milvus_parity.docs.dialect import Dialect
from milvus_parity.docs.pages import Ready, ReadyPage
from milvus_parity.model.scenario import Frozen
from milvus_parity.model.target import Target
from milvus_parity.packs.discover import target_of, version_for
from milvus_parity.packs.pack import Pack


class Member(Frozen, frozen=True, kw_only=True):
    """A fence in the lane of its target."""

    page: ReadyPage
    ready: Ready
    target: Target

    @property
    def place(self) -> tuple[str, int]:
        """The page's path and the fence's index."""
        return self.page.page.path, self.ready.code.fence.index


class Planned(Frozen, frozen=True, kw_only=True):
    """``lanes``: target's label -> its fences. ``unavailable``: label -> why, and how to get it."""

    lanes: Mapping[str, tuple[Member, ...]]
    target_of: Mapping[tuple[str, int], str]
    unavailable: Mapping[str, str] = {}
    doubts: Mapping[str, str] = {}
    """Page -> why a failure on this server may not be the page's."""
    strange: Mapping[tuple[str, str], str] = {}
    """Page and language -> why what its SDK says may not be the page's: there is none of the page's line."""


def plan(
    pages: Sequence[ReadyPage],
    packs: Mapping[str, Pack],
    dialects: Mapping[str, Dialect],
    *,
    server_version: str,
    versions: Mapping[str, str],
) -> Planned:
    """Choose targets. ``versions``: target or language -> the version that the command line asks for."""
    lanes: dict[str, list[Member]] = {}
    chosen: dict[tuple[str, int], str] = {}
    doubts = {}
    strange = {}
    for page in pages:
        line = page.docs_version or server_version
        if page.docs_version and _line(page.docs_version) > _line(server_version):
            doubts[page.page.path] = f"the page is for Milvus {page.docs_version}, the server is {server_version}"
        for language, dialect in dialects.items():
            members = [one for one in page.ready.values() if one.code.fence.language == language]
            if not members:
                continue
            pack = packs[language]
            text = "\n".join(one.code.plain for one in members)
            available = available_targets(pack, line)
            for one in members:
                name = dialect.target_for(text, available, "\n".join(code.plain for code in one.chain[::-1]))
                asked = versions.get(name) or versions.get(language)
                target = target_of(pack, name, asked or version_for(pack.spec.targets[name].versions, line))
                if page.docs_version and not asked and _line(target.version) > _line(page.docs_version):
                    strange[(page.page.path, language)] = (
                        f"the page is for Milvus {page.docs_version}; the oldest SDK known here is {target.label}"
                    )
                member = Member(page=page, ready=one, target=target)
                lanes.setdefault(target.label, []).append(member)
                chosen[member.place] = target.label
    return Planned(
        lanes={label: tuple(members) for label, members in lanes.items()},
        target_of=chosen,
        doubts=doubts,
        strange=strange,
    )


def available_targets(pack: Pack, line: str) -> dict[str, str]:
    """The targets that had a release for this line of Milvus; those with the oldest release when none had."""
    oldest = {name: min(map(_line, spec.versions)) for name, spec in pack.spec.targets.items() if spec.versions}
    found = [name for name, first in oldest.items() if first <= _line(line)]
    found = found or [name for name, first in oldest.items() if first == min(oldest.values())]
    return {name: name for name in found or pack.spec.targets}


def _line(version: str) -> tuple[int, ...]:
    numbers = []
    for part in version.removeprefix("v").split(".")[:2]:
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)

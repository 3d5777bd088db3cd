"""Which versions of a target are meant: ``2.3.5,2.4.1``, ``2.3.7..3.0.2``, ``>=2.3,<2.5``, ``latest``, ``./sdk.whl``.

Pure: what is published comes from `milvus_parity.runtime.registry`, builds of one's own are looked at by `builds`.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from milvus_parity.model.errors import BadInputError
from milvus_parity.model.scenario import Frozen

LATEST = "latest"

_OPERATOR = re.compile(r"\s*(===|==|!=|~=|<=|>=|<|>)")
_BUILD = re.compile(r"(^[.~]{0,2}[/\\])|[/\\]|\.(whl|jar|tgz|gz|zip|nupkg)$", re.IGNORECASE)
"""A wish that looks like a path: no version has a slash or such an ending."""


class VersionWish(Frozen, frozen=True, kw_only=True):
    """One wish for versions of a target.

    ``suiting``: the one that suits the server. ``exact``: ``text`` is the version. ``range``: ``text`` is
    ``FROM..TO`` (both included, either may be left out) or a specifier. ``latest``: the newest release. ``build``:
    ``text`` is the path of a build of one's own, ``version`` what to call it where the path does not say.
    """

    kind: Literal["suiting", "exact", "range", "latest", "build"]
    text: str = ""
    version: str | None = None

    @property
    def needs_list(self) -> bool:
        """Whether one must know what is published to say what is meant."""
        return self.kind in ("range", "latest")


class TargetWish(Frozen, frozen=True, kw_only=True):
    """A target or language as people name it, and the versions of it that they want."""

    name: str
    versions: tuple[VersionWish, ...]


class Releases(Frozen, frozen=True, kw_only=True):
    """The releases of a target that are known, oldest first.

    ``asked``: whether the registry itself said so. ``note`` is a sentence where the list may not be whole.
    """

    versions: tuple[str, ...] = ()
    asked: bool = False
    note: str | None = None


def parse_target(text: str) -> TargetWish:
    """Read ``NAME[@WISH,WISH...]``. Raises BadInputError for a wish that cannot be meant."""
    name, at, versions = text.strip().partition("@")
    if at and not versions.strip():
        raise BadInputError(f"{text!r} names no version after the @.", hint="Such as javascript@2.3.5,2.4.9.")
    wishes = tuple(_wish(part, text) for part in _parts(versions)) if at else (VersionWish(kind="suiting"),)
    return TargetWish(name=name.strip(), versions=wishes)


def _parts(text: str) -> list[str]:
    """Split at commas; those within a range such as ``>=2.3,<2.5`` stay."""
    parts: list[str] = []
    for part in text.split(","):
        if parts and _OPERATOR.match(part) and _OPERATOR.match(parts[-1]):
            parts[-1] += "," + part.strip()
        else:
            parts.append(part.strip())
    return parts


def _wish(part: str, whole: str) -> VersionWish:
    if not part:
        raise BadInputError(f"{whole!r} has a comma with no version beside it.")
    version, equals, path = part.partition("=")
    if equals and version and not _OPERATOR.match(part) and _BUILD.search(path):
        if parsed(version) is None:
            raise BadInputError(
                f"{version!r} in {whole!r} is no version to call a build by.", hint="Such as 2.7.0=./my-sdk."
            )
        return VersionWish(kind="build", text=path, version=version)
    if part == LATEST:
        return VersionWish(kind="latest")
    if _OPERATOR.match(part):
        _specifier(part, whole)
        return VersionWish(kind="range", text=part)
    if part in (".", "..") or _BUILD.search(part):
        return VersionWish(kind="build", text=part)
    if ".." in part:
        first, _, last = part.partition("..")
        for end in (first, last):
            if end and parsed(end) is None:
                raise BadInputError(f"{end!r} in {whole!r} is no version.", hint="A range is such as 2.3.7..2.4.8.")
        low, high = parsed(first), parsed(last)
        if low is not None and high is not None and high < low:
            raise BadInputError(f"The range {part!r} begins after it ends.", hint=f"Did you mean {last}..{first}?")
        return VersionWish(kind="range", text=part)
    return VersionWish(kind="exact", text=part)


def pick(wish: VersionWish, releases: Sequence[str]) -> tuple[str, ...]:
    """The releases that a wish for a range or the newest means, oldest first; empty when there is none.

    A prerelease is only taken when an end of the range is one. The newest is a prerelease only where all are.
    """
    known = sort_versions(release for release in releases if parsed(release) is not None)
    final = [release for release in known if not _is_pre(release)]
    if wish.kind == "latest":
        return tuple((final or known)[-1:])
    if ".." in wish.text:
        first, _, last = wish.text.partition("..")
        low, high = parsed(first), parsed(last)
        named = any(end is not None and end.is_prerelease for end in (low, high))
        return tuple(
            release
            for release in (known if named else final)
            if (low is None or low <= _sure(release)) and (high is None or _sure(release) <= high)
        )
    specifier = _specifier(wish.text, wish.text)
    # A specifier such as ``<2.3.0b2`` takes prereleases by itself, and none where none is named.
    named = any(parsed(one.version) is not None and _sure(one.version).is_prerelease for one in specifier)
    return tuple(release for release in known if specifier.contains(_sure(release), prereleases=named))


def merged(*lists: Iterable[str]) -> tuple[str, ...]:
    """All versions of several lists, each once, oldest first. ``v2.3.5`` and ``2.3.5`` are the same."""
    found: dict[object, str] = {}
    for version in (version for versions in lists for version in versions):
        found.setdefault(parsed(version) or version, version)
    return tuple(sort_versions(found.values()))


def sort_versions(versions: Iterable[str]) -> list[str]:
    """Oldest first; what is no version comes first, by its letters."""
    return sorted(versions, key=lambda text: (parsed(text) is not None, parsed(text) or Version("0"), text))


def parsed(text: str) -> Version | None:
    """The version that a text is; None for one that is none. Reads what Maven, npm and NuGet write, too."""
    try:
        return Version(text)
    except InvalidVersion:
        pass
    # 2.3.0-preview.1-hotfix, 2.6.0-SNAPSHOT: to be ordered before the release, by their numbers.
    found = re.match(r"v?(\d+(?:\.\d+)*)-([A-Za-z][\w.-]*)(?:\+[\w.]+)?$", text)
    if found is None:
        return None
    digits = re.search(r"\d+", found[2])
    return Version(f"{found[1]}.dev{digits[0] if digits else 0}")


def _sure(text: str) -> Version:
    version = parsed(text)
    assert version is not None
    return version


def _is_pre(text: str) -> bool:
    return _sure(text).is_prerelease


def _specifier(text: str, whole: str) -> SpecifierSet:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier as error:
        raise BadInputError(f"{text!r} in {whole!r} is no range of versions.", hint="Such as >=2.3,<2.5.") from error

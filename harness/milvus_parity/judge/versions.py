"""Patterns for targets and their versions: ``go-v1``, ``python-*@2.3.7..3.0.2``, ``java-v1@>=2.3,<2.5``."""

import re
from collections.abc import Sequence
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from milvus_parity.model.scenario import Frozen


class TargetPattern(Frozen, frozen=True, kw_only=True):
    """``name`` may have ``*``; ``versions`` is empty for all, a version, ``FROM..TO`` (both included, either may be
    left out) or a range such as ``>=2.3,<2.5``.
    """

    name: str
    versions: str = ""

    def matches(self, label: str) -> bool:
        """Whether a target's label (``java-v1@2.3.10``) is meant."""
        name, _, version = label.partition("@")
        return bool(glob(self.name).fullmatch(name)) and (not self.versions or within(version, self.versions))

    def __str__(self) -> str:
        return f"{self.name}@{self.versions}" if self.versions else self.name


def target_pattern(text: str) -> TargetPattern:
    """Parse a pattern. Raises ValueError with a sentence."""
    name, at, versions = text.strip().partition("@")
    if not name or (at and not versions.strip()):
        raise ValueError(f"{text!r} is no target, such as java-v1 or java-v1@2.3.7..2.4.8.")
    versions = versions.strip()
    if versions:
        check_range(versions)
    return TargetPattern(name=name, versions=versions)


def check_range(versions: str) -> None:
    """Raise ValueError with a sentence when this is neither a version nor a range of them."""
    if ".." in versions:
        ends = [end for end in versions.split("..") if end]
        if not ends or len(versions.split("..")) != 2 or any(_version(end) is None for end in ends):
            raise ValueError(f"{versions!r} is no range of versions, such as 2.3.7..2.4.8.")
    elif _specifier(versions) is None and _version(versions) is None:
        raise ValueError(f"{versions!r} is no version and no range, such as 2.3.7, 2.3.7..2.4.8 or >=2.3,<2.5.")


def within(version: str, versions: str) -> bool:
    """Whether a version is the one, or in the range. A version that is no version is only equal to itself."""
    if version == versions:
        return True
    parsed = _version(version)
    if parsed is None:
        return False
    if ".." in versions:
        first, _, last = versions.partition("..")
        low, high = _version(first), _version(last)
        return (low is None or low <= parsed) and (high is None or parsed <= high)
    specifier = _specifier(versions)
    if specifier is not None:
        return specifier.contains(parsed, prereleases=True)
    return parsed == _version(versions)


@lru_cache(maxsize=4096)
def glob(pattern: str) -> re.Pattern[str]:
    """A pattern in which only ``*`` and ``?`` are special: the ids of cases have brackets of their own."""
    words = {"*": ".*", "?": "."}
    return re.compile("".join(words.get(char) or re.escape(char) for char in pattern), re.DOTALL)


def any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    """Matches what one of the patterns matches."""
    return re.compile("|".join(f"(?:{glob(one).pattern})" for one in patterns), re.DOTALL)


@lru_cache(maxsize=4096)
def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


@lru_cache(maxsize=1024)
def _specifier(text: str) -> SpecifierSet | None:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None

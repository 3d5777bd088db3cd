"""``runners/<language>/fence.toml``: how fences of documentation pages in one language are read and framed."""

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from milvus_parity.model.errors import BadInputError
from milvus_parity.model.target import PackPart
from milvus_parity.packs.pack import Pack

SCHEMA = 1
"""The newest version of ``fence.toml`` that is understood."""


class TargetMark(PackPart, frozen=True, kw_only=True):
    """A target, and what shows that a page means it; without a pattern it is meant when no other is.

    ``fence``: what shows that a fence by itself means it, whatever the rest of its page does.
    """

    name: str
    pattern: str = ""
    fence: str = ""


class Rewrite(PackPart, frozen=True, kw_only=True):
    """A connection that pages write, and the same to the server and database under test. Neither spans lines."""

    pattern: str
    replacement: str


class OperationMark(PackPart, frozen=True, kw_only=True):
    """An operation, and the calls that are it."""

    name: str
    pattern: str


class CallMarks(PackPart, frozen=True, kw_only=True):
    """Calls of the SDK (first group: the method), and those whose presuppositions are known."""

    pattern: str
    known: tuple[str, ...] = ()


class NameMarks(PackPart, frozen=True, kw_only=True):
    """Where names of collections, partitions, aliases, databases and vector fields stand; the string literals in the
    first group."""

    collections: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    vectors: tuple[str, ...] = ()


class FieldMark(PackPart, frozen=True, kw_only=True):
    """A field of a schema: ``pattern`` is all of its text, the others are looked for in it (first group that fits)."""

    pattern: str
    name: str
    type: str
    dimension: str = ""
    length: str = ""
    primary: str
    auto_id: str = ""


class Change(PackPart, frozen=True, kw_only=True):
    """A call that came with a release (``since``); for a renamed one, ``now`` is the name since then."""

    name: str
    since: str
    now: str = ""


class ParameterMark(PackPart, frozen=True, kw_only=True):
    """What an argument of an operation is called in a snippet that has ``pattern``; the first that fits."""

    argument: str
    name: str
    pattern: str = ""


class DialectSpec(PackPart, frozen=True, kw_only=True):
    """The file. What each key means stands in runners/README.md."""

    schema: int
    comment: str
    stepwise: bool = False
    named_arguments: bool = False
    statement_end: str = ""
    clients: tuple[str, ...]
    hoist: str = ""
    hoist_item: str = ""
    remove: str = ""
    members: str = ""
    declares: tuple[str, ...] = ()
    undefined: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    frame: tuple[str, ...] = ()
    assigned: str = ""
    awaited: str = ""
    packages: Mapping[str, str] = {}
    lent: Mapping[str, str] = {}
    api: str = ""
    targets: tuple[TargetMark, ...]
    rewrite: tuple[Rewrite, ...] = ()
    operations: tuple[OperationMark, ...] = ()
    calls: CallMarks
    names: NameMarks = NameMarks()
    renamed: tuple[Change, ...] = ()
    added: tuple[Change, ...] = ()
    label: str = ""
    parameters: tuple[ParameterMark, ...] = ()
    fields: tuple[FieldMark, ...] = ()


class Dialect:
    """A language's fences, with all patterns ready."""

    def __init__(self, pack: Pack, spec: DialectSpec) -> None:
        self.pack = pack
        self.spec = spec
        self.language = pack.language
        self.operations = [(mark.name, re.compile(mark.pattern)) for mark in spec.operations]
        self.calls = re.compile(spec.calls.pattern)
        self.declares = [re.compile(one, re.MULTILINE) for one in spec.declares]
        self.undefined = [re.compile(one, re.DOTALL) for one in spec.undefined]
        self.unused = [re.compile(one) for one in spec.unused]
        self.frame = [re.compile(one) for one in spec.frame]
        self.rewrites = [(re.compile(one.pattern), one.replacement) for one in spec.rewrite]
        self.collections = [re.compile(one) for one in spec.names.collections]
        self.partitions = [re.compile(one) for one in spec.names.partitions]
        self.aliases = [re.compile(one) for one in spec.names.aliases]
        self.databases = [re.compile(one) for one in spec.names.databases]
        self.vectors = [re.compile(one) for one in spec.names.vectors]
        self.fields = [(mark, re.compile(mark.pattern)) for mark in spec.fields]
        self.hoist = re.compile(spec.hoist) if spec.hoist else None
        self.hoist_item = re.compile(spec.hoist_item) if spec.hoist_item else None
        self.remove = re.compile(spec.remove) if spec.remove else None
        self.members = re.compile(spec.members) if spec.members else None
        self.assigned = re.compile(spec.assigned) if spec.assigned else None
        self.awaited = re.compile(spec.awaited, re.MULTILINE) if spec.awaited else None

    def target_for(self, code: str, available: Mapping[str, Any], fence: str = "") -> str:
        """The target that a fence means: by itself, else by the code of its page. ``available``: what there is."""
        for mark in self.spec.targets:
            shows = mark.fence or mark.pattern
            if mark.name in available and shows and re.search(shows, fence):
                return mark.name
        for mark in self.spec.targets:
            if mark.name in available and mark.pattern and re.search(mark.pattern, code):
                return mark.name
        plain = [mark.name for mark in self.spec.targets if not mark.pattern and mark.name in available]
        return plain[0] if plain else next(iter(available))

    @cached_property
    def api(self) -> Mapping[str, tuple[str, ...]]:
        """Public calls (``Class.Method``) and their argument names, where the pack has a list of them."""
        if not self.spec.api:
            return {}
        calls: dict[str, tuple[str, ...]] = {}
        for line in (self.pack.folder / self.spec.api).read_text(encoding="utf-8").splitlines():
            found = re.fullmatch(r"([\w.]+)\((.*)\)", line.strip())
            if found is not None:
                names = tuple(name.strip() for name in found[2].split(",") if name.strip())
                calls[found[1]] = tuple(dict.fromkeys((*calls.get(found[1], ()), *names)))
        return calls


def read_dialect(pack: Pack) -> Dialect | None:
    """What a pack says of its fences; None when it says nothing. Raises BadInputError when it cannot be used."""
    path: Path = pack.folder / "fence.toml"
    if not path.exists():
        return None
    try:
        spec = msgspec.toml.decode(path.read_text(encoding="utf-8"), type=DialectSpec)
    except (msgspec.MsgspecError, ValueError, OSError) as error:
        raise BadInputError(f"The description of fences is not right: {error}.", where=str(path)) from error
    if spec.schema > SCHEMA:
        raise BadInputError(
            f"The description of fences has version {spec.schema}, this milvus-parity understands up to {SCHEMA}.",
            where=str(path),
            hint="Install a newer milvus-parity.",
        )
    try:
        return Dialect(pack, spec)
    except re.error as error:
        raise BadInputError(f"A pattern is not right: {error}.", where=str(path)) from error


def read_dialects(packs: Mapping[str, Pack]) -> dict[str, Dialect]:
    """The dialects of all packs that have one, by language."""
    found = {language: read_dialect(pack) for language, pack in packs.items()}
    return {language: dialect for language, dialect in found.items() if dialect is not None}

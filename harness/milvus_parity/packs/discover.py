"""Find packs and read ``pack.toml``."""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from milvus_parity.model.errors import BadInputError
from milvus_parity.model.target import (
    BuildSpec,
    FileSpec,
    Need,
    PackSpec,
    Rule,
    Target,
    TargetSpec,
    VersionsSpec,
    WorkerSpec,
)
from milvus_parity.packs.builds import local_build
from milvus_parity.packs.pack import Pack
from milvus_parity.packs.versions import Releases, VersionWish, merged, parse_target, pick

SCHEMA = 1
"""The newest version of ``pack.toml`` that is understood."""


def packaged(name: str) -> Path:
    """The folder ``runners`` or ``scenarios`` that came with this installation, or that of the checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_data" / name
    return inside if inside.is_dir() else package.parent.parent / name


def read_pack(folder: Path) -> Pack:
    """Read the pack in a folder. Raises BadInputError when its description cannot be used."""
    path = folder / "pack.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"The pack's description cannot be read: {error.strerror}.", where=str(path)) from error
    try:
        version = msgspec.toml.decode(text).get("schema")
        if not isinstance(version, int):
            raise BadInputError(
                "The pack does not say which version its description has (schema = 1).", where=str(path)
            )
        if version > SCHEMA:
            raise BadInputError(
                f"The pack's description has version {version}, this milvus-parity understands up to {SCHEMA}.",
                where=str(path),
                hint="Install a newer milvus-parity.",
            )
        spec = msgspec.toml.decode(text, type=PackSpec)
    except msgspec.ValidationError as error:
        raise BadInputError(
            f"The pack's description is not right: {error}.", where=str(path), hint=_nearest(error)
        ) from error
    except (msgspec.DecodeError, ValueError) as error:
        raise BadInputError(f"The pack's description is no TOML: {error}.", where=_place(path, str(error))) from error
    if spec.language != folder.name:
        raise BadInputError(
            f"The pack says its language is {spec.language!r}, but its folder is named {folder.name!r}.",
            where=str(path),
        )
    return Pack(spec=spec, folder=folder)


def _place(path: Path, message: str) -> str:
    found = re.search(r"line (\d+), column (\d+)", message)
    return f"{path}:{found[1]}:{found[2]}" if found else str(path)


def _nearest(error: msgspec.ValidationError) -> str | None:
    found = re.search(r"unknown field `(\w+)`", str(error))
    if found is None:
        return None
    parts = (PackSpec, TargetSpec, FileSpec, BuildSpec, VersionsSpec, WorkerSpec, Rule, Need)
    known = {field for part in parts for field in part.__struct_fields__}
    near = difflib.get_close_matches(found[1], sorted(known), n=1)
    return f"Did you mean {near[0]!r}?" if near else None


def discover(folders: Iterable[Path]) -> dict[str, Pack]:
    """All packs below some folders, by language. Two packs of one language are an error."""
    packs: dict[str, Pack] = {}
    for root in folders:
        if not root.is_dir():
            raise BadInputError("There is no such folder of language packs.", where=str(root))
        for folder in sorted(path.parent for path in root.glob("*/pack.toml")):
            pack = read_pack(folder)
            if pack.language in packs:
                raise BadInputError(
                    f"There are two packs of the language {pack.language!r}: {packs[pack.language].folder} "
                    f"and {folder}.",
                    where=str(folder),
                )
            packs[pack.language] = pack
    return packs


def server_line(version: str) -> str:
    """The line of a server version, such as ``2.3`` of ``2.3.5``."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return f"{found[1]}.{found[2]}" if found else version


def _line_key(line: str) -> tuple[int, ...]:
    return tuple(int(part) for part in line.split("."))


def version_for(versions: Mapping[str, str], server_version: str) -> str:
    """The SDK version that suits a server: of its line, else of the newest older line, else the oldest there is."""
    line = server_line(server_version)
    if line in versions:
        return versions[line]
    ordered = sorted(versions, key=_line_key)
    try:
        older = [known for known in ordered if _line_key(known) <= _line_key(line)]
    except ValueError:
        older = ordered
    return versions[older[-1] if older else ordered[0]]


def all_target_names(packs: Mapping[str, Pack]) -> dict[str, Pack]:
    """Target name -> its pack, in the packs' order."""
    return {name: pack for pack in packs.values() for name in pack.spec.targets}


def target_of(pack: Pack, name: str, version: str) -> Target:
    """The target of that name in one version."""
    spec = pack.spec.targets[name]
    return Target(
        name=name, language=pack.language, title=spec.title, package=spec.package, version=version, note=spec.note
    )


def members(packs: Mapping[str, Pack], name: str) -> list[str]:
    """The targets that a name means: itself, or all of a language. Raises BadInputError for a name nobody has."""
    names = all_target_names(packs)
    if name in names:
        return [name]
    if name in packs:
        return list(packs[name].spec.targets)
    near = difflib.get_close_matches(name, [*names, *packs], n=1)
    raise BadInputError(
        f"There is no target {name!r}.",
        hint=(f"Did you mean {near[0]!r}? " if near else "") + f"Known: {', '.join(names)}.",
    )


def known_releases(spec: TargetSpec) -> tuple[str, ...]:
    """The releases that the pack itself knows, oldest first."""
    return merged(spec.versions.values(), spec.known)


def lists_needed(packs: Mapping[str, Pack], wanted: Iterable[str]) -> list[str]:
    """The targets of which one must know what is published to say what is wanted."""
    wishes = [parse_target(text) for text in wanted]
    return list(
        dict.fromkeys(
            member
            for wish in wishes
            if any(version.needs_list for version in wish.versions)
            for member in members(packs, wish.name)
        )
    )


def select_targets(
    packs: Mapping[str, Pack],
    wanted: Iterable[str],
    server_version: str,
    releases: Mapping[str, Releases] | None = None,
) -> list[Target]:
    """The targets that people named: ``java-v1``, ``go`` (all of a language), ``javascript@2.3.5``; all when none.

    Without a version, the pack picks the one that suits the server. ``releases``: what is published, for the targets
    that `lists_needed` names; without it ranges are taken from what the packs know. Raises BadInputError for a name
    nobody has, and for versions that nothing is.
    """
    names = all_target_names(packs)
    chosen: dict[str, Target] = {}
    for text in list(wanted) or list(names):
        wish = parse_target(text)
        for member in members(packs, wish.name):
            pack = names[member]
            for version in wish.versions:
                known = (releases or {}).get(member) or Releases(versions=known_releases(pack.spec.targets[member]))
                for target in _targets(pack, member, version, server_version, known):
                    chosen[target.label] = target
    return list(chosen.values())


def _targets(pack: Pack, name: str, wish: VersionWish, server_version: str, known: Releases) -> list[Target]:
    if wish.kind == "suiting":
        return [target_of(pack, name, version_for(pack.spec.targets[name].versions, server_version))]
    if wish.kind == "exact":
        return [target_of(pack, name, wish.text)]
    if wish.kind == "build":
        build = local_build(pack, wish, known.versions)
        made = target_of(pack, name, build.version)
        note = f"built here: {wish.text}" + (f"; {made.note}" if made.note else "")
        return [msgspec.structs.replace(made, note=note, source=str(build.path))]
    found = pick(wish, known.versions)
    if not found:
        there = ", ".join(known.versions[-12:]) or "none"
        raise BadInputError(
            f"No release of {name} is in {wish.text or wish.kind!r}.",
            hint=f"The newest that are known: {there}." + (f" {known.note}" if known.note else ""),
        )
    return [target_of(pack, name, version) for version in found]

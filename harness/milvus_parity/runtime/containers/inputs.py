"""What goes into an image: the build context of a pack, the base prepared for fetching, and the hash of it all.

Pure but for reading files. Contexts are tar archives that come out the same, byte for byte, for the same files.
"""

import hashlib
import io
import re
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from milvus_parity.model.errors import BadInputError
from milvus_parity.model.target import Target
from milvus_parity.packs.builds import build_files
from milvus_parity.packs.pack import Pack
from milvus_parity.runtime.containers import trust
from milvus_parity.runtime.containers.settings import ContainerSettings
from milvus_parity.runtime.process import digest

ROOT = "/opt/parity"
PLACES = {name: f"{ROOT}/{name}" for name in ("pack", "sdk", "work", "build", "cache")}
"""Where the placeholders of pack.toml point to in a container."""

LAYOUT = 1
"""Raised when images made by an older harness cannot be used any more."""

DOCKERFILE = "Dockerfile"

_BASE = re.compile(r"^\s*ARG\s+BASE=(?P<base>\S+)\s*$", re.MULTILINE | re.IGNORECASE)


def places(target: Target) -> dict[str, str]:
    """All placeholders of a pack's commands, as they are in a container."""
    return {
        **PLACES,
        "version": target.version,
        "package": target.package,
        "target": target.name,
        "source": source_place(target),
        "python": "python3",
    }


def source_place(target: Target) -> str:
    """Where a build of one's own lies in a container, within the pack; empty for a release."""
    return f"{PLACES['pack']}/support/local/{Path(target.source).name}" if target.source else ""


def source_files(target: Target) -> dict[str, Path]:
    """The files of a build of one's own, as they lie in the build context; none for a release."""
    if target.source is None:
        return {}
    source = Path(target.source)
    below = f"support/local/{source.name}"
    return {(below if source.is_file() else f"{below}/{name}"): path for name, path in build_files(source)}


def base_image(pack: Pack, settings: ContainerSettings) -> str:
    """The image a pack's Dockerfile starts from. Raises BadInputError when it names none."""
    if chosen := settings.bases.get(pack.language):
        return chosen
    dockerfile = pack.folder / DOCKERFILE
    found = _BASE.search(dockerfile.read_text(encoding="utf-8"))
    if found is None:
        raise BadInputError(
            "The Dockerfile names no base image.",
            where=str(dockerfile),
            hint="It begins with `ARG BASE=IMAGE` and `FROM ${BASE}`.",
        )
    return found["base"].strip("\"'")


def context_files(pack: Pack, target: Target | None = None) -> dict[str, Path]:
    """The files of a pack's build context: path in it -> file.

    The templates and pack.toml are for the harness alone and stay out of it: a better snippet must not fetch the SDK
    again. A .dockerignore is honoured. With a target that is a build of one's own, that is part of it.
    """
    from docker.utils import exclude_paths

    ignore = pack.folder / ".dockerignore"
    patterns = ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else []
    rules = [line.strip() for line in patterns if line.strip() and not line.lstrip().startswith("#")]
    templates = {folder.split("/", 1)[0] for spec in pack.spec.targets.values() for folder in spec.templates}
    left_out = {*templates, "pack.toml", ".dockerignore", "__pycache__"} - {"."}
    files = {
        name: pack.folder / name
        for name in sorted(exclude_paths(str(pack.folder), rules, dockerfile=DOCKERFILE))
        if (pack.folder / name).is_file()
        and not left_out & {Path(name).parts[0]}
        and "__pycache__" not in Path(name).parts
    }
    return files | (source_files(target) if target is not None else {})


class Content(msgspec.Struct, frozen=True):
    """A file of an archive."""

    data: bytes
    executable: bool = False


def read_files(files: Mapping[str, Path]) -> dict[str, Content]:
    """Read them."""
    return {name: Content(path.read_bytes(), bool(path.stat().st_mode & 0o100)) for name, path in sorted(files.items())}


def archive(files: Mapping[str, Content], *, folders: Iterable[str] = (), owner: tuple[int, int] = (0, 0)) -> bytes:
    """A tar archive. ``folders``: further folders, empty or not. ``owner``: user and group of everything in it."""
    buffer = io.BytesIO()
    parents = {parent.as_posix() for name in files for parent in Path(name).parents}

    def info(name: str, mode: int) -> tarfile.TarInfo:
        made = tarfile.TarInfo(name)
        made.mode, (made.uid, made.gid) = mode, owner
        return made

    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted({*folders, *parents} - {"."}):
            folder = info(name, 0o755)
            folder.type = tarfile.DIRTYPE
            tar.addfile(folder)
        for name, content in sorted(files.items()):
            file = info(name, 0o755 if content.executable else 0o644)
            file.size = len(content.data)
            tar.addfile(file, io.BytesIO(content.data))
    return buffer.getvalue()


def files_digest(files: Mapping[str, Content]) -> str:
    """A hash of files by path, content and executable bit."""
    return digest({name: [hashlib.sha256(c.data).hexdigest(), c.executable] for name, c in files.items()})


def labelled(files: Mapping[str, Content], marks: Mapping[str, str]) -> dict[str, Content]:
    """A context whose Dockerfile ends with labels: in one instruction, where the engine would make one of each."""
    dockerfile = files[DOCKERFILE].data.decode("utf-8")
    pairs = " ".join(f'{name}="{value}"' for name, value in sorted(marks.items()))
    return {**files, DOCKERFILE: Content(f"{dockerfile.rstrip()}\nLABEL {pairs}\n".encode())}


def build_arguments(base: str, target: Target) -> dict[str, str]:
    """The build arguments that every pack's Dockerfile is given."""
    arguments = {"BASE": base, "PACKAGE": target.package, "SDK_VERSION": target.version, "TARGET": target.name}
    return {**arguments, "SOURCE": source_place(target)} if target.source else arguments


def extra_files(settings: ContainerSettings) -> dict[str, Content]:
    """The files and folders that are put beside the package managers: absolute place without its slash -> content."""
    files: dict[str, Path] = {}
    for place, here in settings.build_files.items():
        name = place.strip("/")
        if here.is_dir():
            files |= {f"{name}/{p.relative_to(here).as_posix()}": p for p in here.rglob("*") if p.is_file()}
        else:
            files[name] = here
    return read_files(files)


def sdk_key(files: Mapping[str, Content], base: str, target: Target, settings: ContainerSettings) -> str:
    """The key of an SDK's image.

    Authorities, proxies and registries are not in it: they are the way an SDK comes, not what it is. Files given for
    the build are: a local package feed may be among them.
    """
    return digest(LAYOUT, files_digest(files), files_digest(extra_files(settings)), build_arguments(base, target))


def sdk_tag(target: Target, key: str) -> str:
    """The name of an SDK's image."""
    return f"milvus-parity/sdk-{target.name}:{tag_words(target.version)}-{key[:12]}"


def wanted_tag(pack: Pack, target: Target, settings: ContainerSettings) -> str:
    """The name of the image that holds this SDK, whether it is there or not."""
    return sdk_tag(
        target, sdk_key(read_files(context_files(pack, target)), base_image(pack, settings), target, settings)
    )


def build_tag(target: Target, key: str) -> str:
    """The name of the image that holds compiled programs."""
    return f"milvus-parity/build-{target.name}:{tag_words(target.version)}-{key[:12]}"


def tag_words(text: str) -> str:
    """A text as part of a tag: other characters than letters, digits, dot, hyphen and underscore become hyphens."""
    return re.sub(r"[^\w.-]+", "-", text, flags=re.ASCII).strip(".-")[:80] or "none"


class Prepared(msgspec.Struct, frozen=True):
    """A base with what fetching needs: its Dockerfile and context."""

    dockerfile: str
    files: dict[str, Content]


def prepared_base(base: str, settings: ContainerSettings) -> Prepared:
    """The base image plus authorities, variables and files. Raises BadInputError for a bundle that is none."""
    files = {f"files/{name}": content for name, content in extra_files(settings).items()}
    environment = dict(settings.build_environment)
    java = trust.java_proxy_options(environment)
    if settings.ca_bundle is not None:
        try:
            bundle = trust.joined_bundle(settings.ca_bundle.read_text(encoding="utf-8", errors="replace"))
            files[f"files{trust.BUNDLE}"] = Content(bundle.encode())
            files[f"files{trust.TRUSTSTORE}"] = Content(trust.truststore(bundle))
        except (ValueError, OSError) as error:
            raise BadInputError(
                f"The CA bundle cannot be used: {error}.",
                where=str(settings.ca_bundle),
                hint="It is a PEM file with the certificates of the authorities to trust.",
            ) from error
        environment = {**trust.ENVIRONMENT, **environment}
        java = f"{trust.JAVA_OPTIONS} {java}".strip()
    if java:
        environment["JAVA_TOOL_OPTIONS"] = " ".join(filter(None, [java, environment.get("JAVA_TOOL_OPTIONS", "")]))
    lines = [f"FROM {base}", "USER 0"]
    if files:
        lines.append("COPY files/ /")
    lines += environment_lines(environment)
    return Prepared("\n".join(lines) + "\n", files)


def kept_dockerfile(base: str, fetched: str, fetched_config: Mapping[str, object], prepared_environment: object) -> str:
    """The Dockerfile that takes an SDK out of the image it was fetched in and leaves behind how that was done.

    Only what lies under /opt/parity is taken, and the variables, user and folder that the pack's Dockerfile set.
    """
    before = set(prepared_environment) if isinstance(prepared_environment, list) else set()
    now = fetched_config.get("Env")
    changed = [line for line in now if line not in before] if isinstance(now, list) else []
    lines = [f"FROM {base}", f"COPY --from={fetched} {ROOT} {ROOT}"]
    lines += environment_lines(dict(line.split("=", 1) for line in changed))
    if folder := fetched_config.get("WorkingDir"):
        lines.append(f"WORKDIR {folder}")
    if user := fetched_config.get("User"):
        lines.append(f"USER {user}")
    return "\n".join(lines) + "\n"


def environment_lines(environment: Mapping[str, str]) -> list[str]:
    """ENV instructions in which every value stays what it is. Raises BadInputError for one with a line break."""
    lines = []
    for name, value in sorted(environment.items()):
        if "\n" in value or "\r" in value:
            raise BadInputError(f"The variable {name} has a line break in it, which no Dockerfile can say.")
        quoted = re.sub(r'([\\"$])', r"\\\1", value)
        lines.append(f'ENV {name}="{quoted}"')
    return lines

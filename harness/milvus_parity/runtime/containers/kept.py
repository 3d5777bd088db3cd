"""The images that stay in the engine between runs: which there are, and the removal of those that nobody needs.

For the commands `images list` and `images prune`. All of it blocks: call it through `Engine.ask`.
"""

import time
from collections.abc import Collection

from milvus_parity.model.scenario import Frozen
from milvus_parity.runtime.containers import labels
from milvus_parity.runtime.containers.engine import Engine
from milvus_parity.runtime.containers.settings import size_words


class KeptImage(Frozen, frozen=True, kw_only=True):
    """An image of ours. ``kind``: ``sdk`` or ``build``; ``sdk``: of a build, its SDK's image.

    ``created`` is in Unix seconds; ``size`` in bytes, with the layers that it shares with others.
    """

    id: str
    name: str
    kind: str
    target: str
    version: str
    sdk: str = ""
    created: float
    size: int

    def __str__(self) -> str:
        what = "SDK" if self.kind == "sdk" else "programs"
        made = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.created))
        return f"{self.target}@{self.version}  {what}  {size_words(self.size)}  {made}  {self.name}"


class Pruned(Frozen, frozen=True, kw_only=True):
    """What was removed, and what could not be since a container uses it."""

    removed: tuple[KeptImage, ...] = ()
    in_use: tuple[KeptImage, ...] = ()

    def __str__(self) -> str:
        lines = [f"removed {image}" for image in self.removed] or ["There was nothing to remove."]
        return "\n".join([*lines, *(f"still used by a container: {image}" for image in self.in_use)])


def list_images(engine: Engine) -> tuple[KeptImage, ...]:
    """All images of ours, by target, SDKs before the programs built on them, newest first."""
    found = []
    for image in engine.client.api.images(filters={"label": labels.KIND}):
        marks = image.get("Labels") or {}
        if marks.get(labels.KIND) not in {"sdk", "build"}:
            continue
        names = [name for name in image.get("RepoTags") or () if not name.startswith("<none>")]
        found.append(
            KeptImage(
                id=image["Id"],
                name=_plain(names[0]) if names else image["Id"].removeprefix("sha256:")[:12],
                kind=marks[labels.KIND],
                target=marks.get(labels.TARGET, ""),
                version=marks.get(labels.VERSION, ""),
                sdk=marks.get(labels.SDK, "") if marks[labels.KIND] == "build" else "",
                created=float(image.get("Created") or 0),
                size=int(image.get("Size") or 0),
            )
        )
    order = {"sdk": 0, "build": 1}
    return tuple(sorted(found, key=lambda image: (image.target, image.version, order[image.kind], -image.created)))


def _plain(name: str) -> str:
    """A name as it was given: Podman puts a registry before it."""
    return name.removeprefix("localhost/").removeprefix("docker.io/")


def unneeded(images: Collection[KeptImage], wanted: Collection[str]) -> tuple[KeptImage, ...]:
    """Which images can go when the SDK images in ``wanted`` are to stay: all others, their programs, and all programs
    but the newest of each wanted SDK. Programs come before SDKs, as an engine wants them removed."""
    newest: dict[str, KeptImage] = {}
    for image in images:
        if image.kind == "build" and (image.sdk not in newest or newest[image.sdk].created < image.created):
            newest[image.sdk] = image
    stay = {image.id for sdk, image in newest.items() if sdk in wanted}
    stay |= {image.id for image in images if image.kind == "sdk" and image.name in wanted}
    return tuple(sorted((i for i in images if i.id not in stay), key=lambda image: image.kind != "build"))


def prune(engine: Engine, *, wanted: Collection[str] = ()) -> Pruned:
    """Remove what is unneeded; ``wanted`` are names of SDK images (see `inputs.wanted_tag`), none of them: everything.

    Raises docker.errors.APIError.
    """
    import docker.errors

    removed, in_use = [], []
    for image in unneeded(list_images(engine), wanted):
        try:
            # By its id and by force, since an image may have several names; one that runs is not removed all the same.
            engine.client.api.remove_image(image.id, force=True)
            removed.append(image)
        except docker.errors.ImageNotFound:
            continue
        except docker.errors.APIError as error:
            if error.status_code != 409:
                raise
            in_use.append(image)
    return Pruned(removed=tuple(removed), in_use=tuple(in_use))

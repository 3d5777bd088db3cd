"""What harnesses left behind in the engine, and its removal.

At the start of each run, and by `milvus-parity clean`: containers, networks, volumes and passing images whose harness
is gone are removed. Images of SDKs and programs are a cache and stay.
"""

import contextlib

from milvus_parity.model.scenario import Frozen
from milvus_parity.runtime.containers import firewall, labels
from milvus_parity.runtime.containers.engine import Engine
from milvus_parity.runtime.containers.images import remove_with_children
from milvus_parity.runtime.containers.labels import Owner


class Swept(Frozen, frozen=True, kw_only=True):
    """How much was removed."""

    containers: int = 0
    networks: int = 0
    volumes: int = 0
    images: int = 0
    rules: int = 0

    def __bool__(self) -> bool:
        return any((self.containers, self.networks, self.volumes, self.images, self.rules))

    def __str__(self) -> str:
        parts = [
            _count(self.containers, "container"),
            _count(self.networks, "network"),
            _count(self.volumes, "volume"),
            _count(self.images, "image"),
            _count(self.rules, "firewall rule"),
        ]
        return ", ".join(part for part in parts if part) or "nothing"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}" if number else ""


def sweep(engine: Engine, *, run: str | None = None, everything: bool = False) -> Swept:
    """Remove what no live harness owns; with ``run`` all of that run, with ``everything`` all of all runs. Blocks.

    What disappears under it (another harness sweeps as well) is no error. Raises docker.errors.APIError.
    """
    import docker.errors

    api = engine.client.api
    alive: dict[Owner, bool] = {}

    def ours(found: dict[str, str] | None) -> bool:
        owner = Owner.of(found or {})
        if run is not None:
            return owner is not None and owner.run == run
        if everything or owner is None:
            return everything
        if owner not in alive:
            alive[owner] = owner.lives()
        return not alive[owner]

    counts = dict.fromkeys(("containers", "networks", "volumes", "images"), 0)
    marked = {"label": labels.RUN}
    for container in api.containers(all=True, filters=marked):
        if ours(container.get("Labels")):
            with contextlib.suppress(docker.errors.NotFound):
                if _remove_container(engine, container["Id"]):
                    counts["containers"] += 1
    for found in api.networks(filters=marked):
        if ours(found.get("Labels")):
            with contextlib.suppress(docker.errors.NotFound):
                firewall.open_doors(found["Labels"][labels.RUN])
                api.remove_network(found["Id"])
                counts["networks"] += 1
    for volume in api.volumes(filters=marked).get("Volumes") or ():
        if ours(volume.get("Labels")):
            with contextlib.suppress(docker.errors.NotFound):
                api.remove_volume(volume["Name"], force=True)
                counts["volumes"] += 1
    for image in api.images(filters={"label": f"{labels.KIND}=passing"}, all=True):
        if ours(image.get("Labels")):
            counts["images"] += remove_with_children(engine, image["Id"])
    return Swept(**counts, rules=firewall.sweep_rules(everything=everything))


def _remove_container(engine: Engine, container: str) -> bool:
    """Whether it was us who removed it."""
    import docker.errors

    try:
        engine.client.api.remove_container(container, force=True, v=True)
    except docker.errors.APIError as error:
        if error.status_code == 409:  # its removal is under way
            return False
        raise
    return True

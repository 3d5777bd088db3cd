"""A step that names a collection, partition or database nobody made is a slip, unless the scenario says so."""

from collections.abc import Mapping, Sequence

from milvus_parity.model.operations import OPERATIONS
from milvus_parity.model.scenario import Argument, GivenDatabase, SdkStep, Step
from milvus_parity.scenarios.yaml_source import nearest, wrong

_ALWAYS = ("_default", "default")


def check_names(steps: Sequence[Step], given: Mapping[str, GivenDatabase], declared: Sequence[str]) -> None:
    """Raise BadInputError for a name that neither ``given``, an earlier step, a parameter nor ``unknown`` has."""
    collections = {name for database in given.values() for name in database.collections}
    partitions = {
        name
        for database in given.values()
        for collection in database.collections.values()
        for name in collection.partitions
    }
    aliases = {
        collection.alias
        for database in given.values()
        for collection in database.collections.values()
        if collection.alias
    }
    known = {
        "collection": collections | aliases | set(declared),
        "partition": partitions | set(declared) | set(_ALWAYS),
        "database": set(declared) | set(_ALWAYS),
    }
    for step in steps:
        if not isinstance(step, SdkStep):
            continue
        if step.operation == "create" and isinstance(step.arguments["partition"], str):
            known["partition"].add(step.arguments["partition"])
        for argument, kind in OPERATIONS[step.operation].arguments.items():
            family = "partition" if kind == "partitions" else kind
            if family in known:
                for name in _names(step.arguments.get(argument)):
                    if name not in known[family]:
                        assert step.location is not None
                        raise wrong(
                            step.location,
                            f"Nobody made a {family} named {name!r}.",
                            f"{nearest(name, sorted(known[family] - set(_ALWAYS)))} "
                            f"If it shall be missing, say so: unknown: [{name}]",
                        )


def _names(value: Argument) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [name for name in value if isinstance(name, str)] if isinstance(value, tuple) else []

"""Load scenario files and expand them into cases."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from milvus_parity.model.errors import BadInputError
from milvus_parity.model.operations import OPERATIONS
from milvus_parity.model.scenario import (
    MAIN_DATABASE,
    Case,
    Expectation,
    GivenDatabase,
    Requirements,
    SdkStep,
    Step,
)
from milvus_parity.scenarios.names import check_names
from milvus_parity.scenarios.parameters import bind, bindings
from milvus_parity.scenarios.state import databases, then
from milvus_parity.scenarios.steps import steps
from milvus_parity.scenarios.yaml_source import (
    Fields,
    Item,
    as_flag,
    as_integer,
    as_list,
    as_number,
    as_text,
    as_texts,
    read_yaml,
    wrong,
)

SCHEMA = 1
"""The newest version of scenario files that is understood."""

KEYS = (
    "schema",
    "title",
    "docs",
    "about",
    "requires",
    "parameters",
    "cases",
    "given",
    "unknown",
    "steps",
    "then",
    "expect",
    "ordered",
    "timeout",
)
FEATURES = ("databases", "authorization", "load_partitions", "aliases", "partition_key")
_ID = re.compile(r"[A-Za-z0-9_.-]+")


def load_file(path: Path, root: Path | None = None) -> list[Case]:
    """All cases of one scenario file. Ids are relative to ``root``, the folder that has the topics."""
    root = root or path.parent.parent
    try:
        shown = str(path.relative_to(Path.cwd()))
    except ValueError:
        shown = str(path)
    document = read_yaml(path, shown)
    version = document.mapping.get("schema") if document.mapping is not None else None
    if version is not None and as_integer(version, "'schema'") > SCHEMA:
        raise wrong(
            version,
            f"The scenario has format version {version.scalar}, this milvus-parity understands up to {SCHEMA}.",
            "Install a newer milvus-parity.",
        )
    fields = Fields(document, "A scenario", KEYS)
    if as_integer(fields.need("schema"), "'schema'") < 1:
        raise wrong(fields.need("schema"), "The format versions of scenarios count from 1.", "Write: schema: 1")
    name = path.resolve().relative_to(root.resolve()).with_suffix("").as_posix()
    for part in name.split("/"):
        if not _ID.fullmatch(part):
            raise BadInputError(
                f"{part!r} cannot be part of a case's id.", where=shown, hint="Rename the file or folder."
            )
    made: list[Case] = []
    for label, binding in bindings(fields.get("parameters"), fields.get("cases")):
        bound = Fields(bind(_without_parameters(document), binding), "A scenario", KEYS)
        declared = [item.scalar for item in binding.values() if isinstance(item.scalar, str)]
        made.append(_case(bound, f"{name}[{label}]" if label else name, name, document, declared))
    return made


def _without_parameters(document: Item) -> Item:
    assert document.mapping is not None
    kept = {key: item for key, item in document.mapping.items() if key not in ("parameters", "cases")}
    return Item(location=document.location, mapping=kept, keys={key: document.keys[key] for key in kept})


def _case(fields: Fields, case_id: str, scenario: str, document: Item, declared: Sequence[str]) -> Case:
    given = databases(fields.get("given"))
    made = steps(fields.need("steps"), given)
    finally_then = then(fields.get("then"), given)
    parity_only = _parity_only(fields)
    promised = finally_then is not None or any(
        step.then is not None or (isinstance(step, SdkStep) and _says_something(step.expect)) for step in made
    )
    if not promised and not parity_only:
        raise wrong(
            document,
            "The scenario expects nothing.",
            "Give a step an 'expect', say what is so 'then', or say that only parity counts: expect: same",
        )
    unknown = fields.get("unknown")
    check_names(made, given, [*declared, *(as_texts(unknown, "'unknown'") if unknown else ())])
    docs, ordered, timeout = fields.get("docs"), fields.get("ordered"), fields.get("timeout")
    return Case(
        id=case_id,
        title=as_text(fields.need("title"), "'title'"),
        scenario=scenario,
        location=document.location,
        databases=given,
        steps=made,
        then=finally_then,
        requires=_requirements(fields.get("requires"), given, made),
        parity_only=parity_only,
        ordered=as_flag(ordered, "'ordered'") if ordered else False,
        docs=as_texts(docs, "'docs'") if docs else (),
        exclusive="default" in given,
        timeout=as_number(timeout, "'timeout'") if timeout else None,
    )


def _says_something(promise: Expectation | None) -> bool:
    return promise is not None and promise.location is not None


def _parity_only(fields: Fields) -> bool:
    item = fields.get("expect")
    if item is None:
        return False
    if item.scalar != "same":
        raise wrong(item, "A scenario as a whole can only expect 'same': that all SDKs do the same.", "expect: same")
    return True


def _requirements(item: Item | None, given: dict[str, GivenDatabase], made: Iterable[Step]) -> Requirements:
    needed = {OPERATIONS[step.operation].feature for step in made if isinstance(step, SdkStep)} - {None}
    features = {feature for feature in needed if feature}
    collections = [collection for database in given.values() for collection in database.collections.values()]
    if any(collection.loaded is not True and collection.loaded for collection in collections):
        features.add("load_partitions")
    if any(collection.partition_key for collection in collections):
        features.add("partition_key")
    if any(collection.alias for collection in collections):
        features.add("aliases")
    if set(given) - {MAIN_DATABASE} or any(_names_database(step) for step in made):
        features.add("databases")
    if any(isinstance(step, SdkStep) and {"user", "password"} & set(step.arguments) for step in made):
        features.add("authorization")
    milvus = None
    if item is not None:
        fields = Fields(item, "'requires'", ["milvus", "features"])
        milvus = fields.text("milvus")
        if milvus is not None:
            try:
                SpecifierSet(milvus)
            except InvalidSpecifier as error:
                raise wrong(
                    fields.need("milvus"), f"{milvus!r} is no version range.", 'Write, e.g.: ">=2.2.9"'
                ) from error
        more = fields.get("features")
        for feature in as_list(more, "'features'") if more else ():
            if feature.scalar not in FEATURES:
                raise wrong(feature, f"There is no feature {feature.scalar!r}.", f"Known: {', '.join(FEATURES)}.")
            features.add(str(feature.scalar))
    return Requirements(milvus=milvus, features=tuple(sorted(features)))


def _names_database(step: Step) -> bool:
    return isinstance(step, SdkStep) and "database" in step.arguments


def load_all(roots: Iterable[Path]) -> list[Case]:
    """All cases below some folders, in order of their ids' files. Raises BadInputError for duplicate ids."""
    cases: dict[str, Case] = {}
    for root in roots:
        if not root.is_dir():
            raise BadInputError("There is no such folder of scenarios.", where=str(root))
        for path in sorted([*root.glob("*/**/*.yaml"), *root.glob("*/**/*.yml")]):
            for case in load_file(path, root):
                add(cases, case)
    return list(cases.values())


def add(cases: dict[str, Case], case: Case) -> None:
    """Add a case to those known; two of one id are an error that names both places."""
    if case.id in cases:
        raise BadInputError(
            f"There are two cases with the id {case.id!r}: the other is in {cases[case.id].location}.",
            where=str(case.location),
            hint="Rename a file, or give the parameters' values other labels.",
        )
    cases[case.id] = case

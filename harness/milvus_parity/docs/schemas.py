"""The fields of the collections that a page speaks of, read from its fences. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from milvus_parity.docs.code import Code, literals
from milvus_parity.docs.dialect import Dialect, FieldMark
from milvus_parity.model.scenario import Frozen, GivenField
from milvus_parity.servers.fields import TYPES, VECTORS

BOOK = (
    GivenField(name="book_id", type="Int64", primary=True),
    GivenField(name="word_count", type="Int64"),
    GivenField(name="book_intro", type="FloatVector", dimension=2),
)
"""The collection that pages up to 2.3 speak of without making it."""

_NUMBER = r"-?\d*\.?\d+(?:[eE]-?\d+)?[fFdD]?"
_VECTOR = re.compile(rf"[\[({{]\s*(-?\d*\.\d+[fFdD]?(?:\s*,\s*{_NUMBER})+)\s*,?\s*[\])}}]")
_METRIC = re.compile(
    r"(?i:metric)[\w\s\"':=(,.]{0,40}?\b(L2|IP|COSINE|HAMMING|JACCARD)\b|\bentity\.(L2|IP|COSINE|HAMMING|JACCARD)\b"
)
_QUICK = re.compile(r"(?i)\bdimension\b\W{1,3}(\d+)")
_DYNAMIC = re.compile(r"(?i)\benable_?dynamic_?field\W{1,4}true|\bWithEnableDynamicField\(true|dynamicField\W{1,3}true")
_ID = re.compile(r"[\"']?\bid[\"']?\s*(?:[:,]|in\b|[<>=])")
_ANY_DIMENSION = 4
_NEEDS_DIMENSION = frozenset({"insert", "upsert", "search"})

_TYPES = {
    **{name.lower(): name for name in TYPES},
    "1": "Bool",
    "2": "Int8",
    "3": "Int16",
    "4": "Int32",
    "5": "Int64",
    "10": "Float",
    "11": "Double",
    "21": "VarChar",
    "23": "JSON",
    "100": "BinaryVector",
    "101": "FloatVector",
    "long": "Int64",
    "int": "Int32",
    "short": "Int16",
    "sbyte": "Int8",
    "string": "VarChar",
    "boolean": "Bool",
}


class Schema(Frozen, frozen=True, kw_only=True):
    """A collection's fields. ``said``: where they are from, for the report."""

    fields: tuple[GivenField, ...]
    dynamic: bool = False
    metric: str | None = None
    said: str

    def __str__(self) -> str:
        names = ", ".join(f"{one.name}({one.dimension})" if one.type in VECTORS else one.name for one in self.fields)
        return f"{names}{' and dynamic fields' if self.dynamic else ''} ({self.said})"


class Schemas:
    """What the fences of a page say of fields. ``codes``: those of all languages, in the page's order."""

    def __init__(self, codes: Sequence[Code], dialects: Mapping[str, Dialect]) -> None:
        self._codes = codes
        self._dialects = dialects
        self._text = "\n".join(code.plain for code in codes)

    def of(self, collection: str, chain: Sequence[Code]) -> Schema | None:
        """The fields that a chain of fences wants of a collection; None when the page does not say."""
        own = "\n".join(code.plain for code in chain)
        found = self._quick(collection) or self._written(chain) or self._book(collection, chain) or self._guessed(chain)
        metric = _METRIC.search(own) or _METRIC.search(self._text)
        if found is None or metric is None:
            return found
        return Schema(fields=found.fields, dynamic=found.dynamic, metric=metric[1] or metric[2], said=found.said)

    def _quick(self, collection: str) -> Schema | None:
        """A collection that is created by no more than its dimension: an id, a vector, and what else rows have."""
        for code in self._codes:
            for use in code.uses:
                if use.operation == "create_collection" and use.collection == collection:
                    size = _QUICK.search(code.plain)
                    if size and self._fields([code]) == [] and not re.search(r"(?i)schema\s*[=:(]", code.plain):
                        return _plain(int(size[1]), "the page creates it by its dimension")
        return None

    def _written(self, chain: Sequence[Code]) -> Schema | None:
        """A schema that is written on the page: in the language of the fence, else in another."""
        own = chain[-1].fence.language
        languages = dict.fromkeys([own, *(code.fence.language for code in self._codes)])
        for language in languages:
            codes = [code for code in self._codes if code.fence.language == language]
            wanted = set(self._vectors(chain))
            complete = [one for one in _split(self._fields(codes)) if _is_complete(one)]
            for fields in complete:
                if wanted <= {one.name for one in fields} or len(complete) == 1:
                    text = "\n".join(code.plain for code in codes)
                    return Schema(
                        fields=tuple(fields), dynamic=bool(_DYNAMIC.search(text)), said="as a schema on the page says"
                    )
        return None

    def _book(self, collection: str, chain: Sequence[Code]) -> Schema | None:
        if collection != "book" and not re.search(r"\bbook_(?:intro|id)\b", self._text):
            return None
        if not set(self._vectors(chain)) <= {"book_intro"}:
            return None
        size = self._dimension(chain)
        fields = (*BOOK[:2], GivenField(name="book_intro", type="FloatVector", dimension=size or BOOK[2].dimension))
        return Schema(fields=fields, said="the usual ones of the book of the documentation")

    def _guessed(self, chain: Sequence[Code]) -> Schema | None:
        """An id and the vector that is named; other names are dynamic fields."""
        operations = {use.operation for code in chain for use in code.uses}
        size = self._dimension(chain)
        own = "\n".join(code.plain for code in chain)
        names = self._vectors(chain)
        if size is None and operations & _NEEDS_DIMENSION:
            return None
        if operations & {"insert", "upsert"} and not _ID.search(own):
            return None
        schema = _plain(size or _ANY_DIMENSION, "guessed from the names in the fence")
        if names:
            vectors = (GivenField(name=name, type="FloatVector", dimension=size or _ANY_DIMENSION) for name in names)
            return Schema(fields=(schema.fields[0], *vectors), dynamic=True, said=schema.said)
        return schema

    def _vectors(self, chain: Sequence[Code]) -> list[str]:
        """The vector fields that fences name."""
        found = []
        for code in chain:
            for pattern in self._dialects[code.fence.language or ""].vectors:
                found += [name for one in pattern.finditer(code.plain) for name in literals(one[1])]
        return list(dict.fromkeys(found))

    def _dimension(self, chain: Sequence[Code]) -> int | None:
        """The length of a vector that is written out: in the chain, else on the page."""
        for code in (*chain[::-1], *self._codes):
            vector = _VECTOR.search(code.plain)
            if vector is not None:
                return vector[1].count(",") + 1
        return None

    def _fields(self, codes: Sequence[Code]) -> list[GivenField]:
        found = []
        for code in codes:
            for mark, pattern in self._dialects[code.fence.language or ""].fields:
                found += [field for one in pattern.finditer(code.plain) if (field := _field(mark, one[0])) is not None]
        return found


def _plain(size: int, said: str) -> Schema:
    fields = (
        GivenField(name="id", type="Int64", primary=True),
        GivenField(name="vector", type="FloatVector", dimension=size),
    )
    return Schema(fields=fields, dynamic=True, said=said)


def _field(mark: FieldMark, text: str) -> GivenField | None:
    name, kind = _group(mark.name, text), _group(mark.type, text)
    if name is None or kind is None:
        return None
    dimension, length = _group(mark.dimension, text), _group(mark.length, text)
    return GivenField(
        name=name,
        type=_TYPES.get(kind.replace("_", "").lower(), kind),
        dimension=int(dimension) if dimension else None,
        length=int(length) if length else None,
        primary=_group(mark.primary, text) is not None,
        auto_id=_group(mark.auto_id, text) is not None,
    )


def _group(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text) if pattern else None
    return next((group for group in found.groups() if group is not None), None) if found is not None else None


def _split(fields: Iterable[GivenField]) -> Iterator[list[GivenField]]:
    """The schemas that a page writes one after the other: each has a name, and a primary field, once."""
    current: list[GivenField] = []
    for field in fields:
        again = any(one.name == field.name or (one.primary and field.primary) for one in current)
        if again and _is_complete(current):
            yield current
            current = []
        if all(one.name != field.name for one in current):
            current.append(field)
    if current:
        yield current


def _is_complete(fields: Sequence[GivenField]) -> bool:
    """Whether a server takes such a collection, and rows can be made for it."""
    return (
        all(one.type in TYPES for one in fields)
        and sum(one.primary for one in fields) == 1
        and any(one.type in VECTORS for one in fields)
        and all(one.dimension for one in fields if one.type in VECTORS)
    )

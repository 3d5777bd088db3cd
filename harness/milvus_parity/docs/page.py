"""A documentation page as it stands in a docs repository: what it shows, and where. No judgement."""

from collections.abc import Mapping
from typing import Literal

from milvus_parity.model.scenario import Frozen

LANGUAGES = ("python", "java", "go", "javascript", "csharp")
"""The languages whose fences are run."""

FenceRole = Literal["tab", "alone"]
"""``tab``: it is shown under a tab of its group. ``alone``: it belongs to no tab."""


class Problem(Frozen, frozen=True, kw_only=True):
    """What keeps a page from being read as it was meant; line and column from 1."""

    line: int
    column: int = 1
    message: str


class Placeholder(Frozen, frozen=True, kw_only=True):
    """A ``{{...}}`` that the site's generator fills in."""

    text: str
    line: int
    column: int


class Heading(Frozen, frozen=True, kw_only=True):
    """A heading; ``level`` from 1."""

    text: str
    level: int
    line: int


class Fence(Frozen, frozen=True, kw_only=True):
    """A fenced block.

    ``line`` is that of its opening mark, ``last`` that of its closing one. ``body`` has the fence's indentation taken
    off; ``columns`` says for each of its lines how many characters of the file's line stand before it. ``word`` is
    the info string's first word, lower-cased; ``language`` one of LANGUAGES, or None. ``section`` is the index of its
    heading (-1: none), ``group`` that of its tab group. ``wrapper`` is the X of an enclosing ``language-X``.
    """

    index: int
    line: int
    last: int
    column: int
    info: str
    word: str
    language: str | None
    body: str
    columns: tuple[int, ...]
    hidden: bool = False
    wrapper: str | None = None
    section: int = -1
    group: int | None = None
    role: FenceRole = "alone"
    placeholders: tuple[Placeholder, ...] = ()

    @property
    def first_body_line(self) -> int:
        """The file's line of the body's first line."""
        return self.line + 1

    def place(self, line: int, column: int = 1) -> tuple[int, int]:
        """The file's line and column of a line and column of the body (all from 1); the nearest there is."""
        count = len(self.columns)
        within = min(max(line, 1), max(count, 1))
        offset = self.columns[within - 1] if count else 0
        return self.line + within, offset + max(column, 1)


class Tab(Frozen, frozen=True, kw_only=True):
    """A tab of a group: ``language`` is what its href names, lower-cased."""

    language: str
    label: str
    line: int
    column: int = 1


class TabGroup(Frozen, frozen=True, kw_only=True):
    """Tabs over the fences that follow. ``include`` is the fragment's path where they come from one."""

    index: int
    line: int
    last: int
    tabs: tuple[Tab, ...]
    section: int = -1
    include: str | None = None


class Row(Frozen, frozen=True, kw_only=True):
    """A row of a parameter table: ``names`` has more than one for "a / b". Position of the name itself."""

    names: tuple[str, ...]
    optional: bool
    text: str
    line: int
    column: int


class Table(Frozen, frozen=True, kw_only=True):
    """A table of one language. ``headers`` are its column heads."""

    index: int
    line: int
    last: int
    language: str
    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    hidden: bool = False
    section: int = -1
    group: int | None = None

    @property
    def of_parameters(self) -> bool:
        """Whether its first column names parameters, and not fields, limits or something else."""
        return bool(self.headers) and self.headers[0].lower().startswith(("parameter", "param", "argument"))


class Admonition(Frozen, frozen=True, kw_only=True):
    """A note, a caution or a warning."""

    kind: str
    line: int
    last: int
    text: str


class Output(Frozen, frozen=True, kw_only=True):
    """Output that the page says a fence gives. ``text`` as it stands there, without marks of comments."""

    line: int
    last: int
    text: str
    fence: int


class Page(Frozen, frozen=True, kw_only=True):
    """All that is on a page. ``path`` as it was given; ``front`` maps a key to its value, ``front_lines`` to its line.

    ``bullets`` and ``paragraphs`` are the prose, as (line, text).
    """

    path: str
    text: str
    front: Mapping[str, str] = {}
    front_lines: Mapping[str, int] = {}
    headings: tuple[Heading, ...] = ()
    fences: tuple[Fence, ...] = ()
    groups: tuple[TabGroup, ...] = ()
    tables: tuple[Table, ...] = ()
    admonitions: tuple[Admonition, ...] = ()
    outputs: tuple[Output, ...] = ()
    prose: tuple[tuple[int, str], ...] = ()
    placeholders: tuple[Placeholder, ...] = ()
    problems: tuple[Problem, ...] = ()

    def code(self, language: str | None = None) -> list[Fence]:
        """The fences of the five languages, or of one."""
        return [fence for fence in self.fences if fence.language and language in (None, fence.language)]

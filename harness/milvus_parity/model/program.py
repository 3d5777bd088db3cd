"""Snippets and programs: what a target runs for a case."""

from collections.abc import Mapping

from milvus_parity.model.scenario import Frozen


class Snippet(Frozen, frozen=True, kw_only=True):
    """A step as a reader of the docs would write it.

    ``text`` ends with a newline. ``names`` are what the template set beside it (``result``, ``value``, ...).
    With ``unsupported`` (why) there is no text: the API cannot say it.
    """

    step: int
    operation: str
    client: str
    client_id: str = "A"
    text: str = ""
    imports: tuple[str, ...] = ()
    names: Mapping[str, str | tuple[str, ...]] = {}
    unsupported: str | None = None


class SourceSpan(Frozen, frozen=True, kw_only=True):
    """Where a step's snippet stands in a file of the program; lines from 1, both inclusive."""

    file: str
    first: int
    last: int
    step: int


class Program(Frozen, frozen=True, kw_only=True):
    """The snippets of a case inside the pack's frame. ``files``: path below the build -> text."""

    name: str
    case: str
    snippets: tuple[Snippet, ...]
    variables: tuple[str, ...] = ()
    files: Mapping[str, str] = {}
    spans: tuple[SourceSpan, ...] = ()

    def step_at(self, file: str, line: int) -> SourceSpan | None:
        """The snippet that a line of a file belongs to; None for a line of the frame."""
        for span in self.spans:
            if span.file == file and span.first <= line <= span.last:
                return span
        return None

"""Prose that speaks of another operation than its page: what was copied from a page about something else."""

import re
from collections.abc import Iterator, Sequence

from milvus_parity.docs.finding import Finding
from milvus_parity.docs.pages import ReadyPage

_INTO = re.compile(r"\breleas\w*\b[^.]{0,40}\b(?:into|to) memory\b", re.IGNORECASE)
_OUT_OF = re.compile(r"\bload\w*\b[^.]{0,40}\bfrom memory\b", re.IGNORECASE)
_LONG = 40
"""Characters from which a sentence is not the same on two pages by chance."""


def check_prose(pages: Sequence[ReadyPage]) -> Iterator[Finding]:
    """Warnings and notes; never errors: prose is not run."""
    for ready in pages:
        page = ready.page
        lines = [*((line, page.front[key]) for key, line in page.front_lines.items()), *page.prose]
        for line, text in lines:
            if _INTO.search(text):
                yield _finding(page.path, line, f"Something is released from memory, not into it: {text}")
            elif _OUT_OF.search(text):
                yield _finding(page.path, line, f"Something is loaded into memory, not from it: {text}")
    yield from _copied(pages)


def _copied(pages: Sequence[ReadyPage]) -> Iterator[Finding]:
    """Sentences of a page about releasing that speak only of loading, and stand on a page about loading as well."""
    loading = {
        text: (ready.page.path, line)
        for ready in pages
        if _operations(ready) <= {"load", "load_collection", "replicas"}
        for line, text in ready.page.prose
    }
    for ready in pages:
        operations = _operations(ready)
        if not operations or not operations <= {"release", "release_collection"}:
            continue
        for line, text in ready.page.prose:
            if len(text) >= _LONG and text in loading and re.search(r"\b[Ll]oad", text):
                path, other = loading[text]
                yield _finding(ready.page.path, line, f"This speaks of loading, as {path}:{other} does.")


def _operations(ready: ReadyPage) -> set[str]:
    return {name for one in ready.ready.values() for name in one.code.operations} - {"connect", "has_collection"}


def _finding(path: str, line: int, message: str) -> Finding:
    return Finding(path=path, line=line, level="prose", kind="prose", severity="warning", message=message)

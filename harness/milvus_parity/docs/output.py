"""Output that a page states: after ``# Output`` in a fence, or in a block right after it."""

import json
import re
from collections.abc import Iterator, Sequence

from milvus_parity.docs.page import Fence, Output

_MARK = re.compile(r"^\s*(?:#|//)\s*(?:expected\s+)?outputs?\s*[:.]?\s*$", re.IGNORECASE)
_COMMENT = re.compile(r"^\s*(?:#|//)\s?")
_OUTPUT_WORDS = frozenset({"", "json", "text", "txt", "plaintext", "output", "console"})
_NEAR = 6
"""Lines between a fence and the block of its output, at most."""


def outputs_of(fences: Sequence[Fence]) -> Iterator[Output]:
    """The outputs that fences state, in their order."""
    previous: Fence | None = None
    for fence in fences:
        if fence.language is not None:
            stated = _in_fence(fence)
            if stated is not None:
                yield stated
            previous = fence
        elif previous is not None and fence.word in _OUTPUT_WORDS and fence.line - previous.last <= _NEAR:
            yield Output(
                line=fence.line + 1, last=max(fence.last - 1, fence.line), text=fence.body, fence=previous.index
            )
            previous = None


def _in_fence(fence: Fence) -> Output | None:
    lines = fence.body.splitlines()
    for at, line in enumerate(lines):
        if not _MARK.match(line):
            continue
        text = []
        for following in lines[at + 1 :]:
            if following.strip() and not _COMMENT.match(following):
                break
            text.append(_COMMENT.sub("", following))
        if any(one.strip() for one in text):
            first = fence.line + at + 2
            return Output(line=first, last=first + len(text) - 1, text="\n".join(text) + "\n", fence=fence.index)
    return None


def looks_like_output(body: str) -> bool:
    """Whether a fence holds data and no code: JSON, or what a program printed."""
    text = body.strip()
    if not text:
        return True
    if text[0] in "{[" and text[-1] in "}]":
        try:
            json.loads(text)
            return True
        except ValueError:
            return "(" not in text and "=" not in text
    return False

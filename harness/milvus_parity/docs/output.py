"""Output that a page states: after ``# Output`` in a fence, or in a block right after it."""

import json
import re
from collections.abc import Iterator, Sequence

from milvus_parity.docs import python_source
from milvus_parity.docs.languages import tab_language
from milvus_parity.docs.page import Fence, Output

_MARK = re.compile(r"^\s*(?:#|//)\s*(?:expected\s+)?outputs?\s*[:.]?\s*$", re.IGNORECASE)
_COMMENT = re.compile(r"^\s*(?:#|//)\s?")
_OUTPUT_WORDS = frozenset({"", "json", "text", "txt", "plaintext", "output", "console"})
_NEAR = 6
"""Lines between a fence and the block of its output, at most."""
CHANGING = re.compile(r"\d{10,}|-?\d+\.\d{5,}")
"""Numbers that are others each time: ids, timestamps, distances."""
_MOST_SHOWN = 100


def outputs_of(fences: Sequence[Fence]) -> Iterator[Output]:
    """The outputs that fences state, in their order. A block after several tabs is any tab's, so it is none's."""
    previous: Fence | None = None
    for fence in fences:
        if fence.language is not None:
            yield from _in_fence(fence)
            previous = None if _one_of_many(fence, fences) else fence
            continue
        if (
            previous is not None
            and fence.word in _OUTPUT_WORDS
            and fence.line - previous.last <= _NEAR
            and (fence.wrapper is None or tab_language(fence.wrapper) == previous.language)
        ):
            yield Output(
                line=fence.line + 1, last=max(fence.last - 1, fence.line), text=fence.body, fence=previous.index
            )
        previous = None


def _one_of_many(fence: Fence, fences: Sequence[Fence]) -> bool:
    return fence.role == "tab" and sum(one.group == fence.group and one.role == "tab" for one in fences) > 1


def _in_fence(fence: Fence) -> Iterator[Output]:
    lines = fence.body.splitlines()
    for at, line in enumerate(lines):
        if not _MARK.match(line):
            continue
        text: list[str] = []
        for following in lines[at + 1 :]:
            if (following.strip() and not _COMMENT.match(following)) or _MARK.match(following):
                break
            if not following.strip() and any(one.strip() for one in text):
                break
            text.append(_COMMENT.sub("", following))
        if any(one.strip() for one in text):
            first = fence.line + at + 2
            yield Output(line=first, last=first + len(text) - 1, text="\n".join(text) + "\n", fence=fence.index)


def looks_like_output(body: str, language: str | None = None) -> bool:
    """Whether a fence holds data and no code: JSON, or what a program printed."""
    text = body.strip()
    if not text:
        return True
    if language == "python" and python_source.is_a_value(body):
        return True
    if text[0] in "{[" and text[-1] in "}]":
        try:
            json.loads(text)
            return True
        except ValueError:
            return "(" not in text and "=" not in text
    return False


def words_in(text: str) -> list[str]:
    """What is compared of an output: its words, without quotes, brackets and case. Loading ends sooner or later."""
    words = re.findall(r"[\w.+-]+", text.lower())
    return [word.strip(".").replace("loading", "loaded") for word in words if word.strip(".")]


def after(wanted: Sequence[str], words: Sequence[str]) -> list[str] | None:
    """What follows the last of the wanted words, which come in this order among others; None when they do not."""
    at = 0
    for word in wanted:
        if word not in words[at:]:
            return None
        at = words.index(word, at) + 1
    return list(words[at:])


def shortened(text: str) -> str:
    """A text in one line, as it is shown in a message."""
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= _MOST_SHOWN else f"{flat[:_MOST_SHOWN]} ...")

"""What info strings, hrefs and fragments of documentation pages call the languages."""

import re
from collections.abc import Mapping

ALIASES: Mapping[str, str] = {
    "python": "python",
    "py": "python",
    "python3": "python",
    "pycon": "python",
    "java": "java",
    "go": "go",
    "golang": "go",
    "javascript": "javascript",
    "js": "javascript",
    "node": "javascript",
    "nodejs": "javascript",
    "node.js": "javascript",
    "csharp": "csharp",
    "c#": "csharp",
    "cs": "csharp",
}
"""Word -> language, for the five languages whose fences are run."""

FRAGMENTS: Mapping[str, tuple[str, ...]] = {
    "multiple_code.md": ("python", "java", "go", "javascript", "shell", "curl"),
    "multiple_sdk.md": ("python", "java", "go", "javascript"),
    "sdk_restful.md": ("python", "java", "go", "javascript", "csharp", "curl"),
}
"""The tabs of the fragments that pages of the branches 2.1 to 2.4 include."""

_WORD = re.compile(r"[\w#+.\-]+")


def word_of(info: str) -> str:
    """The first word of an info string, lower-cased: ``Python:`` is ``python``, ``{=mdx}`` is ``mdx``."""
    found = _WORD.search(info.lower())
    return found[0].strip(".-") if found else ""


def language_of(word: str, aliases: Mapping[str, str] = ALIASES) -> str | None:
    """The language that a word means; None when its fences are not run."""
    return aliases.get(word.strip().lower())


def tab_language(href: str) -> str:
    """What an href such as ``#Python`` or ``?python`` names: a language where it is one, else the word."""
    word = href.strip().lstrip("#?").strip().lower()
    return ALIASES.get(word, word)

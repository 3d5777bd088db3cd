"""Text that Markdown shows as it is, whatever it holds."""

import re

from milvus_parity.report.clean import clean, clip


def plain(text: str) -> str:
    """Text in which nothing is Markdown or HTML, and nobody is mentioned."""
    text = escaped(text)
    for char in "\\`*_[]|#~":
        text = text.replace(char, f"\\{char}")
    return text


def escaped(text: str) -> str:
    """Text in which nothing is HTML, and nobody is mentioned (``go-v1@2.3.6`` mentions nobody)."""
    text = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(?<![A-Za-z0-9])@", "@\u200b", text)


def code_span(text: str, limit: int | None = None) -> str:
    """Text on one line as a code span, fit for a cell of a table; cut to so many characters."""
    line = clip(clean(text).replace("\n", " "), limit).replace("|", "\\|")
    if not line:
        return "(empty)"
    ticks = "`" * (longest_run(line) + 1)
    space = " " if "`" in line[0] + line[-1] else ""
    return f"{ticks}{space}{line}{space}{ticks}"


def longest_run(text: str) -> int:
    """Length of the longest run of backticks."""
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    return longest

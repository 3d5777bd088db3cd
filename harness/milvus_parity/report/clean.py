"""Makes text from SDKs and servers safe to show: nothing in it may move a cursor, change a colour or turn the text."""

import unicodedata

_KEPT = frozenset("\n\t")
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def clean(text: str) -> str:
    """The text with control characters and marks of direction written as escapes; lines and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_shown(char) else _escape(char) for char in text.replace("\r\n", "\n"))


def one_line(text: str, limit: int | None = None) -> str:
    """The text on one line, cut to so many characters."""
    line = " ".join(clean(text).split())
    return line if limit is None or len(line) <= limit else f"{line[: max(limit - 1, 1)]}…"


def _is_shown(char: str) -> bool:
    return char in _KEPT or (char not in _TURNING and unicodedata.category(char) not in ("Cc", "Cs", "Cn"))


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

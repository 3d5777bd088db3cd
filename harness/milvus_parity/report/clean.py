"""Makes text from SDKs and servers safe to show: nothing in it may move a cursor, change a colour or turn the text."""


def clean(text: str) -> str:
    """The text with what cannot be seen (controls, marks of direction, odd spaces) as escapes; lines and tabs stay."""
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    return "".join(char if char.isprintable() or char in "\n\t" else _escape(char) for char in text)


def one_line(text: str, limit: int | None = None) -> str:
    """The text on one line, cut to so many characters."""
    return clip(" ".join(clean(text).split()), limit)


def clip(text: str, limit: int | None) -> str:
    """The text cut to so many characters, with a sign that it was."""
    return text if limit is None or len(text) <= limit else f"{text[: max(limit - 1, 1)]}…"


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

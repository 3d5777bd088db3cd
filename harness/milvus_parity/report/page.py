"""A page of text with rich: lines, titles and indents, with or without colour."""

from collections.abc import Sequence
from io import StringIO

from rich.console import Console
from rich.padding import Padding
from rich.text import Text


class Page:
    """Text that is written line by line. ``labels`` are all targets of the run."""

    def __init__(self, width: int, color: bool, labels: Sequence[str]) -> None:
        self._out = StringIO()
        self._labels = labels
        self.color = color
        self.console = Console(
            file=self._out,
            width=max(width, 40),
            force_terminal=color,
            color_system="standard" if color else None,
            no_color=not color,
            highlight=False,
            emoji=False,
            markup=False,
            legacy_windows=False,
        )

    @property
    def width(self) -> int:
        """Columns."""
        return self.console.width

    def text(self) -> str:
        """All that was written, without blanks at the ends of lines and one newline at the end."""
        lines = (line.rstrip() for line in self._out.getvalue().splitlines())
        return "\n".join(lines).strip("\n") + "\n"

    def short(self, label: str) -> str:
        """The target without its version, where only one version of it was run."""
        name = label.partition("@")[0]
        alike = sum(1 for one in self._labels if one.partition("@")[0] == name)
        return name if alike <= 1 else label

    def shorts(self, labels: Sequence[str]) -> str:
        """Several of them."""
        return ", ".join(map(self.short, labels))

    def title(self, title: str) -> None:
        """A heading."""
        self.blank()
        self.line(title, style="bold underline" if self.color else "")
        if not self.color:
            self.line("-" * len(title))

    def line(self, text: str | Text, indent: int = 0, style: str = "") -> None:
        """A line; one that is too long is wrapped and stays indented."""
        self.console.print(Padding(Text(text, style=style) if isinstance(text, str) else text, (0, 0, 0, indent)))

    def code(self, text: str, indent: int) -> None:
        """Lines that are never wrapped."""
        for line in text.splitlines():
            self.console.print(Text(" " * indent + line), soft_wrap=True)

    def blank(self) -> None:
        """An empty line."""
        self.console.print()

"""Errors that people meet. Each is a sentence: what happened, where, what to do next."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit status means."""

    OK = 0
    """All as expected, or pinned as a known difference."""
    DIFFERENT = 1
    """A difference, or an expectation that failed."""
    BAD_INPUT = 2
    """Bad usage or bad input."""
    COULD_NOT_RUN = 3
    """Something that was asked for could not run."""
    STALE_LEDGER = 4
    """A ledger entry no longer holds."""


class ParityError(Exception):
    """What went wrong, where, and what to do next.

    ``what`` is one sentence; ``where`` is a place such as ``file:line:column``; ``hint`` says what to do next.
    """

    exit_code: ExitCode = ExitCode.COULD_NOT_RUN

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  {self.hint}" if self.hint else text


class BadInputError(ParityError):
    """Something the user wrote cannot be used: an option, a file, a name."""

    exit_code = ExitCode.BAD_INPUT


class NotAvailableError(ParityError):
    """A toolchain, an SDK version, a server or an engine that is needed is not to be had here."""

    exit_code = ExitCode.COULD_NOT_RUN

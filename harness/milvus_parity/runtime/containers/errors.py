"""What goes wrong with a container engine."""

from milvus_parity.model.errors import NotAvailableError


class EngineError(NotAvailableError):
    """The container engine is not there, refuses, or failed at something. Exit code 3."""


class EngineGoneError(EngineError):
    """The engine answered before and does not any more."""

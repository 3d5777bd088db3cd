"""Frozen values that everything else is made of. Nothing here does I/O or imports another part of the package."""

"""Packs: the folders under ``runners/``, and what is rendered from their templates."""

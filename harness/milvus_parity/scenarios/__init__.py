"""Scenario files: read with places, checked, and expanded into cases."""

"""Reports: a verdict and its run as text, JSON, JUnit, Markdown or HTML. Pure: values in, a string out."""

from milvus_parity.report.render import FORMATS, Format, render

__all__ = ["FORMATS", "Format", "render"]

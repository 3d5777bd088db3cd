"""Shows where the Milvus SDKs drift apart, by running the same scenarios through all of them."""

__version__ = "0.1.0"

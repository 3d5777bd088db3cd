"""The Milvus servers that scenarios run against, and the observer that looks at them over a connection of its own."""

"""What the container runtime is made of: the engine, images, the network of a run, workers, and what is left behind.

Everything here speaks to one container engine through the Docker SDK, which blocks: `engine` moves its calls into
threads. Nothing here knows a language; a pack's Dockerfile and pack.toml say all that is needed.
"""

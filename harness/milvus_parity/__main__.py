"""``python -m milvus_parity``."""

from milvus_parity.cli import main

if __name__ == "__main__":
    main()

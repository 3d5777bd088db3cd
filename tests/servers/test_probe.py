import pytest
from milvus_parity.servers.probe import plain_version


@pytest.mark.parametrize(
    ("reported", "plain"),
    [
        ("v2.3.5", "2.3.5"),
        ("v2.3.5-lite", "2.3.5"),
        ("2.6.0", "2.6.0"),
        ("v2.4.0-rc.1", "2.4.0-rc.1"),
        ("2.5-20250101-abcdef", "2.5"),
        ("milvus_lite-3.2.2", "3.2.2"),
        (" master ", "master"),
    ],
)
def test_the_number_in_a_version(reported: str, plain: str) -> None:
    assert plain_version(reported) == plain

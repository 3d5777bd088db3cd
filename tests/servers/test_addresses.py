import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from milvus_parity.model.errors import BadInputError
from milvus_parity.servers.addresses import Address, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost:19530", Address("localhost", 19530)),
        ("10.0.0.7:80", Address("10.0.0.7", 80)),
        ("[::1]:19530", Address("::1", 19530)),
        ("http://milvus", Address("milvus", 19530)),
        ("http://milvus:1234/", Address("milvus", 1234)),
        ("https://in01.example.com", Address("in01.example.com", 443, tls=True)),
        ("https://[fe80::1]:19530", Address("fe80::1", 19530, tls=True)),
    ],
)
def test_addresses_that_are_understood(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("embeded", "neither a kind of server nor an address"),
        ("", "neither a kind of server nor an address"),
        ("ftp://milvus:1", "scheme `ftp`"),
        ("grpc://milvus:1", "scheme `grpc`"),
        ("milvus:", "no port"),
        ("milvus:0", "port 0"),
        ("milvus:65536", "no usable port"),
        ("milvus:port", "no usable port"),
        (":19530", "no usable host"),
        ("a b:19530", "no usable host"),
        ("http://", "no usable host"),
        ("http://milvus/default", "behind the port"),
        ("milvus:1?db=x", "behind the port"),
        ("[::1:19530", "cannot be read"),
    ],
)
def test_addresses_that_are_refused_say_why(text: str, words: str) -> None:
    with pytest.raises(BadInputError) as raised:
        parse_address(text)
    assert words in str(raised.value)
    assert raised.value.hint


def test_credentials_are_refused_and_not_repeated() -> None:
    with pytest.raises(BadInputError) as raised:
        parse_address("http://root:hunter2@milvus:19530")
    assert "MILVUS_PARITY_PASSWORD" in str(raised.value)
    assert "hunter2" not in str(raised.value)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_an_address_or_a_sentence(text: str) -> None:
    try:
        address = parse_address(text)
    except BadInputError:
        return
    assert address.host
    assert 0 < address.port < 65536


@settings(deadline=None)
@given(st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True), st.integers(1, 65535), st.booleans())
def test_what_was_written_is_read(host: str, port: int, tls: bool) -> None:
    assert parse_address(f"{'https' if tls else 'http'}://{host}:{port}") == Address(host, port, tls)

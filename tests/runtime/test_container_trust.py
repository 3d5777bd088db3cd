import hashlib
import ssl
import struct

import certifi
import pytest
from milvus_parity.runtime.containers import trust

ONE = trust.certificates(certifi.contents())[0]


def test_certificates_are_found_between_other_text() -> None:
    text = f"# a company\n{ONE}\nsubject=...\n{ONE}\n"
    assert trust.certificates(text) == [ONE]
    with pytest.raises(ValueError, match="no certificate"):
        trust.certificates("-----BEGIN PRIVATE KEY-----")


def test_a_bundle_holds_the_given_and_the_usual_authorities() -> None:
    own = trust.certificates(certifi.contents())[3]
    joined = trust.certificates(trust.joined_bundle(own))
    assert joined[0] == own
    assert set(joined) == set(trust.certificates(certifi.contents()))


def test_a_truststore_has_the_shape_that_java_reads() -> None:
    store = trust.truststore(ONE)
    magic, version, count = struct.unpack(">III", store[:12])
    assert (magic, version, count) == (0xFEEDFEED, 2, 1)
    assert ssl.PEM_cert_to_DER_cert(ONE) in store
    salt = "changeit".encode("utf-16-be") + b"Mighty Aphrodite"
    assert store[-20:] == hashlib.sha1(salt + store[:-20]).digest()


def test_a_proxy_in_the_words_of_java() -> None:
    options = trust.java_proxy_options(
        {"HTTPS_PROXY": "http://user:word@proxy:3128", "http_proxy": "plain:80", "NO_PROXY": "localhost, .example.com"}
    )
    assert options == (
        "-Dhttp.proxyHost=plain -Dhttp.proxyPort=80 -Dhttps.proxyHost=proxy -Dhttps.proxyPort=3128 "
        "-Dhttps.proxyUser=user -Dhttps.proxyPassword=word -Dhttp.nonProxyHosts=localhost|*.example.com"
    )
    assert trust.java_proxy_options({}) == ""

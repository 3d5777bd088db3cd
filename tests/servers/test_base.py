import subprocess
import sys
from pathlib import Path

import pytest
from milvus_parity.model.errors import BadInputError
from milvus_parity.servers.base import ServerInfo, container_image, server_for
from milvus_parity.servers.embedded import EmbeddedServer
from milvus_parity.servers.external import ExternalServer
from milvus_parity.servers.lite import LiteServer

SECRET = ServerInfo(kind="external", host="::1", port=19530, user="root", password="hunter2", token="api-key")


def test_a_secret_is_in_no_representation() -> None:
    from rich.pretty import pretty_repr

    for shown in (repr(SECRET), str(SECRET), f"{SECRET}", pretty_repr(SECRET), repr([SECRET])):
        assert "hunter2" not in shown
        assert "api-key" not in shown
        assert "root" in shown


def test_the_address_of_ipv6_has_brackets() -> None:
    assert SECRET.address == "[::1]:19530"


@pytest.mark.parametrize(
    ("user", "password", "token", "credential"),
    [("root", "a:b", "", "root:a:b"), ("", "", "", ""), ("", "", "key", "key"), ("root", "", "", "root:")],
)
def test_what_is_said_to_the_server(user: str, password: str, token: str, credential: str) -> None:
    info = ServerInfo(kind="external", host="h", port=1, user=user, password=password, token=token)
    assert info.credential == credential


@pytest.mark.parametrize(
    ("option", "image"),
    [
        ("container", "milvusdb/milvus:v2.3.5"),
        ("container:v2.4.0", "milvusdb/milvus:v2.4.0"),
        ("container:registry.example.com/milvus:v2.4.0", "registry.example.com/milvus:v2.4.0"),
        ("container:milvus:test", "milvus:test"),
        ("container:milvus@sha256:00", "milvus@sha256:00"),
    ],
)
def test_images(option: str, image: str) -> None:
    assert container_image(option) == image


@pytest.mark.parametrize(
    ("option", "kind"), [("embedded", EmbeddedServer), (" lite ", LiteServer), ("localhost:1", ExternalServer)]
)
def test_each_option_has_its_server(option: str, kind: type, tmp_path: Path) -> None:
    server = server_for(option, cache_dir=tmp_path, environ={}, on_progress=print)
    assert isinstance(server, kind)
    assert not server.alive()
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_kind_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="embeded"):
        server_for("embeded", cache_dir=tmp_path, environ={}, on_progress=print)


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    modules = ["base", "embedded", "lite", "external", "observer", "errors", "messages"]
    program = "; ".join(f"import milvus_parity.servers.{name}" for name in modules)
    heavy = {"grpc", "pymilvus", "google.protobuf", "psutil", "ruamel.yaml"}
    program += f"; import sys; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

import io
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from milvus_parity.servers.configuration import (
    COMPONENTS,
    PORT_COUNT,
    Ports,
    as_yaml,
    environment,
    etcd_settings,
    milvus_settings,
)
from ruamel.yaml import YAML

PORTS = Ports.of(range(20000, 20000 + PORT_COUNT))
TEMPLATE: dict[str, Any] = {
    "etcd": {"endpoints": None, "rootPath": "by-dev", "use": {"embed": True}},
    "proxy": {"ip": None, "port": None, "maxNameLength": 255},
    "log": {"level": "info", "file": {"rootPath": None}},
    "common": {"storageType": "local", "security": {"authorizationEnabled": None}},
    "indexCoord": None,
}


def leaves(tree: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {path: tree}
    return {name: value for key, sub in tree.items() for name, value in leaves(sub, f"{path}.{key}".strip(".")).items()}


def test_every_component_has_a_port_of_its_own() -> None:
    settings = leaves(milvus_settings(TEMPLATE, Path("/data"), PORTS))
    ports = [settings[f"{name}.port"] for name in COMPONENTS] + [settings["proxy.internalPort"], PORTS.metrics]
    assert sorted(ports) == list(range(20000, 20000 + PORT_COUNT))
    assert settings["proxy.port"] == PORTS.proxy


def test_authorisation_is_on_and_inner_traffic_stays_on_the_machine() -> None:
    settings = leaves(milvus_settings(TEMPLATE, Path("/data"), PORTS))
    assert settings["common.security.authorizationEnabled"] is True
    assert {settings[f"{name}.ip"] for name in COMPONENTS} == {"127.0.0.1"}


def test_everything_is_written_below_the_folder() -> None:
    settings = leaves(milvus_settings(TEMPLATE, Path("/data"), PORTS))
    for name in ("etcd.data.dir", "etcd.config.path", "localStorage.path", "rocksmq.path"):
        assert Path(settings[name]).is_relative_to("/data")
    assert settings["log.file.rootPath"] == ""


def test_what_the_template_says_besides_stays_and_the_template_too() -> None:
    before = repr(TEMPLATE)
    settings = leaves(milvus_settings(TEMPLATE, Path("/data"), PORTS))
    assert settings["proxy.maxNameLength"] == 255
    assert settings["etcd.use.embed"] is True
    assert repr(TEMPLATE) == before


def test_etcd_opens_no_port() -> None:
    urls = {name: value for name, value in etcd_settings().items() if name.endswith("urls")}
    assert len(urls) == 4
    assert all(str(url).startswith("unix://") for url in urls.values())


def test_nothing_of_the_users_environment_reaches_the_server() -> None:
    names = set(environment(Path("/data"), Path("/lib"), PORTS))
    assert names == {
        "HOME", "TMPDIR", "PATH", "LD_LIBRARY_PATH", "DEPLOY_MODE", "METRICS_PORT", "MILVUS_RUN_DIR",
    }  # fmt: skip


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_a_folder_of_any_name_is_read_back_as_it_is(name: str) -> None:
    folder = Path("/data") / name
    written = as_yaml(milvus_settings(TEMPLATE, folder, PORTS))
    read = YAML(typ="safe").load(io.BytesIO(written))
    assert read["rocksmq"]["path"] == str(folder / "data" / "rocksmq")

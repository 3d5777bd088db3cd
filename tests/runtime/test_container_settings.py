from pathlib import Path

import pytest
from milvus_parity.model.errors import BadInputError
from milvus_parity.runtime.containers.settings import ContainerSettings, settings_from, size_words


def test_nothing_said_is_the_default() -> None:
    assert settings_from({}) == ContainerSettings()
    assert not settings_from({}).prepares_base


def test_all_that_can_be_said(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    settings = settings_from(
        {
            "MILVUS_PARITY_BASE_PYTHON": "mirror/python:3.12",
            "MILVUS_PARITY_BASE_GO": "",
            "MILVUS_PARITY_CA_BUNDLE": str(bundle),
            "MILVUS_PARITY_BUILD_ENV": "HTTPS_PROXY, PIP_INDEX_URL,NOT_SET",
            "MILVUS_PARITY_BUILD_FILES": f"{bundle}:/root/.npmrc",
            "MILVUS_PARITY_WORKER_MEMORY": "512m",
            "MILVUS_PARITY_WORKER_CPUS": "0.5",
            "MILVUS_PARITY_WORKER_PROCESSES": "100",
            "MILVUS_PARITY_WORKER_SCRATCH": "16MiB",
            "MILVUS_PARITY_BUILD_MEMORY": "8g",
            "MILVUS_PARITY_PARALLEL_BUILDS": "2",
            "HTTPS_PROXY": "http://proxy:3128",
            "PIP_INDEX_URL": "https://mirror/simple",
            "SECRET": "not passed on",
        }
    )
    assert settings.bases == {"python": "mirror/python:3.12"}
    assert settings.ca_bundle == bundle
    assert settings.build_environment == {
        "HTTPS_PROXY": "http://proxy:3128",
        "PIP_INDEX_URL": "https://mirror/simple",
    }
    assert settings.build_files == {"/root/.npmrc": bundle}
    worker = settings.worker
    assert (worker.memory, worker.cpus, worker.processes, worker.scratch) == (512 << 20, 0.5, 100, 16 << 20)
    assert (settings.build.memory, settings.parallel) == (8 << 30, 2)
    assert settings.prepares_base


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CA_BUNDLE", "/nowhere/ca.pem"),
        ("BUILD_FILES", "/nowhere:/root/.npmrc"),
        ("BUILD_FILES", "/etc/hosts"),
        ("BUILD_FILES", "/etc/hosts:relative"),
        ("WORKER_MEMORY", "much"),
        ("WORKER_MEMORY", "0"),
        ("BUILD_MEMORY", "-1g"),
        ("WORKER_CPUS", "two"),
        ("WORKER_CPUS", "0"),
        ("PARALLEL_BUILDS", "1e9x"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(BadInputError) as raised:
        settings_from({f"MILVUS_PARITY_{name}": value})
    assert raised.value.where == f"MILVUS_PARITY_{name}"


@pytest.mark.parametrize(
    ("size", "words"),
    [(512, "512 B"), (1 << 20, "1 MiB"), (1 << 30, "1 GiB"), (1536 << 20, "1.5 GiB"), (1 << 40, "1024 GiB")],
)
def test_sizes_in_words(size: int, words: str) -> None:
    assert size_words(size) == words


def test_only_compilers_have_a_disk() -> None:
    settings = settings_from({"MILVUS_PARITY_BUILD_DISK": "8g", "MILVUS_PARITY_WORKER_DISK": "1g"})
    assert (settings.build.disk, settings.worker.disk) == (8 << 30, 0)
    assert settings_from({}).build.disk == 4 << 30

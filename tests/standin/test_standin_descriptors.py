"""What is left of pymilvus' descriptors when only some RPCs are needed."""

from pathlib import Path
from types import ModuleType

import pymilvus
import pytest
from google.protobuf.descriptor_pool import DescriptorPool

GENERATED = Path(pymilvus.__file__).parent / "grpc_gen"


def test_keeps_what_the_methods_need_and_what_travels_as_bytes(standin: ModuleType) -> None:
    kept = standin.pruned_descriptors(GENERATED, methods=["DropPartition"])
    messages = {message.name for file in kept.file for message in file.message_type}
    assert {"DropPartitionRequest", "Status", "MsgBase", "CollectionSchema", "PlaceholderGroup"} <= messages
    assert not {"CreatePartitionRequest", "QueryResults"} & messages
    (service,) = (service for file in kept.file for service in file.service)
    assert [method.name for method in service.method] == ["DropPartition"]


def test_stands_by_itself(standin: ModuleType) -> None:
    """Files come after those that they import, and no option needs a definition that was cut away."""
    kept = standin.pruned_descriptors(GENERATED, methods=standin._called_methods())
    pool = DescriptorPool()
    for file in kept.file:
        pool.Add(file)
    assert not any(name.startswith("google/") for file in kept.file for name in file.dependency)
    assert {file.options.csharp_namespace for file in kept.file} == {"Milvus.Client.Grpc"}
    stats = pool.FindMessageTypeByName("milvus.proto.milvus.FlushResponse").fields_by_name["coll_segIDs"]
    assert stats.message_type.GetOptions().map_entry


def test_says_which_method_is_not_there(standin: ModuleType) -> None:
    with pytest.raises(standin.StandinError, match=r"MilvusService in .* lacks DropPage, DropShelf"):
        standin.pruned_descriptors(GENERATED, methods=["DropShelf", "DropPartition", "DropPage"])


def test_says_that_there_are_no_descriptors(standin: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "other_pb2.py").write_text("DESCRIPTOR = None\n", encoding="utf-8")
    with pytest.raises(standin.StandinError, match="has no descriptor of MilvusService"):
        standin.pruned_descriptors(tmp_path, methods=["DropPartition"])


def test_says_that_dotnet_is_missing(standin: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(standin.StandinError, match="There is no no-such-dotnet"):
        standin.build(tmp_path / "feed", tmp_path / "work", dotnet="no-such-dotnet", package_sources=[])
    assert not (tmp_path / "feed").exists()

import pytest
from milvus_parity.model.errors import ExitCode
from milvus_parity.servers.errors import (
    ObserverError,
    RpcRefusedError,
    ServerGone,
    database_missing,
    has_aliases,
    not_loaded,
    something_missing,
)


def error(code: int | str, reason: str) -> ObserverError:
    return ObserverError("Query", "db", code, reason)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (800, "database not found[database=x]"),
        (6, "database 'x' does not exist"),
        (1, "database:x not found"),
        (65535, "can't find database: x"),
    ],
)
def test_a_missing_database_is_known(code: int, reason: str) -> None:
    assert database_missing(error(code, reason))
    assert something_missing(error(code, reason))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (100, "collection not found[database=x][collection=y]"),
        (4, "collection 'y' does not exist"),
        (1, "can't find collection: y"),
        (200, "partition not found[partition=p]"),
        (700, "index not found[collection=y]"),
        (1600, "alias not found"),
    ],
)
def test_something_else_missing_is_no_missing_database(code: int, reason: str) -> None:
    assert something_missing(error(code, reason))
    assert not database_missing(error(code, reason))


@pytest.mark.parametrize(
    "reason",
    [
        "database:x not empty, must drop all collections before drop database",
        "partition cannot be dropped, partition is loaded, please release it first",
        "unable to drop the collection [y] because it has associated aliases [a], please remove all aliases first",
        "",
    ],
)
def test_a_refusal_is_not_taken_for_something_missing(reason: str) -> None:
    assert not something_missing(error(65535, reason))


def test_an_alias_in_the_way_and_what_is_not_loaded() -> None:
    assert has_aliases(error(65535, "unable to drop the collection [y] because it has associated aliases [a]"))
    assert not has_aliases(error(65535, "rate limit exceeded"))
    assert not_loaded(error(201, "partition not loaded[partition=1]"))
    assert not_loaded(error(101, "collection y"))
    assert not not_loaded(error(65535, "partition is loaded"))


def test_sentences_name_the_call_the_place_and_the_reason() -> None:
    words = str(error(65535, "no way"))
    assert all(part in words for part in ("Query", "`db`", "65535", "no way"))
    assert "default database" in str(ObserverError("ListDatabases", "", 1, ""))
    gone = ServerGone("Query", "db", "the connection failed", address="h:1")
    assert "h:1 did not answer" in str(gone)
    assert gone.hint
    assert {error(1, "").exit_code, gone.exit_code} == {ExitCode.COULD_NOT_RUN}
    assert RpcRefusedError("Query", "", "UNAUTHENTICATED", "").unauthenticated
    assert RpcRefusedError("Query", "", "UNIMPLEMENTED", "").unimplemented
    assert not gone.unauthenticated

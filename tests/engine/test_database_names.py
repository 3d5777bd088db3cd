"""Databases on a server that stays tell whose they are."""

import asyncio
import subprocess
import sys
import time

from engine_fakes import FakeKeeper
from hypothesis import given
from hypothesis import strategies as st
from milvus_parity.engine.database_names import abandoned, database_name, name_prefix
from milvus_parity.engine.databases import sweep
from milvus_parity.model.scenario import MAIN_DATABASE


def name_of_another() -> str:
    """A name that a process which has ended gave."""
    code = (
        "from milvus_parity.engine.database_names import *; print(database_name(name_prefix(), 1, 'shelf'), flush=True)"
    )
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    ).stdout.strip()


def test_what_lives_is_not_abandoned() -> None:
    prefix = name_prefix()
    assert abandoned([database_name(prefix, 1, MAIN_DATABASE), database_name(prefix, 2, "shelf")]) == []


def test_what_a_process_has_left_is_abandoned() -> None:
    left = name_of_another()
    assert left.endswith("_1_shelf")
    assert abandoned(["default", left]) == [left]


def test_a_process_id_that_is_somebody_elses_by_now_is_no_life() -> None:
    words = name_prefix().split("_")
    words[4] = "0" * 6 if words[4] != "0" * 6 else "1" * 6
    name = database_name("_".join(words), 1, MAIN_DATABASE)
    assert abandoned([name]) == [name]


def test_what_another_machine_made_is_left_alone_for_a_day() -> None:
    def made(seconds_ago: float) -> str:
        words = name_prefix().split("_")
        words[1] = f"{int(time.time() - seconds_ago):08x}"
        words[2] = "abcdef" if words[2] != "abcdef" else "fedcba"
        return database_name("_".join(words), 3, MAIN_DATABASE)

    old = made(25 * 3600)
    assert abandoned([made(23 * 3600), old]) == [old]


@given(st.text())
def test_names_of_others_are_never_touched(name: str) -> None:
    assert abandoned([name, f"parity_{name}", f"parity_1_{name}"]) == []


def test_a_sweep_removes_what_is_abandoned_and_nothing_else() -> None:
    async def swept() -> tuple[list[str], list[str]]:
        keeper = FakeKeeper()
        mine = database_name(name_prefix(), 1, MAIN_DATABASE)
        left = name_of_another()
        for name in ("books", mine, left):
            await keeper.create_database(name)
        assert await sweep(keeper) == [left]
        return await keeper.list_databases(), ["default", "books", mine]

    found, wanted = asyncio.run(swept())
    assert found == wanted

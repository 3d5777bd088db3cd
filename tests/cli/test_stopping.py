"""Told to stop once, twice, too late: what was made is always taken away."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Told = Callable[..., tuple[int, str, str]]

WORK = """
import asyncio, sys
import click
import milvus_parity.cli as cli
from milvus_parity.cli import stopping

def say(word):
    print(word, flush=True)

async def take_away():
    say("cleaning")
    await asyncio.sleep(0.6)
    say("clean")

async def main(kind):
    async with stopping.CleaningStack() as stack:
        stack.push_async_callback(take_away)
        say("working")
        if kind == "long":
            await asyncio.sleep(60)
        if kind == "run":
            told = asyncio.Event()
            with stopping.stopped_by_signals(told.set):
                say("running")
                await told.wait()
            say("stopped")
    return 0

cli.group = click.Command("work", callback=lambda: stopping.run(main(sys.argv[1])))
cli.main([])
"""


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """Starts the work; at each word that it says, sends a signal. Its exit status, and what it said to whom."""

    def told(kind: str, *words: tuple[str, signal.Signals]) -> tuple[int, str, str]:
        with (tmp_path / "errors").open("w+") as errors:
            process = subprocess.Popen(
                [sys.executable, "-c", WORK, kind], stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert process.stdout is not None
        said = ""
        for word, number in words:
            while not said.endswith(f"{word}\n"):
                line = process.stdout.readline()
                assert line, said
                said += line
            process.send_signal(number)
            time.sleep(0.1)
        said += process.stdout.read()
        complaints = (tmp_path / "errors").read_text()
        assert "Traceback" not in complaints
        return process.wait(30), said, complaints

    return told


TERM, INT = signal.SIGTERM, signal.SIGINT


@pytest.mark.parametrize("number", [TERM, INT])
def test_work_is_given_up_and_cleaned_up(number: signal.Signals, told: Told) -> None:
    status, said, _ = told("long", ("working", number))
    assert (said, status) == ("working\ncleaning\nclean\n", 130)


@pytest.mark.parametrize("number", [TERM, INT])
def test_being_told_again_changes_nothing(number: signal.Signals, told: Told) -> None:
    status, said, errors = told("long", ("working", number), ("cleaning", number), ("cleaning", number))
    assert (said, status) == ("working\ncleaning\nclean\n", 130)
    assert errors.count("Taking away what was made; this takes a moment.") == 2


def test_being_told_while_it_cleans_up_by_itself(told: Told) -> None:
    status, said, _ = told("short", ("cleaning", TERM), ("cleaning", TERM))
    assert (said, status) == ("working\ncleaning\nclean\n", 0)


def test_a_run_is_stopped_and_then_cleaned_up(told: Told) -> None:
    status, said, _ = told("run", ("running", TERM), ("cleaning", TERM), ("cleaning", INT))
    assert (said, status) == ("working\nrunning\nstopped\ncleaning\nclean\n", 0)


def test_who_insists_on_the_keyboard_is_heard(told: Told) -> None:
    status, said, _ = told("long", ("working", INT), *[("cleaning", INT)] * 4)
    assert (said, status) == ("working\ncleaning\n", 130)

"""Ctrl-C and SIGTERM: work is given up when told to, and what was made is taken away all the same.

Whoever stops a process by SIGTERM often says it twice, and the second time must not end it in the middle of removing
its containers: from the moment on at which work is given up, or has ended by itself, the removal is waited for.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TypeVar

import click

_Result = TypeVar("_Result")

SIGNALS = (signal.SIGINT, signal.SIGTERM)

PATIENCE = 3
"""So often Ctrl-C is answered by a word while things are taken away; then it ends all, and the next run removes what
is left."""


class _Stopper:
    """What a signal means now."""

    def __init__(self, task: "asyncio.Task[Any]") -> None:
        self.instead: Callable[[], None] | None = None
        self.cleaning = False
        self._task = task
        self._given_up = False
        self._pressed = 0

    def told(self, number: int) -> None:
        if self.cleaning or self._given_up:
            self._pressed += number == signal.SIGINT
            if self._pressed > PATIENCE:
                raise KeyboardInterrupt
            click.echo("Taking away what was made; this takes a moment.", err=True)
        elif self.instead is not None:
            self.instead()
        else:
            self._given_up = True
            self._task.cancel()


_stopper: ContextVar[_Stopper | None] = ContextVar("stopper", default=None)


def run(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a coroutine in the main thread. Raises KeyboardInterrupt when it was told to stop and has cleaned up."""
    try:
        return asyncio.run(_stoppable(work))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _stoppable(work: Coroutine[Any, Any, _Result]) -> _Result:
    task = asyncio.current_task()
    assert task is not None
    stopper = _Stopper(task)
    _stopper.set(stopper)
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        loop.add_signal_handler(number, stopper.told, number)
    try:
        return await work
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])


@contextlib.contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` for Ctrl-C and SIGTERM, instead of giving up; in a loop that `run` did not start as well."""
    if (stopper := _stopper.get()) is not None:
        stopper.instead = stop
        try:
            yield
        finally:
            stopper.instead = None
        return
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


def cleaning() -> None:
    """From now on things are taken away, and no signal ends that."""
    if (stopper := _stopper.get()) is not None:
        stopper.cleaning = True


class CleaningStack(contextlib.AsyncExitStack):
    """A stack of what is to be taken away at the end, which no signal ends."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        cleaning()
        return await super().__aexit__(kind, error, trace)

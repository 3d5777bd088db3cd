"""Drives executions through a worker by hand, as the tests of packs' workers do."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from milvus_parity.engine.worker import Answer, CrashedError, Session

Executed = tuple[list[Answer], str | None]
"""What the steps of an execution answered, and how it crashed, where it did."""


async def execute(session: Session, case: str, program: str, steps: int, *, kill: Sequence[str] = ()) -> Executed:
    """Run one execution; those named in ``kill`` are ended in the middle of each of their steps."""
    answers: list[Answer] = []
    await session.run(case, program, {"address": "nowhere"})
    try:
        if steps:
            await session.waiting(case)
        for step in range(1, steps + 1):
            await session.say("go", case, step)
            if case in kill:
                await asyncio.sleep(0.5)
                await session._send({"kill": case})
            answers.append(await session.next(case))
        assert (await session.next(case)).done
    except CrashedError as crash:
        return answers, str(crash)
    return answers, None


async def execute_all(
    session: Session, names: Mapping[str, str], programs: Mapping[str, Sequence[Any]], *, kill: Sequence[str] = ()
) -> dict[str, Executed]:
    """Run all ``programs`` (case -> its steps) at once; ``names`` maps case to the program's name in the build."""
    results = await asyncio.gather(
        *(execute(session, case, name, len(programs[case]), kill=kill) for case, name in names.items())
    )
    return dict(zip(names, results, strict=True))

"""Ask an SDK what its calls take: a program like any other, run by a worker, without a server."""

import asyncio
from collections.abc import Mapping

import msgspec

from milvus_parity.docs.tables import NONE, Call, Signatures
from milvus_parity.engine.worker import CrashedError, Session, WorkerGoneError
from milvus_parity.model.errors import ParityError
from milvus_parity.model.program import Program
from milvus_parity.model.scenario import SdkStep
from milvus_parity.packs.pack import Pack
from milvus_parity.packs.render import Renderer
from milvus_parity.runtime.base import Progress, Runtime, Sdk

_SECONDS = 60.0
_NAME = "signatures"


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    calls: Mapping[str, Call] = {}
    words: tuple[str, ...] = ()
    members: Mapping[str, tuple[str, ...]] = {}


async def ask(runtime: Runtime, sdk: Sdk, pack: Pack, authorization: bool, progress: Progress) -> Signatures:
    """What the SDK's calls take; nothing known where the pack has no template for the question, or it fails."""
    folders = [pack.folder / folder for folder in pack.spec.targets[sdk.target.name].templates]
    if not any((folder / f"signatures.{pack.spec.extension}.jinja").exists() for folder in folders):
        return NONE
    renderer = Renderer(pack, sdk.target, authorization=authorization)
    snippet = renderer.snippet(SdkStep(id=1, operation=_NAME))
    program = renderer.assemble(_NAME, _NAME, (snippet,), [])
    try:
        build = await runtime.build(sdk, renderer.sources([program]), progress)
        session = Session(await runtime.launch(build), sdk.target.label)
        try:
            async with asyncio.timeout(_SECONDS):
                await session.start(pack.spec.worker.start_timeout)
                value = await _run(session, program)
        finally:
            await session.close()
        answer = msgspec.json.decode(value, type=_Answer) if isinstance(value, str) else msgspec.convert(value, _Answer)
    except (ParityError, WorkerGoneError, CrashedError, TimeoutError, msgspec.MsgspecError, OSError) as error:
        progress(f"{sdk.target.label} does not tell what its calls take: {error}")
        return NONE
    return Signatures(calls=answer.calls, words=frozenset(answer.words), members=answer.members)


async def _run(session: Session, program: Program) -> object:
    await session.run(_NAME, program.name, {})
    await session.waiting(_NAME)
    await session.say("go", _NAME, 1)
    answer = await session.next(_NAME)
    return answer.value

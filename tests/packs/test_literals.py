"""Arbitrary strings survive as literals into every language, byte for byte, through the real compilers."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from milvus_parity.cli.options import cache_folder
from milvus_parity.engine.build import build_all
from milvus_parity.engine.worker import Session
from milvus_parity.model.scenario import Case, Location, SdkStep
from milvus_parity.packs.discover import all_target_names, discover, packaged, target_of, version_for
from milvus_parity.packs.render import Renderer
from milvus_parity.runtime.process import ProcessRuntime

PACKS = discover([packaged("runners")])
NASTY = [
    "",
    " ",
    "\0",
    "\n",
    "\r\n",
    "\t\v\f\b\a\x1b",
    "\\",
    "\\\\n",
    "\\u0041",
    "\\x41",
    "\\N{BULLET}",
    '"',
    "'",
    "`",
    '"""',
    "'''",
    '";}//',
    "*/ /*",
    "//",
    "#{x}",
    "${x}",
    "$x",
    "{x}",
    "{{x}}",
    "{% x %}",
    "%s%d%n",
    "%",
    "\x7f\x80\x9f\xa0\xad",
    "é",
    "e\u0301",
    "\u200b\u200d\u2028\u2029\u202e\u2066\ufeff\ufffe\uffff",
    "\ue000",
    "😀",
    "\U0010ffff",
    "поэзия",
    "诗",
    "\u0007\u00075",
    "\x001",
    "a\\",
    'a\\"',
    "\\\n",
    "?" + "?/",
    "</script>",
    "x" * 3000,
]
TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=40, max_size=80)


async def echoed(name: str, texts: list[str]) -> list[object]:
    """What comes back of some texts that went through the compiler of a target as literals."""
    pack = all_target_names(PACKS)[name]
    import os

    version = os.environ.get("CSHARP_VERSION") if name == "csharp" else None
    target = target_of(pack, name, version or version_for(pack.spec.targets[name].versions, "2.3.5"))
    runtime = ProcessRuntime(cache_folder())
    try:
        missing = await runtime.missing(pack)
        if missing is not None:
            pytest.skip(f"{name} is not available here: {missing.what}")
        steps = tuple(SdkStep(id=at, operation="echo", arguments={"text": text}) for at, text in enumerate(texts, 1))
        case = Case(id="t/echo", title="Echo", scenario="t/echo", location=Location(file="f", line=1), steps=steps)
        renderer = Renderer(pack, target)
        program = renderer.program(case, 1)
        sdk = await runtime.resolve(pack, target, lambda _line: None)
        built = await build_all(runtime, sdk, renderer, [program], {case.id: case}, lambda _line: None)
        assert built.build is not None, built.refused
        session = Session(await runtime.launch(built.build), target.label)
        await session.start(60)
        variables = dict.fromkeys(program.variables, "")
        await session.run("e1", program.name, variables)
        await session.waiting("e1")
        back: list[object] = []
        for step in steps:
            await session.say("go", "e1", step.id)
            answer = await session.next("e1")
            assert answer.outcome == "returned", answer
            back.append(answer.value)
        assert (await session.next("e1")).done
        await session.close()
        return back
    finally:
        await runtime.close()
        for folder in (Path(cache_folder()) / "builds").glob(f"{target.label.replace('/', '_')}/*.lock"):
            folder.unlink(missing_ok=True)


@pytest.mark.e2e
@pytest.mark.parametrize("name", sorted(all_target_names(PACKS)))
def test_nasty_strings_survive(name: str) -> None:
    assert asyncio.run(echoed(name, NASTY)) == NASTY


@pytest.mark.e2e
@pytest.mark.parametrize("name", sorted(all_target_names(PACKS)))
@settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.large_base_example,
        HealthCheck.data_too_large,
    ],
)
@given(texts=TEXTS)
def test_arbitrary_strings_survive(name: str, texts: list[str]) -> None:
    assert asyncio.run(echoed(name, texts)) == texts

"""Write the block of a page for a scenario: tabs, a fence a language, parameter tables. Pure."""

import re
from collections.abc import Mapping, Sequence

from milvus_parity.docs.dialect import Dialect
from milvus_parity.docs.page import LANGUAGES
from milvus_parity.model.operations import OPERATIONS
from milvus_parity.model.scenario import Case, SdkStep
from milvus_parity.packs.render import Renderer

_ABOUT: Mapping[str, str] = {
    "collection": "Name of the collection.",
    "partition": "Name of the partition.",
    "partitions": "Names of the partitions.",
}
_LEFT_OUT = frozenset({"connect", "close", "use", "echo"})


def blocks(case: Case, renderers: Sequence[Renderer], dialects: Mapping[str, Dialect]) -> str:
    """The blocks of a case, one a step, as pages have them; with a heading each when there are several.

    The steps that connect are left out: pages tell of that elsewhere.
    """
    steps = [step for step in case.steps if isinstance(step, SdkStep) and step.operation not in _LEFT_OUT]
    ordered = sorted(renderers, key=lambda one: _order(one.target.language))
    found = []
    for step in steps:
        heading = f"## {OPERATIONS[step.operation].about}\n\n" if len(steps) > 1 else ""
        found.append(heading + _block(step, ordered, dialects))
    return "\n".join(found)


def _order(language: str) -> tuple[int, str]:
    return (LANGUAGES.index(language) if language in LANGUAGES else len(LANGUAGES), language)


def _block(step: SdkStep, renderers: Sequence[Renderer], dialects: Mapping[str, Dialect]) -> str:
    tabs = ['<div class="multipleCode">']
    fences: list[str] = []
    tables: list[str] = []
    for renderer in renderers:
        language = renderer.target.language
        dialect = dialects[language]
        snippet = renderer.snippet(step)
        if snippet.unsupported is not None:
            continue
        tabs.append(f'  <a href="#{language}">{dialect.spec.label or language}</a>')
        fences.append(f"```{language}\n{snippet.text}```\n")
        parameters = _parameters(step, snippet.text, dialect)
        if parameters:
            tables.append(_table(language, parameters))
    tabs.append("</div>\n")
    return "\n".join(["\n".join(tabs), *fences, *tables])


def _parameters(step: SdkStep, text: str, dialect: Dialect) -> dict[str, str]:
    found: dict[str, str] = {}
    operation = OPERATIONS[step.operation]
    for argument, kind in operation.arguments.items():
        if argument not in step.arguments or kind not in _ABOUT:
            continue
        mark = next(
            (
                one
                for one in dialect.spec.parameters
                if one.argument == argument and (not one.pattern or re.search(one.pattern, text))
            ),
            None,
        )
        if mark is None or (argument == "collection" and dialect.language == "python" and mark.name not in text):
            continue
        found[mark.name] = _ABOUT[kind]
    return found


def _table(language: str, parameters: Mapping[str, str]) -> str:
    rows = "".join(
        f"    <tr>\n      <td><code>{name}</code></td>\n      <td>{about}</td>\n    </tr>\n"
        for name, about in parameters.items()
    )
    return (
        f'<table class="language-{language}">\n  <thead>\n    <tr>\n      <th>Parameter</th>\n'
        f"      <th>Description</th>\n    </tr>\n  </thead>\n  <tbody>\n{rows}  </tbody>\n</table>\n"
    )

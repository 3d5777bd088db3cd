"""Tabs that do something else than their heading says and another tab does: the wrong fence was put there."""

import re
from collections.abc import Iterator

from milvus_parity.docs.finding import Finding
from milvus_parity.docs.pages import Ready, ReadyPage

_ABOUT = re.compile(
    r"\b(create|drop|load|release|rename|alter)\w*\s+(?:an?\s+|the\s+|specific\s+)*(partition|collection|index|alias)",
    re.IGNORECASE,
)
_CHANGES = re.compile(r"^(?:create|drop|load(?!_state)|release|rename|alter|insert|upsert|delete)")


def check_topics(ready: ReadyPage) -> Iterator[Finding]:
    """Warnings; never errors: a heading is no promise."""
    page = ready.page
    for number, heading in enumerate(page.headings):
        said = _ABOUT.findall(heading.text)
        if len(said) != 1:
            continue
        verb, noun = (word.lower() for word in said[0])
        operation = verb if noun == "partition" else f"{verb}_{noun}"
        tabs: dict[str, list[Ready]] = {}
        for one in ready.ready.values():
            fence = one.code.fence
            if fence.section == number and fence.language:
                tabs.setdefault(fence.language, []).append(one)
        done = {language: {name for one in held for name in one.code.operations} for language, held in tabs.items()}
        right = sorted(language for language, names in done.items() if operation in names)
        if not right:
            continue
        for language, held in tabs.items():
            others = sorted(name for name in done[language] if _CHANGES.match(name))
            if operation in done[language] or not others or any(one.code.other_calls for one in held):
                continue
            use = next(use for one in held for use in one.code.uses if use.operation == others[0])
            fence = next(one.code.fence for one in held if use in one.code.uses)
            line, column = fence.place(use.line, use.column)
            yield Finding(
                path=page.path,
                line=line,
                column=column,
                level="effect",
                kind="other operation",
                severity="warning",
                language=language,
                message=(
                    f"Under the heading {heading.text!r} this does not {verb} {_article(noun)} {noun}, as the tab in "
                    f"{right[0]} does: it does {', '.join(name.replace('_', ' ') for name in others)}."
                ),
                fence=(fence.line, fence.last),
            )


def _article(noun: str) -> str:
    return "an" if noun[0] in "ai" else "a"

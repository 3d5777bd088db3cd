"""Messages without the names that a step was given, so that the same message about other names is the same."""

import json
import re

from milvus_parity.model.scenario import SdkStep

HOLE = "\ufffc"
"""Stands where a name stood."""


def template_of(text: str, step: SdkStep | None) -> str:
    """The text with the step's own words (arguments that are texts) taken out, in whatever way they are quoted.

    A word that is blank or a single character is only taken out between quotes: it is everywhere otherwise.
    """
    if step is None:
        return text
    words = sorted({word for word in step.arguments.values() if isinstance(word, str) and word}, key=len, reverse=True)
    for word in words:
        spellings = {
            word,
            word.strip(),
            repr(word)[1:-1],
            json.dumps(word)[1:-1],
            json.dumps(word, ensure_ascii=False)[1:-1],
        }
        for spelling in sorted(spellings, key=len, reverse=True):
            if len(spelling.strip()) > 1:
                text = text.replace(spelling, HOLE)
            else:
                text = re.sub(f"(['\"`“]){re.escape(spelling)}(['\"`”])", rf"\1{HOLE}\2", text)
    return text


def pattern_of(template: str) -> str:
    """A regular expression for all messages of a template."""
    return ".*".join(re.escape(part) for part in template.split(HOLE))

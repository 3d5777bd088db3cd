"""Reads what an SDK gave back by the rules of its pack (``[[outcome]]`` in pack.toml; class Rule says how)."""

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import translate

import msgspec

from milvus_parity.model.scenario import Result
from milvus_parity.model.target import Rule
from milvus_parity.model.trace import Channel, Raised, StepTrace

_LAST_PART = re.compile(r"[^.$/:+]+\Z")
_WHOLE_NUMBER = re.compile(r"-?\d{1,18}")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules make of one step. ``reason`` is as the SDK said it."""

    result: Result
    channel: Channel | None = None
    code: int | str | None = None
    reason: str | None = None


_REMEMBERED = 4096
_OK = Reading(result="ok", channel="returned")


class _Compiled:
    """A rule with its patterns ready."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.on: frozenset[str] = frozenset(rule.on)
        self.classes = re.compile("|".join(translate(one) for one in rule.classes)) if rule.classes else None
        self.where = tuple((path, re.compile(pattern, re.DOTALL)) for path, pattern in rule.where.items())
        self.code_pattern = re.compile(rule.code_pattern, re.DOTALL) if rule.code_pattern else None
        self.reason_pattern = re.compile(rule.reason_pattern, re.DOTALL) if rule.reason_pattern else None

    def fits(self, channel: Channel, classes: Sequence[str], look: Callable[[str], str]) -> bool:
        if self.on and channel not in self.on:
            return False
        if self.classes is not None and not any(self._names(one) for one in classes):
            return False
        return all(pattern.fullmatch(look(path)) for path, pattern in self.where)

    def code(self, look: Callable[[str], str]) -> int | str | None:
        if self.rule.code is None:
            return None
        text = look(self.rule.code).strip()
        if self.code_pattern is not None:
            found = self.code_pattern.search(text)
            text = (found.group(1) or "").strip() if found else ""
        return normal_code(text)

    def reason(self, look: Callable[[str], str]) -> str | None:
        if self.rule.reason is None:
            return None
        text = look(self.rule.reason)
        if self.reason_pattern is not None:
            found = self.reason_pattern.search(text)
            text = (found.group(1) or "") if found else text
        return text.strip() or None

    def _names(self, name: str) -> bool:
        assert self.classes is not None
        if self.classes.match(name):
            return True
        last = _LAST_PART.search(name)
        return last is not None and self.classes.match(last.group()) is not None


class Rules:
    """The rules of a pack, ready to read steps."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(_Compiled(rule) for rule in rules)
        self._known: dict[bytes, Reading] = {}

    def read(self, step: StepTrace) -> Reading:
        """What one step came to. ``unknown`` when no rule fits."""
        if step.outcome == "unsupported":
            return Reading(result="not supported", reason=step.reason)
        if step.outcome == "returned" and step.status is None:
            return _OK
        # SDKs say the same over and over: what was read once need not be read again.
        key = msgspec.json.encode((step.outcome, step.status if step.outcome == "returned" else step.error))
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._read(step)
        return found

    def _read(self, step: StepTrace) -> Reading:
        if step.outcome == "raised" or step.outcome == "error value":
            error = step.error or Raised(classes=())
            return self._decide(step.outcome, error.classes, lambda path: text_at(error, path), error.message)
        status = step.status
        root = status if isinstance(status, Mapping) else {"status": status}
        return self._decide("status", (), lambda path: text_at(root, path), text_of(status))

    def _decide(self, channel: Channel, classes: Sequence[str], look: Callable[[str], str], otherwise: str) -> Reading:
        rule = next((rule for rule in self._rules if rule.fits(channel, classes, look)), None)
        if rule is None:
            return Reading(result="unknown", channel=channel, reason=otherwise.strip() or None)
        if rule.rule.result == "ok":
            return _OK
        return Reading(result=rule.rule.result, channel=channel, code=rule.code(look), reason=rule.reason(look))


_compiled: dict[int, tuple[Sequence[Rule], Rules]] = {}


def compiled(rules: Sequence[Rule]) -> Rules:
    """The rules, compiled once."""
    found = _compiled.get(id(rules))
    if found is None or found[0] is not rules:
        if len(_compiled) > 256:
            _compiled.clear()
        found = _compiled[id(rules)] = (rules, Rules(rules))
    return found[1]


def normal_code(text: str) -> int | str | None:
    """A code as the SDK exposes it: a number where it is one, None where there is none."""
    if not text:
        return None
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else text


def text_at(root: object, path: str) -> str:
    """The text of the value at a path such as ``cause.fields.code``; empty when there is none.

    A key may hold dots itself: the longest key that is there is taken.
    """
    return text_of(_at(root, path))


def _at(root: object, path: str) -> object:
    if isinstance(root, Raised):
        root = {"classes": root.classes, "message": root.message, "fields": root.fields, "cause": root.cause}
    if isinstance(root, Mapping):
        if path in root:
            return root[path]
        cut = path.rfind(".")
        while cut > 0:
            if path[:cut] in root:
                return _at(root[path[:cut]], path[cut + 1 :])
            cut = path.rfind(".", 0, cut)
        return None
    if isinstance(root, list | tuple):
        head, _, rest = path.partition(".")
        if head.isdecimal() and int(head) < len(root):
            return _at(root[int(head)], rest) if rest else root[int(head)]
    return None


def text_of(value: object) -> str:
    """A value of JSON as patterns see it: nothing for null, no quotes around strings."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return msgspec.json.encode(value).decode()

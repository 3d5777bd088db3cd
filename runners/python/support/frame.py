"""The frame: runs the steps of one program and reports what the SDK gave back, raw."""

import enum
import json
import os
import re
import time

import grpc

MARK = re.compile(r"^# %% (step|value) (\d+)\n", re.MULTILINE)
SIMPLE = (str, int, float, bool, type(None), enum.Enum, list, tuple, dict)


def execute(path, variables, pipe, not_ours):
    """Run one program in this process, step by step as the worker says, and end the process."""
    for end in not_ours:
        end.close()

    def say(message):
        pipe.send_bytes(json.dumps(message, default=plain).encode())

    names = {"__name__": "__main__", **variables}
    steps = read(path)
    if steps:
        say({"waiting": min(steps)})
    for step, code in steps.items():
        if pipe.recv_bytes() == b"go":
            say({"step": step, **run(code, names)})
    say({"done": True})
    os._exit(0)  # without a word to the server, and whatever threads are left


def read(path):
    """Split a program at its marks: step -> {"step": code, "value": code}, which keep the file's line numbers."""
    with open(path, encoding="utf-8", newline="\n") as file:
        source = file.read()
    marks = list(MARK.finditer(source))
    ends = [mark.start() for mark in marks[1:]] + [len(source)]
    steps = {}
    for mark, end in zip(marks, ends):
        blank = "\n" * source.count("\n", 0, mark.end())
        kind, step = mark[1], int(mark[2])
        code = compile(blank + source[mark.end():end], path, "exec" if kind == "step" else "eval")
        steps.setdefault(step, {})[kind] = code
    return steps


def run(code, names):
    """Run one step; what it raises is an answer like any other, but for what ends a process."""
    value = None
    start = time.monotonic()
    try:
        try:
            exec(code["step"], names)
        finally:
            milliseconds = (time.monotonic() - start) * 1000
        if "value" in code:
            value = eval(code["value"], names)
    except SystemExit:
        raise
    except BaseException as error:
        return {"outcome": "raised", "error": report(error), "milliseconds": milliseconds}
    return {"outcome": "returned", "value": value, "status": None, "milliseconds": milliseconds}


def report(error, depth=0):
    """All that an exception shows: class chain, message, public attributes, cause."""
    classes = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__[:-1]]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return {
        "classes": classes,
        "message": str(error),
        "fields": fields(error),
        "cause": report(cause, depth + 1) if cause is not None and depth < 8 else None,
    }


def fields(error):
    found = {}
    for name in dir(error):
        if name.startswith("_") or name == "args":
            continue
        try:
            value = getattr(error, name)
            if isinstance(error, grpc.RpcError) and name in ("code", "details"):
                value = value()
        except Exception:
            continue
        if isinstance(value, SIMPLE):
            found[name] = value
    return found


def plain(value):
    """What JSON does not know: the name of a word of an enumeration, a list of what else is iterable, else its text."""
    if isinstance(value, enum.Enum):
        return value.name
    try:
        return list(value)
    except TypeError:
        return str(value)

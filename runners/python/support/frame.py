"""The frame: runs the steps of one program and reports what the SDK gave back, raw."""

import ctypes
import enum
import json
import os
import re
import signal
import sys
import time

import grpc

MARK = re.compile(r"^# %% (step|value) (\d+)\n", re.MULTILINE)


def execute(path, variables, pipe, not_ours):
    """Run one program in this process, step by step as the worker says, and end the process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: not to outlive the worker
    for end in not_ours:
        end.close()

    def say(message):
        pipe.send_bytes(json.dumps(message, default=list).encode())

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
        kind, step, start = mark[1], int(mark[2]), mark.end()
        blank = "\n" * source.count("\n", 0, start)
        code = compile(blank + source[start:end], path, "exec" if kind == "step" else "eval")
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
    # pymilvus raises errors from themselves; what came before is then the context.
    implicit = error.__cause__ is error or not error.__suppress_context__
    cause = error.__context__ if implicit else error.__cause__
    try:
        message = str(error)
    except Exception:
        message = ""
    return {
        "classes": [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__[:-1]],
        "message": message,
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
            if isinstance(value, enum.Enum) and not isinstance(value, int):
                value = value.name
            json.dumps(value, allow_nan=False)
        except Exception:
            continue  # a method, or nothing that can be told
        found[name] = value
    return found

"""The worker: imports the SDK once, then forks a child for every execution: worker.py FOLDER_OF_PROGRAMS.

A child has the SDK loaded but shares nothing with other executions: no connections, no globals, no crash. It talks to
this process over a pipe of its own; only this process writes to the harness. It opens no gRPC channel itself, since a
process that has one must not fork.
"""

import gc
import json
import multiprocessing
import os
import platform
import sys
from multiprocessing.connection import wait

import frame
import pymilvus


class Worker:
    def __init__(self, programs, commands, answers):
        self.programs, self.commands, self.answers = programs, commands, answers
        self.nonce = ""
        self.executions = {}  # name: (process, our end of its pipe)
        self.fork = multiprocessing.get_context("fork")

    def serve(self):
        """Answer until the end of input."""
        rest = b""
        while True:
            names = {pipe: name for name, (_, pipe) in self.executions.items()}
            for ready in wait([self.commands, *names]):
                if ready is not self.commands:
                    self.relay(names[ready])
                    continue
                data = os.read(self.commands.fileno(), 65536)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self.obey(json.loads(line))

    def obey(self, message):
        if "hello" in message:
            self.nonce = message["nonce"]
            runtime = f"Python {platform.python_version()}"
            self.say({"ready": 1, "sdk": pymilvus.__version__, "runtime": runtime, "kill": True})
        elif "run" in message:
            self.start(message["run"], message["program"], message["variables"])
        elif "kill" in message:
            if message["kill"] in self.executions:
                self.end(message["kill"])
                self.say({"execution": message["kill"], "crashed": "killed"})
        else:
            name = message["go"] if "go" in message else message["skip"]
            if name in self.executions:
                try:
                    self.executions[name][1].send_bytes(b"go" if "go" in message else b"skip")
                except OSError:
                    pass  # it has just crashed, and its pipe is about to say so

    def start(self, name, program, variables):
        ours, theirs = self.fork.Pipe()
        not_theirs = [self.commands, self.answers, ours, *(pipe for _, pipe in self.executions.values())]
        path = os.path.join(self.programs, f"{program}.py")
        process = self.fork.Process(target=frame.execute, args=(path, variables, theirs, not_theirs))
        process.start()
        theirs.close()
        self.executions[name] = process, ours

    def relay(self, name):
        """Pass on what an execution says. A pipe that ends without a word is a crash."""
        process, pipe = self.executions[name]
        try:
            answer = json.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            process.join()
            status = process.exitcode
            answer = {"crashed": f"signal {-status}" if status < 0 else f"exit status {status}"}
        if "done" in answer or "crashed" in answer:
            self.end(name)
        self.say({"execution": name, **answer})

    def end(self, name):
        process, pipe = self.executions.pop(name)
        process.kill()
        process.join()
        pipe.close()

    def say(self, message):
        # A lone surrogate, as a message may have one, is no text for others.
        self.answers.write(f"{self.nonce} {json.dumps(message, ensure_ascii=False)}\n".encode(errors="replace"))
        self.answers.flush()


def main():
    # Programs get an empty input, and what they print goes to stderr.
    commands, answers = os.fdopen(os.dup(0), "rb", 0), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)
    gc.freeze()
    worker = Worker(sys.argv[1], commands, answers)
    try:
        worker.serve()
    finally:
        for name in list(worker.executions):
            worker.end(name)


if __name__ == "__main__":
    main()

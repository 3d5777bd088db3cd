"use strict";
// The worker: worker.js FOLDER_OF_PROGRAMS FOLDER_OF_THE_SDK PACKAGE. worker.sh starts it and says what 3 and 4 are.
const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");
const readline = require("node:readline");
const { createRequire } = require("node:module");
const { Execution } = require("./execution.js");
const { declared, read } = require("./program.js");
const { toJson } = require("./report.js");

const [programs, sdk, packageName] = process.argv.slice(2);
const requireFromSdk = createRequire(path.join(sdk, "program.js"));
const { MilvusClient } = requireFromSdk(packageName);
const { status: statusNames } = requireFromSdk("@grpc/grpc-js");

const executions = new Map(); // name -> its signals
const steps = new Map(); // program -> its steps
let nonce = "";

function say(message) {
  let rest = Buffer.from(`${nonce} ${toJson(message)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(3, rest));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error; // the pipe is full
    }
  }
}

function stepsOf(program) {
  if (!steps.has(program)) {
    const found = read(path.join(programs, `${program}.js`));
    steps.set(
      program,
      found.map((step) => ({ ...step, declares: declared(step) })),
    );
  }
  return steps.get(program);
}

// What is told to an execution, one after the other.
class Signals {
  told = [];
  waiting = null;

  tell(signal) {
    if (this.waiting) this.waiting(signal);
    else this.told.push(signal);
    this.waiting = null;
  }

  next() {
    return this.told.length > 0 ? this.told.shift() : new Promise((resolve) => (this.waiting = resolve));
  }
}

async function run(name, program, variables) {
  const signals = new Signals();
  executions.set(name, signals);
  const answer = (message) => say({ execution: name, ...message });
  await new Execution({
    steps: stepsOf(program),
    variables,
    signals,
    say: answer,
    require: requireFromSdk,
    statusNames,
  }).run();
  executions.delete(name);
}

function obey(message) {
  if ("hello" in message) {
    nonce = message.nonce;
    say({ ready: 1, sdk: MilvusClient.sdkInfo.version, runtime: `Node.js ${process.version.slice(1)}` });
  } else if ("run" in message) {
    run(message.run, message.program, message.variables);
  } else {
    executions.get(message.go ?? message.skip)?.tell("go" in message);
  }
}

const commands = new net.Socket({ fd: 4, readable: true, writable: false });
readline
  .createInterface({ input: commands, crlfDelay: Infinity })
  .on("line", (line) => obey(JSON.parse(line)))
  .on("close", () => process.exit(0));

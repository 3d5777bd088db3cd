"use strict";
// The frame: runs the steps of one program and reports what the SDK gave back, raw.
const vm = require("node:vm");
const { pathToFileURL } = require("node:url");
const { compile } = require("./program.js");
const { report } = require("./report.js");

class Execution {
  // `steps` have their declared names; `signals` gives true to run the next step, false to skip it; `require` resolves
  // what programs import.
  constructor({ steps, variables, signals, say, require, statusNames }) {
    Object.assign(this, { steps, signals, say, require, statusNames });
    this.scope = { require, ...variables }; // what later steps see of earlier ones
  }

  async run() {
    if (this.steps.length > 0) this.say({ waiting: this.steps[0].step });
    for (const step of this.steps) {
      if (await this.signals.next()) this.say({ step: step.step, ...(await this.runStep(step)) });
    }
    this.say({ done: true });
    await this.close();
  }

  async runStep(step) {
    let start = performance.now();
    let milliseconds;
    try {
      const module = await this.load(step);
      start = performance.now();
      try {
        await module.evaluate();
      } finally {
        milliseconds = performance.now() - start;
        this.remember(module.namespace);
      }
      const { parityValue, parityStatus } = module.namespace;
      return { outcome: "returned", value: parityValue() ?? null, status: parityStatus() ?? null, milliseconds };
    } catch (error) {
      milliseconds ??= performance.now() - start;
      return { outcome: "raised", error: report(error, this.statusNames), milliseconds };
    }
  }

  // The step's module: names of earlier steps that it uses before it, what the frame asks of it behind it.
  async load(step) {
    const known = Object.keys(this.scope).filter((name) => !step.declares.includes(name) && uses(step, name));
    const before = known.length > 0 ? `import parityScope from "parity:scope"; let { ${known} } = parityScope; ` : "";
    const after = [
      `export { ${[...step.declares, ...known]} };`,
      `export const parityValue = () => (${step.value ?? "null"});`,
      `export const parityStatus = () => (${step.result ?? "null"});`,
    ].join(" ");
    const importModuleDynamically = (specifier) => this.import(specifier);
    const module = compile(step, before, after, { importModuleDynamically });
    const scope = synthetic({ default: this.scope });
    await module.link(async (specifier) =>
      specifier === "parity:scope" ? scope : synthetic(await this.import(specifier)),
    );
    return module;
  }

  import(specifier) {
    const path = this.require.resolve(specifier);
    return import(path.startsWith("/") ? pathToFileURL(path) : path);
  }

  remember(namespace) {
    for (const name of Reflect.ownKeys(namespace)) {
      if (typeof name === "symbol" || name === "default" || name.startsWith("parity")) continue;
      try {
        this.scope[name] = namespace[name];
      } catch {
        // The step failed before this name had a value.
      }
    }
  }

  // Close the clients that the program left open, so that they do not go on to look for a server.
  async close() {
    const clients = Object.values(this.scope).filter((value) => typeof value?.closeConnection === "function");
    await Promise.allSettled(clients.map(async (client) => client.closeConnection()));
  }
}

function uses(step, name) {
  return [step.code, step.value, step.result].some((text) => text?.includes(name));
}

function synthetic(values) {
  const names = Object.keys(values);
  return new vm.SyntheticModule(names, function () {
    for (const name of names) this.setExport(name, values[name]);
  });
}

module.exports = { Execution };

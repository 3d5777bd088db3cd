"use strict";
// A program as a file: a snippet for each step, and what to take out of it, between marks.
const fs = require("node:fs");
const vm = require("node:vm");

const MARK = /^\/\/ %% (step|value|result) (\d+)\n/gm;

// Split a program at its marks: a list of { step, file, line, code, value, result }.
function read(file) {
  const source = fs.readFileSync(file, "utf8");
  const marks = [...source.matchAll(MARK)];
  const steps = new Map();
  marks.forEach((mark, index) => {
    const [, kind, number] = mark;
    const start = mark.index + mark[0].length;
    const text = source.slice(start, marks[index + 1]?.index);
    if (kind === "step") {
      const line = source.slice(0, start).split("\n").length;
      steps.set(number, { step: Number(number), file, line, code: text });
    } else {
      steps.get(number)[kind] = text.trim();
    }
  });
  return [...steps.values()];
}

// A step as a module of its own, as an ES module may await at its top and import. `before` stands on the line of its
// first statement, `after` behind the last; neither moves a line or a column.
function compile({ file, line, code }, before = "", after = "", options = {}) {
  return new vm.SourceTextModule(`${before}${code}\n${after}`, {
    identifier: file,
    lineOffset: line - 1,
    columnOffset: -before.length,
    ...options,
  });
}

// The names that a step declares at its top. V8 knows: nothing else can be exported.
function declared(step) {
  const words = new Set(step.code.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu));
  return [...words].filter((word) => {
    try {
      compile(step, "", `export { ${word} };`);
      return true;
    } catch {
      return false;
    }
  });
}

module.exports = { read, compile, declared };

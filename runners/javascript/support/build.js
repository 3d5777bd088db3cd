"use strict";
// The build: checks the syntax of all programs, then copies everything to where workers run: build.js FOLDER
const fs = require("node:fs");
const { compile, read } = require("./program.js");

const complaints = [];
for (const name of fs.readdirSync("programs").sort()) {
  const file = `programs/${name}`;
  for (const step of read(file)) {
    try {
      compile(step);
    } catch (error) {
      // V8 says where in front of the stack: file:line, the line, and marks below the place.
      const [place, , marks = ""] = error.stack.split("\n");
      const line = Number(place.split(":").at(-1)) || step.line;
      complaints.push(`${file}:${line}:${marks.search(/\S/) + 1 || 1}: ${error.name}: ${error.message}`);
    }
  }
}
if (complaints.length > 0) {
  console.error(complaints.join("\n"));
  process.exit(1);
}
fs.cpSync(".", process.argv[2], { recursive: true });

"use strict";
// What the SDK gave back, as JSON can say it.

// All that a thrown value shows: class chain, message, fields, cause. Nothing that it does itself can make this throw.
function report(thrown, statusNames, depth = 0) {
  const look = (key) => attempt(() => thrown[key]);
  const fields = {};
  const isObject = Object(thrown) === thrown;
  for (const key of (isObject && attempt(() => Reflect.ownKeys(thrown))) || []) {
    const value = look(key);
    if (typeof key === "string" && !["stack", "message", "cause"].includes(key) && isSimple(value)) {
      fields[key] = value;
    }
  }
  const classes = classesOf(thrown);
  // In JavaScript gRPC's errors are plain ones; ServiceError is the name of their type.
  if (typeof fields.code === "number" && "details" in fields && Object(look("metadata")) === look("metadata")) {
    classes.unshift("ServiceError");
    fields.code = statusNames[fields.code] ?? fields.code;
  }
  const cause = isObject ? look("cause") : undefined;
  return {
    classes,
    message: String((isObject ? look("message") : undefined) ?? attempt(() => String(thrown)) ?? ""),
    fields,
    cause: cause === undefined || cause === null || depth > 7 ? null : report(cause, statusNames, depth + 1),
  };
}

function classesOf(thrown) {
  const classes = [];
  let prototype = attempt(() => Object.getPrototypeOf(Object(thrown)));
  while (prototype && prototype !== Object.prototype && classes.length < 20) {
    const current = prototype;
    classes.push(String(attempt(() => current.constructor.name) ?? ""));
    prototype = attempt(() => Object.getPrototypeOf(current));
  }
  return classes;
}

function isSimple(value) {
  return value === null || ["string", "boolean", "bigint"].includes(typeof value) || Number.isFinite(value);
}

function attempt(read) {
  try {
    return read();
  } catch {
    return undefined;
  }
}

// JSON; big integers as text, and no lone surrogates, which are no text for others.
function toJson(message) {
  return JSON.stringify(message, (_, value) => {
    if (typeof value === "bigint") return String(value);
    return typeof value === "string" ? value.replace(/\p{Surrogate}/gu, "\ufffd") : value;
  });
}

module.exports = { report, toJson };

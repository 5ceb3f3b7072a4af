// Holds Node's assertions as they are in the processes of test files, so that the
// code under test cannot make them do nothing. A module that tries throws where it
// is strict, and its tests fail; elsewhere the attempt has no effect.

"use strict";

const assert = require("node:assert");

function hold(object) {
  for (const name of Object.keys(object)) {
    const { value } = Object.getOwnPropertyDescriptor(object, name);
    if (value !== undefined) Object.defineProperty(object, name, { writable: false, configurable: false });
  }
}

// Set by the process that runs the test files.
if (process.env.NODE_TEST_CONTEXT !== undefined) {
  hold(assert);
  hold(assert.strict);
  if (assert.Assert !== undefined) hold(assert.Assert.prototype);
}

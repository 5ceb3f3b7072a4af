import assert from "node:assert/strict";
import { test } from "node:test";
import { describe, duration } from "../src/index.js";

test("a text is read as people write it", () => {
  assert.equal(duration("2 minutes", "x"), 120_000);
});

test("a number is milliseconds", () => {
  assert.equal(duration(250, "x"), 250);
});

test("what is no duration is refused by name", () => {
  for (const value of ["", "soon", -1, NaN, undefined]) {
    assert.throws(() => duration(value, "first"), /^TypeError: first must be/);
  }
});

test("a plan is described for people", () => {
  assert.equal(describe([1000, 60_000]), "1s, 1m");
  assert.equal(describe([]), "no waits");
});

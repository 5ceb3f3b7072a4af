import assert from "node:assert/strict";
import { test } from "node:test";
import { visibleWidth } from "../src/index.js";

test("colours take no room", () => {
  const escape = String.fromCharCode(27);
  assert.equal(visibleWidth(`${escape}[31mred${escape}[0m`), 3);
});

test("a character outside the basic plane takes one column", () => {
  assert.equal(visibleWidth("a🦊"), 2);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { indent } from "../src/index.js";

test("every line that is not blank is indented", () => {
  assert.equal(indent("one\n\ntwo", "  "), "  one\n\n  two");
});

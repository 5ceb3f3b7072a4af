import assert from "node:assert/strict";
import { test } from "node:test";
import { newId } from "./ids.ts";

test("ids sort by their making, within a millisecond too", () => {
  const made = [5, 5, 5, 6, 6, 7].map((nowMs) => newId("job", nowMs));
  assert.deepEqual(made, made.toSorted());
  assert.equal(new Set(made).size, made.length);
});

test("ids are UUIDv7, however many are made in a millisecond", () => {
  const made = Array.from({ length: 5_000 }, () => newId("job", 9));
  for (const id of made) assert.match(id, /^job_000000000009[7][0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  assert.equal(new Set(made).size, made.length);
});

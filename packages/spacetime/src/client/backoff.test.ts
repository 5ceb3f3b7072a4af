import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "./backoff.ts";

test("250 ms doubled each time up to 8 s, and up to half of it taken away", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 1_000].map((attempt) => backoffMs(attempt, 0)),
    [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000],
  );
  assert.equal(backoffMs(0, 1), 125);
  assert.equal(backoffMs(5, 0.5), 6_000);
});

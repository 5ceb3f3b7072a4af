import assert from "node:assert/strict";
import { test } from "node:test";
import { ProblemError } from "@openagents/contracts";
import { isAway, retryMs } from "./away.ts";

test("only a log that was not reached, or cannot answer now, is asked again", async () => {
  const problem = (status: number, code: string) => new ProblemError({ status, code, detail: "" });
  for (const error of [
    problem(503, "unreachable"),
    problem(504, "timeout"),
    problem(502, "malformed_answer"),
    problem(429, "rate_limited"),
  ])
    assert.equal(await isAway(error), true, error.code);
  for (const error of [
    problem(404, "tile_not_found"),
    problem(400, "invalid_request"),
    new RangeError("a tile"),
  ])
    assert.equal(await isAway(error), false, error.message);
});

test("it is asked ever less often, down to once a minute", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 9, 1_000].map((failures) => retryMs(failures, 1)),
    [2_000, 4_000, 8_000, 16_000, 60_000, 60_000],
  );
  for (const random of [0, 0.5, 0.999]) assert.ok(retryMs(4, random) >= 0.75 * 32_000);
});

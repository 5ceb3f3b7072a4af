import assert from "node:assert/strict";
import { test } from "node:test";
import { startHarness } from "./harness.ts";

test("a control service that starts is ready, and says so without a token", async (t) => {
  const control = await startHarness(t);
  const answer = await control.get("/readyz", { token: "" });
  assert.equal(answer.status, 200);
  assert.equal(answer.json.status, "ready");
});

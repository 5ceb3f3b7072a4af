import assert from "node:assert/strict";
import type { Harness } from "./harness.ts";

export async function grant(runtime: Harness, amountMsats: number): Promise<void> {
  const answer = await runtime.post("/internal/v1/treasury/demo-grants", {
    amount_msats: amountMsats,
    memo: "test",
  });
  assert.equal(answer.status, 201, answer.text);
}

/** The ledger's audit holds, every check of it. */
export async function assertSound(runtime: Harness): Promise<void> {
  const audit = await runtime.get("/internal/v1/ledger/audit");
  const failed = audit.json.checks.filter((check: { ok: boolean }) => !check.ok);
  assert.deepEqual(failed, []);
  assert.equal(audit.json.ok, true);
}

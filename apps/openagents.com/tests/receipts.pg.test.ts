import assert from "node:assert/strict";
import { test } from "node:test";
import { publicKeyOf, verifyReceipt } from "@openagents/receipts";
import { startHarness } from "./harness.ts";

test("a receipt of this service is signed by its published key, and is its organisation's alone", async (t) => {
  const control = await startHarness(t);
  const body = { by: "sid", value: "ses_1", reason: "lost laptop" };
  const ops = await control.token({ sub: "usr_ops", org: "org_operator" });
  const revoked = await control.post("/api/policy/revocations", body, { token: ops });
  assert.equal(revoked.status, 200, revoked.text);
  const path = `/api/receipts/${revoked.json.receipt_id}`;
  const { json: signed } = await control.get(path, { token: ops });

  const { json: signer } = await control.get("/api/receipt-signer", { token: "" });
  assert.equal(signer.public_key, publicKeyOf("33".repeat(32)));
  for (const [name, check] of Object.entries(verifyReceipt(signed, { operatorKeys: [signer.public_key] })))
    assert.equal(check.state, "holds", name);
  assert.equal(signed.receipt.schema, "openagents.control.access_revoked.v1");
  assert.equal((await control.get(path)).status, 404);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { RECEIPT_PREFIXES, canonicalize, sealReceipt, type ReceiptSchema } from "@openagents/receipts";
import { receiptEvents } from "./receipt-events.ts";

const AT_MS = Date.UTC(2026, 0, 2);

/** A look at money that moves none. */
const NOT_PUBLISHED: ReadonlySet<string> = new Set(["openagents.treasury.reconciled.v1"]);

test("every kind of receipt about money or a worker appears in its stream, and no other in any", () => {
  for (const schema of Object.keys(RECEIPT_PREFIXES) as ReceiptSchema[]) {
    const streams = sealed(schema).map(({ streamId }) => streamId);
    const ofMoney = schema.startsWith("openagents.treasury.") && !NOT_PUBLISHED.has(schema);
    const ofWorker = schema.startsWith("openagents.runtime.worker_");
    const expected = [
      ...(ofMoney ? ["runtime.treasury.org.org_a"] : []),
      ...(ofWorker ? ["runtime.worker.wrk_1.lifecycle", "runtime.fleet.user.usr_1.workers"] : []),
    ];
    assert.deepEqual(streams, expected, schema);
  }
});

test("a fleet is its owner's, also when it is spread over organisations", () => {
  const owners = sealed("openagents.runtime.worker_registered.v1").map(({ tenant }) => tenant);
  assert.deepEqual(owners, ["org_a", "usr_1"]);
});

test("money is kept for ever, a fleet's events are not", () => {
  const keeps = (schema: ReceiptSchema) => sealed(schema).map(({ keepNewest }) => keepNewest);
  assert.deepEqual(keeps("openagents.treasury.demo_grant.v1"), [undefined]);
  assert.deepEqual(keeps("openagents.runtime.worker_disabled.v1"), [undefined, 10_000]);
});

function sealed(schema: ReceiptSchema) {
  const receipt = sealReceipt({
    schema,
    nonce: "0".repeat(32),
    occurred_at: new Date(AT_MS).toISOString(),
    actor: "usr_1",
    tenant: "org_a",
    request_id: "req_1",
    owner: "usr_1",
  });
  const canonical = canonicalize(receipt);
  return receiptEvents({
    receipt,
    canonical,
    tenant: "org_a",
    schema,
    subject: "wrk_1",
    occurredAtMs: AT_MS,
  });
}

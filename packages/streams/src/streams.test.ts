import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { payloadHash } from "@openagents/receipts";
import {
  CHAIN_START,
  FAMILIES,
  chainStream,
  decideAccess,
  hashPayload,
  isGrant,
  parseStreamId,
  payloadText,
  streamId,
  tenantWanted,
  type StreamFamily,
} from "@openagents/streams";

const families = fc.constantFrom(...(Object.keys(FAMILIES) as StreamFamily[]));
const ids = fc.stringMatching(/^[0-9A-Za-z_:-]{1,40}$/);

test("every name reads back as what it was made of, and no two families share one", () => {
  fc.assert(
    fc.property(families, ids, (family, id) => {
      const own = FAMILIES[family].pattern.includes("*") ? id : "";
      assert.deepEqual(parseStreamId(streamId(family, own)), { family, id: own });
    }),
  );
});

test("what is not in the grammar is no stream", () => {
  for (const text of [
    "",
    "runtime.run..events",
    "runtime.run.a.b.events",
    "runtime.run.a' OR 1=1.events",
    "runtime.stats.x",
    "runtime.codex.worker.events.",
    "runtime.run.*.events",
    `runtime.run.${"a".repeat(200)}.events`,
  ]) {
    assert.equal(parseStreamId(text), undefined, text);
  }
  assert.throws(() => streamId("run", "a.b"));
  assert.throws(() => streamId("stats", "a"));
});

test("a token reaches what it names, and of a family only its own organisation's", () => {
  const grants = { org: "org_a", streams: ["runtime.run.run_1.events", "runtime.worker.*.lifecycle"] };
  assert.equal(decideAccess(grants, "runtime.run.run_1.events"), "granted");
  assert.equal(decideAccess(grants, "runtime.run.run_2.events"), "not_granted");
  assert.equal(decideAccess(grants, "runtime.worker.wrk_1.lifecycle"), "granted_for_org");
  assert.equal(decideAccess(grants, "runtime.worker.*.lifecycle"), "not_granted");
  assert.equal(decideAccess(grants, "runtime.stats"), "not_granted");
  assert.ok(isGrant("runtime.run.*.events"));
  assert.ok(!isGrant("*"));
});

test("a person's streams are reached by that person, in whichever organisation", () => {
  const grants = { org: "org_a", sub: "usr_1" };
  assert.equal(tenantWanted(grants, "runtime.fleet.user.usr_1.workers"), "usr_1");
  assert.equal(tenantWanted(grants, "control.approvals.user.usr_1"), "usr_1");
  assert.equal(tenantWanted(grants, "control.thread.thr_1.events"), "usr_1");
  assert.equal(tenantWanted(grants, "runtime.codex.worker.events.cwk_1"), "usr_1");
  assert.equal(tenantWanted(grants, "runtime.run.run_1.events"), "org_a");
});

test("a payload's text is canonical JSON, so its hash is that of the payload itself", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean())), (facts) => {
      const atMs = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
      const text = payloadText("run.started", atMs, facts);
      const value = { kind: "run.started", occurred_at: "2026-01-02T03:04:05.006Z", payload: { ...facts } };
      assert.equal(hashPayload(text), payloadHash(value));
    }),
  );
});

test("a chain tells a change, a loss and an exchange apart from what was", () => {
  const fold = (hashes: string[]) =>
    hashes.reduce((chain, hash, index) => chainStream(chain, BigInt(index + 1), hash), CHAIN_START);
  const whole = fold(["a", "b", "c"]);
  for (const other of [["a", "b"], ["a", "c", "b"], ["a", "b", "d"], ["ab", "c"], []]) {
    assert.notEqual(fold(other), whole);
  }
});

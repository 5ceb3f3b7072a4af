// A run's bundle is sealed once for each state of its log.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { grant } from "./ledger-checks.ts";
import { startHarness } from "./harness.ts";

test("one state of a log has one manifest, whichever key asks again", async (t) => {
  const run = await finishedRun(t);
  const first = await run.seal("1");
  assert.equal(first.status, 200, first.text);
  assert.equal(first.json.receipt.receipt.supersedes, undefined);
  assert.equal((await run.seal("1")).text, first.text);
  const other = await run.seal("2");
  assert.equal(other.status, 409);
  assert.equal(other.json.reason, "bundle_already_sealed");
});

test("a log that grew is sealed again, and the new receipt names the one before", async (t) => {
  const run = await finishedRun(t);
  const first = await run.seal("1", "first");
  const { receipt } = first.json.receipt;
  await run.grow();
  assert.equal((await run.seal("1")).text, first.text, "the same files are the same bundle");

  const second = await run.seal("2", "second");
  assert.equal(second.status, 200, second.text);
  assert.equal(second.json.receipt.receipt.supersedes, receipt.receipt_id);
  assert.equal(second.json.receipt.receipt.through_seq, receipt.through_seq + 1);
  assert.notEqual(second.json.receipt.receipt.receipt_id, receipt.receipt_id);

  assert.equal((await run.seal("3")).json.reason, "bundle_already_sealed");
  assert.equal((await run.seal("1")).json.reason, "bundle_already_sealed", "there is no way back");
  for (const [content, key, was] of [
    ["1", "first", first],
    ["2", "second", second],
  ] as const) {
    const again = await run.seal(content, key);
    assert.equal(again.text, was.text);
    assert.equal(again.headers.get("idempotent-replayed"), "true");
  }
});

test("of eight other manifests of a log that grew exactly one is sealed", async (t) => {
  const run = await finishedRun(t);
  await run.seal("9");
  await run.grow();
  const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => run.seal(String(n))));
  assert.equal(answers.filter((answer) => answer.status === 200).length, 1);
  assert.equal(answers.filter((answer) => answer.status === 409).length, 7);
});

/** A finished run whose log can still grow: money set aside for it is given back later. */
async function finishedRun(t: TestContext) {
  const runtime = await startHarness(t);
  await grant(runtime, 1_000);
  const { run } = (await runtime.post("/internal/v1/runs", {})).json;
  const path = `/internal/v1/runs/${run.run_id}`;
  const reserved = await runtime.post("/internal/v1/treasury/compute/reserve", {
    amount_msats: 1_000,
    run_id: run.run_id,
  });
  assert.equal(reserved.status, 201, reserved.text);
  const { reservation_id: reservationId } = reserved.json.reservation;
  const early = await runtime.post(`${path}/bundle`, manifest("1"));
  assert.equal(early.json.reason, "run_not_finished");
  await runtime.post(`${path}/events`, { event_type: "run.finished", payload: { status: "failed" } });
  return {
    seal: (content: string, key: string = crypto.randomUUID()) =>
      runtime.post(`${path}/bundle`, manifest(content), { key }),
    async grow() {
      const voided = await runtime.post(
        `/internal/v1/treasury/compute/reservations/${reservationId}/void`,
        {},
      );
      assert.equal(voided.status, 200, voided.text);
    },
  };
}

/** `content` is one hexadecimal digit. */
function manifest(content: string): object {
  return { files: [{ path: "RECEIPT.json", sha256: content.repeat(64), bytes: 1 }] };
}

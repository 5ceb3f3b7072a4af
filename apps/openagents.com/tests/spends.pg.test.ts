// Spends over HTTP: no number of spenders passes a stored limit, and a person is
// asked for what is above the threshold.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { manualClock } from "@openagents/testing";
import { ownerByName } from "./device.ts";
import { startHarness } from "./harness.ts";

const LIMITS = {
  spend_per_call_msats_max: 1_000,
  spend_per_day_msats_max: 10_000,
  spend_per_month_msats_max: 15_000,
  approval_over_msats: 1_000,
};

async function open(
  t: TestContext,
  policy: object = LIMITS,
  options: Parameters<typeof startHarness>[1] = {},
) {
  const control = await startHarness(t, { findDeviceOwner: ownerByName, ...options });
  const made = await control.post("/api/autopilots", { display_name: "A", policy });
  const path = `/api/autopilots/${made.json.autopilot.autopilot_id}`;
  const device = await control.token({ sub: "dev_owner_1" });
  return {
    control,
    path,
    reserve: (amount_msats: number, more: object = {}, token = device) =>
      control.post(`${path}/spends`, { amount_msats, purpose: "a test", ...more }, { token }),
    end: (id: string, spent_msats: number) =>
      control.post(`${path}/spends/${id}/end`, { spent_msats }, { token: device }),
    spending: async () => (await control.get(`${path}/spending`)).json,
  };
}

test("of 200 spenders at once exactly as many pass as the day's limit holds", async (t) => {
  const { reserve, spending } = await open(t);
  const answers = await Promise.all(Array.from({ length: 200 }, () => reserve(1_000)));
  assert.equal(answers.filter(({ status }) => status === 201).length, 10);
  const refused = answers.filter(({ status }) => status === 403);
  assert.ok(refused.length === 190 && refused.every(({ json }) => json.reason === "spend_per_day_exceeded"));
  assert.ok(refused.every(({ json }) => json.receipt_id.startsWith("aspx_")));
  assert.deepEqual(await spending(), { day_msats: 10_000, month_msats: 10_000 });
});

test("what is not spent is free again, once, and a month holds over its days", async (t) => {
  const clock = manualClock(Date.UTC(2026, 0, 30, 12));
  const { control, reserve, end, spending } = await open(t, LIMITS, { nowMs: clock.nowMs });
  const ids: string[] = [];
  for (let n = 0; n < 10; n += 1) ids.push((await reserve(1_000)).json.spend.spend_id);
  assert.equal((await reserve(1)).json.reason, "spend_per_day_exceeded");
  const ends = await Promise.all(Array.from({ length: 8 }, () => end(ids[0] ?? "", 400)));
  assert.equal(ends.filter(({ status }) => status === 200).length, 1);
  assert.ok(ends.filter(({ status }) => status === 409).every(({ json }) => json.reason === "spend_ended"));
  assert.equal((await end(ids[1] ?? "", 1_001)).json.reason, "spend_above_reserved");
  assert.deepEqual(await spending(), { day_msats: 9_400, month_msats: 9_400 });
  clock.advance(86_400_000);
  const token = await control.token({ sub: "dev_owner_1" });
  const tomorrow = await Promise.all(Array.from({ length: 8 }, () => reserve(1_000, {}, token)));
  assert.equal(tomorrow.filter(({ status }) => status === 201).length, 5);
  assert.ok(tomorrow.some(({ json }) => json.reason === "spend_per_month_exceeded"));
});

test("refusals come in their order, and the caller's own wishes change none", async (t) => {
  const { control, path, reserve } = await open(t);
  assert.equal((await reserve(1_001)).json.reason, "spend_per_call_exceeded");
  await control.send("PATCH", path, { status: "disabled" });
  assert.equal((await reserve(1_001)).json.reason, "autopilot_disabled");
  const bare = await open(t, {});
  assert.equal((await bare.reserve(1)).json.reason, "spend_per_call_exceeded");
});

test("above the threshold a person is asked, and one yes is one spend of that amount", async (t) => {
  const { reserve, spending, control } = await open(t, { ...LIMITS, approval_over_msats: 100 });
  assert.equal((await reserve(100)).status, 201);
  const asked = await reserve(500);
  assert.deepEqual([asked.status, asked.json.reason], [403, "approval_required"]);
  const [approval_id = ""] = /apv_[0-9a-f]{32}/.exec(asked.json.detail) ?? [];
  assert.equal((await reserve(500, { approval_id })).json.reason, "approval_pending");
  assert.equal((await reserve(600, { approval_id })).json.reason, "approval_mismatch");
  const inbox = (await control.get("/api/inbox/approvals")).json.approvals;
  assert.deepEqual(
    [inbox[0].approval_id, inbox[0].amount_msats, inbox[0].requested_by],
    [approval_id, 500, "dev_owner_1"],
  );
  assert.deepEqual(await spending(), { day_msats: 100, month_msats: 100 });
});

test("another person's autopilot has no spends", async (t) => {
  const { control, path, reserve } = await open(t);
  for (const other of [{ sub: "usr_other" }, { org: "org_b" }, { sub: "dev_other_1" }]) {
    const token = await control.token(other);
    assert.equal((await reserve(1, {}, token)).status, 404);
    assert.equal((await control.get(`${path}/spending`, { token })).status, 404);
  }
});

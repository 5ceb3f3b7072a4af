// Calls from senders outside: only theirs, each once, and nothing of the rest stays.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { startHarness, type Harness } from "./harness.ts";

const KEY = Buffer.from("a signing secret of ours");
const CONFIG = { resendWebhookSecret: `whsec_${KEY.toString("base64")}` };
const PATH = "/api/webhooks/resend";

function eventOf(type = "email.delivered", messageId = "msg_1"): string {
  const data = { email_id: messageId, to: ["ann@example.org"], subject: "hello" };
  return JSON.stringify({ type, created_at: "2026-07-01T10:00:00.000Z", data });
}

test("what its sender signed is recorded once, and told again it is the same", async (t) => {
  const control = await startHarness(t, { config: CONFIG });
  const first = await deliver(control, "evt_1", eventOf());
  assert.deepEqual([first.status, first.json.replayed, first.json.delivery.state], [202, false, "delivered"]);
  const again = await deliver(control, "evt_1", eventOf());
  assert.deepEqual([again.status, again.json.replayed], [200, true]);
  const other = await deliver(control, "evt_1", eventOf("email.bounced"));
  assert.deepEqual([other.status, other.json.reason], [409, "delivery_drifted"]);
  const listed = (await control.get("/api/internal/mail/deliveries")).json.deliveries;
  assert.equal(listed.length, 1);
  assert.equal(listed[0].message_id, "msg_1");
  assert.ok(!JSON.stringify(listed).includes("ann@example.org"));
});

test("eight of the same at once are one", async (t) => {
  const control = await startHarness(t, { config: CONFIG });
  const answers = await Promise.all(Array.from({ length: 8 }, () => deliver(control, "evt_1", eventOf())));
  assert.equal(answers.filter(({ status }) => status === 202).length, 1);
  assert.equal(answers.filter(({ status }) => status === 200).length, 7);
});

test("what became of mail is forgotten after ninety days, and what is younger is not", async (t) => {
  const sweeps: (() => Promise<void>)[] = [];
  let nowMs = Date.now();
  const control = await startHarness(t, {
    config: CONFIG,
    nowMs: () => nowMs,
    after: (_ms, act) => {
      sweeps.push(act);
      return () => {};
    },
  });
  const count = async () => (await control.get("/api/internal/mail/deliveries")).json.deliveries.length;
  await deliver(control, "evt_1", eventOf());
  for (const sweep of sweeps.splice(0)) await sweep();
  assert.equal(await count(), 1);
  nowMs += 91 * 86_400_000;
  for (const sweep of sweeps.splice(0)) await sweep();
  assert.equal(await count(), 0);
});

test("what is not its sender's leaves nothing behind, and does not spoil what was recorded", async (t) => {
  const control = await startHarness(t, { config: CONFIG });
  const nowS = Math.floor(Date.now() / 1000);
  const body = eventOf();
  await deliver(control, "evt_1", body);
  const good = sign("evt_1", nowS, body);
  const cases: Record<string, Record<string, string>> = {
    "no signature": { "svix-id": "evt_1", "svix-timestamp": `${nowS}` },
    "another body": { ...good, "svix-signature": sign("evt_1", nowS, `${body} `)["svix-signature"] ?? "" },
    "another id": { ...good, "svix-id": "evt_2" },
    "another time": { ...good, "svix-timestamp": `${nowS + 1}` },
    old: sign("evt_1", nowS - 400, body),
    "from the future": sign("evt_1", nowS + 400, body),
    "another key": sign("evt_1", nowS, body, Buffer.from("another secret of another")),
    "another version": { ...good, "svix-signature": (good["svix-signature"] ?? "").replace("v1,", "v2,") },
    "no time": { ...good, "svix-timestamp": "now" },
    empty: { ...good, "svix-signature": "v1," },
  };
  for (const [name, headers] of Object.entries(cases)) {
    const answer = await post(control, headers, body);
    assert.deepEqual([answer.status, answer.json.code], [401, "signature_invalid"], name);
  }
  const listed = (await control.get("/api/internal/mail/deliveries")).json.deliveries;
  assert.deepEqual(
    listed.map((each: { event_id: string; state: string }) => [each.event_id, each.state]),
    [["evt_1", "delivered"]],
  );
});

test("while its secret is changed one right signature among several does", async (t) => {
  const control = await startHarness(t, { config: CONFIG });
  const body = eventOf();
  const good = sign("evt_1", Math.floor(Date.now() / 1000), body);
  const headers = { ...good, "svix-signature": `v1,${"A".repeat(43)}= ${good["svix-signature"]}` };
  assert.equal((await post(control, headers, body)).status, 202);
});

test("events of another kind are taken and not kept; malformed ones are named; large ones are not read", async (t) => {
  const control = await startHarness(t, { config: CONFIG });
  const other = await deliver(control, "evt_1", eventOf("contact.created"));
  assert.deepEqual([other.status, other.json], [202, { recorded: false }]);
  for (const body of [
    "",
    "null",
    "[]",
    "{",
    "{}",
    '{"type":"email.sent"}',
    '{"type":"__proto__"}',
    "\u0000",
  ]) {
    const answer = await deliver(control, "evt_2", body);
    assert.ok(answer.status === 400 || (answer.status === 202 && !answer.json.recorded), body);
  }
  const large = await deliver(control, "evt_3", eventOf().padEnd(256 * 1024 + 1, " "));
  assert.equal(large.status, 413);
  assert.deepEqual((await control.get("/api/internal/mail/deliveries")).json.deliveries, []);
});

test("without a secret nothing is taken, and it is said how it would be", async (t) => {
  const control = await startHarness(t);
  const answer = await deliver(control, "evt_1", eventOf());
  assert.deepEqual([answer.status, answer.json.code], [503, "webhook_not_configured"]);
  assert.match(answer.json.detail, /CONTROL_RESEND_WEBHOOK_SECRET/);
});

function sign(id: string, timestampS: number, body: string, key = KEY): Record<string, string> {
  const signature = createHmac("sha256", key).update(`${id}.${timestampS}.${body}`).digest("base64");
  return { "svix-id": id, "svix-timestamp": `${timestampS}`, "svix-signature": `v1,${signature}` };
}

function deliver(control: Harness, id: string, body: string) {
  return post(control, sign(id, Math.floor(Date.now() / 1000), body), body);
}

async function post(control: Harness, headers: Record<string, string>, body: string) {
  const answer = await fetch(control.url + PATH, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
  const text = await answer.text();
  return { status: answer.status, json: JSON.parse(text) };
}

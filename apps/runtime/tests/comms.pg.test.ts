// Deliveries over HTTP: recorded once, never told otherwise.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startHarness } from "./harness.ts";

const EVENTS = "/internal/v1/comms/delivery-events";

function delivered(eventId: string, more: object = {}) {
  return {
    event_id: eventId,
    provider: "resend",
    delivery_state: "delivered",
    message_id: "msg_1",
    payload: { to: "a@example.org" },
    ...more,
  };
}

test("a delivery that twenty tell at once is recorded once, and told again it is the same", async (t) => {
  const one = await startHarness(t);
  const two = await startHarness(t, { databaseUrl: one.databaseUrl });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : two).post(EVENTS, delivered("evt_1"))),
  );
  assert.equal(answers.filter(({ status }) => status === 202).length, 1);
  assert.equal(answers.filter(({ status, json }) => status === 200 && json.replayed === true).length, 19);
  assert.equal(new Set(answers.map(({ json }) => json.event.receipt_id)).size, 1);
  assert.doesNotMatch((await one.get(EVENTS)).text, /example\.org/, "who it went to stays out");
  await one.stop();
  await two.stop();
  const again = await startHarness(t, { databaseUrl: one.databaseUrl });
  assert.equal((await again.post(EVENTS, delivered("evt_1"))).json.replayed, true, "also after a restart");
});

test("the same event with anything else is refused, and the first stands", async (t) => {
  const runtime = await startHarness(t);
  const first = await runtime.post(EVENTS, delivered("evt_1"));
  for (const drift of [
    { delivery_state: "bounced" },
    { payload: { to: "b@example.org" } },
    { message_id: "msg_2" },
  ]) {
    const answer = await runtime.post(EVENTS, delivered("evt_1", drift));
    assert.equal(answer.status, 409, answer.text);
    assert.equal(answer.json.reason, "delivery_event_drifted");
  }
  assert.deepEqual((await runtime.get(EVENTS)).json.events, [first.json.event]);
});

test("event ids are a provider's and an organisation's own", async (t) => {
  const runtime = await startHarness(t);
  const stranger = await runtime.token({ sub: "usr_b", org: "org_b" });
  assert.equal((await runtime.post(EVENTS, delivered("evt_1"))).status, 202);
  assert.equal((await runtime.post(EVENTS, delivered("evt_1", { provider: "postmark" }))).status, 202);
  assert.equal((await runtime.post(EVENTS, delivered("evt_1"), { token: stranger })).status, 202);
  assert.equal((await runtime.get(EVENTS, { token: stranger })).json.events.length, 1);
});

test("deliveries are listed newest first, of one message, by page", async (t) => {
  const runtime = await startHarness(t);
  for (const [eventId, messageId] of [
    ["e1", "m1"],
    ["e2", "m2"],
    ["e3", "m1"],
    ["e4", "m1"],
  ] as const) {
    await runtime.post(EVENTS, delivered(eventId, { message_id: messageId }));
  }
  const idsOf = (events: { event_id: string }[]) => events.map((event) => event.event_id);
  const first = (await runtime.get(`${EVENTS}?message_id=m1&limit=2`)).json;
  assert.deepEqual(idsOf(first.events), ["e4", "e3"]);
  const rest = (await runtime.get(`${EVENTS}?message_id=m1&limit=2&cursor=${first.next_cursor}`)).json;
  assert.deepEqual([idsOf(rest.events), rest.next_cursor], [["e1"], undefined]);
});

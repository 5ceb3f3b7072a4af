// How a device without a browser gets a session: RFC 8628.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startHarness, type Harness } from "./harness.ts";
import { newPerson, type Reply } from "./person.ts";
import { query } from "./rows.ts";

const GRANT = "urn:ietf:params:oauth:grant-type:device_code";

test("a person lets a device in, and it is in once, as a device", async (t) => {
  const control = await startHarness(t);
  const device = await send(control, "/api/auth/device/code", { client_id: "openagents-cli" });
  assert.deepEqual([device.json.expires_in, device.json.interval], [600, 5]);
  const poll = () =>
    send(control, "/api/auth/device/token", {
      grant_type: GRANT,
      device_code: device.json.device_code,
      client_id: "openagents-cli",
    });
  const pending = await poll();
  assert.deepEqual(
    [pending.status, pending.json.error, pending.json.code],
    [400, "authorization_pending", "authorization_pending"],
  );
  assert.equal((await poll()).json.error, "slow_down");

  const person = newPerson(control.url);
  const userCode = device.json.user_code;
  assert.equal(
    (await person.post("/api/auth/device/approve", { userCode })).status,
    401,
    "nobody approves for nobody",
  );
  await person.signIn("ada@example.com");
  const spoken = `${userCode.slice(0, 4)}-${userCode.slice(4)}`.toLowerCase();
  assert.equal((await person.get(`/api/auth/device?user_code=${spoken}`)).json.status, "pending");
  assert.equal((await person.post("/api/auth/device/approve", { userCode }, { csrf: "" })).status, 403);
  assert.equal((await person.post("/api/auth/device/approve", { userCode })).status, 200);

  await query(control.databaseUrl, `UPDATE auth."deviceCode" SET "lastPolledAt" = NULL`);
  const answers = await Promise.all([poll(), poll(), poll()]);
  const inside = answers.filter(({ status }) => status === 200);
  assert.equal(inside.length, 1);
  const { access_token: token, token_type: type } = inside[0]?.json ?? {};
  assert.equal(type, "Bearer");
  const { sessions } = await listed(control, token);
  assert.deepEqual(
    sessions.map(({ methods }: { methods: string[] }) => methods),
    [["device"], ["otp"]],
  );
  assert.equal((await poll()).json.error, "invalid_grant");
});

test("a device that is denied, late, or of no known kind stays out", async (t) => {
  const control = await startHarness(t);
  const person = newPerson(control.url);
  await person.signIn("ada@example.com");
  const begin = async () =>
    (await send(control, "/api/auth/device/code", { client_id: "openagents-desktop" })).json;
  const poll = (code: string, client = "openagents-desktop") =>
    send(control, "/api/auth/device/token", { grant_type: GRANT, device_code: code, client_id: client });

  const denied = await begin();
  await person.get(`/api/auth/device?user_code=${denied.user_code}`);
  assert.equal((await person.post("/api/auth/device/deny", { userCode: denied.user_code })).status, 200);
  assert.equal((await poll(denied.device_code)).json.error, "access_denied");

  const late = await begin();
  await query(
    control.databaseUrl,
    `UPDATE auth."deviceCode" SET "expiresAt" = "expiresAt" - interval '10 minutes'`,
  );
  assert.equal((await poll(late.device_code)).json.error, "expired_token");

  const other = await begin();
  assert.equal((await poll(other.device_code, "openagents-cli")).json.error, "invalid_grant");
  assert.equal(
    (await send(control, "/api/auth/device/code", { client_id: "evil" })).json.error,
    "invalid_client",
  );
});

test("who approves must have looked, and a code that one has looked at is not another's", async (t) => {
  const control = await startHarness(t);
  const [ada, eve] = [newPerson(control.url), newPerson(control.url)];
  await ada.signIn("ada@example.com");
  await eve.signIn("eve@example.com");
  const { json } = await send(control, "/api/auth/device/code", { client_id: "openagents-cli" });
  const userCode = json.user_code;
  assert.ok((await ada.post("/api/auth/device/approve", { userCode })).status >= 400);
  await ada.get(`/api/auth/device?user_code=${userCode}`);
  assert.ok((await eve.post("/api/auth/device/approve", { userCode })).status >= 400);
});

test("a form is as good as JSON where OAuth clients send one, with each field once", async (t) => {
  const control = await startHarness(t);
  const form = (body: string) =>
    fetch(`${control.url}/api/auth/device/code`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body,
    });
  assert.equal((await form("client_id=openagents-cli")).status, 200);
  assert.equal((await form("client_id=openagents-cli&client_id=evil")).status, 400);
});

test("codes that people type are guessed at slowly", async (t) => {
  const control = await startHarness(t);
  const person = newPerson(control.url);
  await person.signIn("ada@example.com");
  const statuses: number[] = [];
  for (let n = 0; n < 12; n += 1)
    statuses.push((await person.get(`/api/auth/device?user_code=ABCDEFG${n}`)).status);
  assert.deepEqual(
    statuses.slice(0, 10).filter((status) => status === 429),
    [],
  );
  assert.deepEqual(statuses.slice(10), [429, 429]);
});

async function listed(control: Harness, token: string) {
  const answer = await fetch(`${control.url}/api/auth/sessions`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return Object(await answer.json());
}

/** A client that is no browser: no cookies, no origin. */
async function send(control: Harness, path: string, body: unknown): Promise<Pick<Reply, "status" | "json">> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(control.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, json: await answer.json() };
}

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { signIn } from "./access.ts";
import { startHarness, type Harness } from "./harness.ts";
import { makeOrg, remove, join } from "./team.ts";

const OPERATOR = "operator@example.org";

test("in maintenance commands say when to come back, and reads, sign-in and health go on", async (t) => {
  const { control, operator } = await start(t);
  const begun = await set(control, await operator.token(), true, "moving the database");
  assert.equal(begun.status, 200, begun.text);
  const shout = await control.post("/api/shouts", { body: "hello" });
  assert.deepEqual([shout.status, shout.json.code], [503, "maintenance"]);
  assert.equal(shout.headers.get("retry-after"), "30");
  assert.equal((await control.get("/api/shouts")).status, 200);
  assert.equal((await control.get("/healthz", { token: "" })).status, 200);
  assert.equal((await control.get("/readyz", { token: "" })).status, 200);
  const { json } = await control.get("/api/maintenance", { token: "" });
  assert.deepEqual([json.active, json.reason], [true, "moving the database"]);
  const person = await signIn(control, "somebody@example.org");
  assert.equal((await control.get("/api/me", { token: await person.token() })).status, 200);
});

test("an operator ends it, and what was refused is then done under the same key", async (t) => {
  const { control, operator } = await start(t);
  const person = await signIn(control, "somebody@example.org");
  const token = await person.token();
  const key = crypto.randomUUID();
  const make = () => control.post("/api/orgs", { name: "Team", slug: "team" }, { token, key });
  await set(control, await operator.token(), true, "");
  assert.equal((await make()).status, 503);
  const ended = await set(control, await operator.token(), false, "done");
  assert.equal(ended.json.active, false);
  assert.equal((await make()).status, 201);
  const again = await set(control, await operator.token(), false, "");
  assert.equal(again.json.receipt_id, undefined, "a repeat changes nothing");
});

test("nobody but operators begins it, and both ends are written down", async (t) => {
  const { control, operator } = await start(t);
  const person = await signIn(control, "somebody@example.org");
  assert.equal((await set(control, await person.token(), true, "")).status, 403);
  const begun = await set(control, await operator.token(), true, "a move");
  const ended = await set(control, await operator.token(), false, "");
  const { json } = await control.get("/api/audit?subject=maintenance", { token: await operator.token() });
  assert.deepEqual(
    json.entries.map((each: { action: string; actor: string; receipt_id: string }) => [
      each.action,
      each.actor,
      each.receipt_id,
    ]),
    [
      ["maintenance.ended", operator.userId, ended.json.receipt_id],
      ["maintenance.begun", operator.userId, begun.json.receipt_id],
    ],
  );
});

test("rights end in maintenance as well", async (t) => {
  const { control, operator } = await start(t);
  const owner = await signIn(control, "owner@example.org");
  const org = await makeOrg(control, owner);
  const member = await join(control, owner, org, "member@example.org", "member");
  const token = await member.token(org);
  await set(control, await operator.token(), true, "");
  assert.equal((await remove(control, owner, org, member.userId)).status, 200);
  assert.equal((await control.get("/api/me", { token })).json.code, "token_revoked");
});

test("once maintenance has begun nothing commits that was under way", async (t) => {
  const { control, operator } = await start(t);
  const token = await control.token();
  const shouts = Array.from({ length: 12 }, (_, index) =>
    control.post("/api/shouts", { body: `shout ${index}` }, { token }),
  );
  const begun = await set(control, await operator.token(), true, "");
  assert.equal(begun.status, 200);
  const seen = (await control.get("/api/shouts?limit=50", { token })).json.shouts.length;
  const answers = await Promise.all(shouts);
  const after = (await control.get("/api/shouts?limit=50", { token })).json.shouts.length;
  assert.equal(after, seen, answers.map(({ status }) => status).join());
});

test("a service that is configured so begins in maintenance, and stays in it over a restart", async (t) => {
  const { control } = await start(t, { maintenance: "a new version" });
  assert.equal((await control.get("/api/maintenance", { token: "" })).json.reason, "a new version");
  await control.stop();
  const restarted = await startHarness(t, { databaseUrl: control.databaseUrl });
  assert.equal((await restarted.post("/api/shouts", { body: "hello" })).json.code, "maintenance");
});

async function start(t: TestContext, config: { readonly maintenance?: string } = {}) {
  const control = await startHarness(t, { config: { operators: [OPERATOR], ...config } });
  return { control, operator: await signIn(control, OPERATOR) };
}

async function set(control: Harness, token: string, active: boolean, reason: string) {
  return control.post("/api/maintenance", { active, reason }, { token });
}

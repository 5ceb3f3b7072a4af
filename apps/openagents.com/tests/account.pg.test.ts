// The end of an account: what it gave access to ends with the answer, what it wrote shortly after.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { manualClock } from "@openagents/testing";
import { deviceGrant, deviceToken, enroll, grant, newDevice, signIn, type SignedIn } from "./access.ts";
import { startGmailStandIn, type GmailStandIn } from "./gmail-stand-in.ts";
import { startHarness, type Answer, type Harness, type RequestOptions } from "./harness.ts";
import { everyRow, query } from "./rows.ts";
import { accept, invite, join, makeOrg, setRole } from "./team.ts";

const ADA = "ada.lovelace@example.org";

test("sessions, tokens, devices and keys end with the answer, on every instance", async (t) => {
  const { control, config, clock } = await start(t);
  const other = await startHarness(t, { databaseUrl: control.databaseUrl, config, nowMs: clock.nowMs });
  const ada = await signIn(control, ADA);
  const token = await ada.token();
  const device = newDevice();
  await enroll(control, device, token);
  const ofDevice = await deviceToken(control, device);
  const key = await control.post("/api/tokens", { name: "ci", scopes: ["me:read"] }, { token });
  const ofKey = await grant(control, { grant_type: "api_key", api_key: key.json.secret });
  assert.equal((await other.get("/api/me", { token })).status, 200);

  const deleted = await remove(control, token);
  assert.equal(deleted.status, 200, deleted.text);
  assert.deepEqual(deleted.json.closed_orgs, [ada.org]);
  for (const each of [token, ofDevice, ofKey.json.access_token])
    assert.equal((await control.get("/api/me", { token: each })).json.code, "token_revoked");
  await t.waitFor(
    async () => assert.equal((await other.get("/api/me", { token })).json.code, "token_revoked"),
    { timeout: 5_000 },
  );
  assert.equal((await ada.person.post("/api/auth/token", { grant_type: "session" })).status, 401);
  assert.equal((await grant(control, await deviceGrant(control, device))).json.code, "device_revoked");
  assert.equal((await grant(control, { grant_type: "api_key", api_key: key.json.secret })).status, 401);
  assert.equal((await remove(control, token)).json.code, "token_revoked", "a repeat finds nobody");
  const again = await signIn(control, ADA);
  assert.notEqual(again.userId, ada.userId, "who comes back is somebody new");
});

test("an organisation that others are in goes on, with its keys, and never without an owner", async (t) => {
  const { control, clock } = await start(t);
  const ada = await signIn(control, ADA);
  const org = await makeOrg(control, ada);
  const bob = await join(control, ada, org, "bob@example.org", "member");
  const refused = await remove(control, await ada.token());
  assert.deepEqual([refused.status, refused.json.reason], [409, "last_owner"]);
  const token = await ada.token(org);
  const key = await control.post("/api/tokens", { name: "ci", scopes: ["me:read"] }, { token });
  const waiting = await invite(control, ada, org, "eve@example.org", "member");
  await setRole(control, ada, org, bob.userId, "owner");
  clock.advance(10);
  const deleted = await remove(control, await ada.token());
  assert.equal(deleted.status, 200, deleted.text);
  assert.equal((await grant(control, { grant_type: "api_key", api_key: key.json.secret })).status, 200);
  const members = await control.get(`/api/orgs/${org}/members`, { token: await bob.token(org) });
  assert.deepEqual(
    members.json.members.map(({ user_id }: { user_id: string }) => user_id),
    [bob.userId],
  );
  const eve = await signIn(control, "eve@example.org");
  const late = await accept(control, eve, waiting.json.invitation_id);
  assert.equal(late.json.code, "invitation_not_found", "nobody comes in by who is gone");
  const { json } = await control.get("/api/audit?limit=1", { token: await bob.token(org) });
  assert.deepEqual(
    [json.entries[0].action, json.entries[0].receipt_id],
    ["account.deleted", deleted.json.receipt_id],
  );
});

test("an account is deleted by its person in a fresh session, who names it", async (t) => {
  const { control, clock } = await start(t);
  const ada = await signIn(control, ADA);
  const wrong = await control.post(
    "/api/me/delete",
    { confirm_email: "bob@example.org" },
    { token: await ada.token() },
  );
  assert.deepEqual([wrong.status, wrong.json.code], [400, "confirm_email_differs"]);
  clock.advance(16 * 60_000);
  const stale = await remove(control, await ada.token());
  assert.deepEqual([stale.status, stale.json.code], [403, "fresh_sign_in_required"]);
  await ada.person.signIn(ADA);
  assert.equal((await remove(control, await ada.token())).status, 200);
});

test("who owns the installation stays", async (t) => {
  const owner = { userId: "usr_owner", orgId: "org_owner" };
  const { control } = await start(t, { localOwner: owner });
  const token = await control.token({ auth_time: Math.floor(Date.now() / 1000), amr: ["link"] });
  const refused = await control.post("/api/me/delete", { confirm_email: "usr_owner@localhost" }, { token });
  assert.deepEqual([refused.status, refused.json.reason], [403, "installation_owner"]);
});

test("money is neither lost by a slip nor by a runtime that is away", async (t) => {
  const { control, runtime } = await start(t);
  const ada = await signIn(control, ADA);
  runtime.funds = undefined;
  const unknown = await remove(control, await ada.token());
  assert.deepEqual([unknown.status, unknown.json.code], [503, "funds_unknown"]);
  runtime.funds = { available: 5_000, reserved: 1 };
  assert.equal(
    (await remove(control, await ada.token(), { give_up_funds: true })).json.reason,
    "funds_reserved",
  );
  runtime.funds = { available: 5_000, reserved: 0 };
  assert.equal((await remove(control, await ada.token())).json.reason, "funds_held");
  const deleted = await remove(control, await ada.token(), { give_up_funds: true });
  assert.equal(deleted.status, 200, deleted.text);
  const receipt = await receiptOf(control, deleted);
  assert.deepEqual([receipt.given_up_msats, receipt.closed_orgs], [5_000, [ada.org]]);
  assert.deepEqual(runtime.asked, [ada.org]);
});

test("of many who delete one account at once, one does, and a repeat under its key is told the same", async (t) => {
  const { control } = await start(t);
  const ada = await signIn(control, ADA);
  const token = await ada.token();
  const key = crypto.randomUUID();
  const answers = await Promise.all([
    ...Array.from({ length: 3 }, () => remove(control, token, {}, { key })),
    ...Array.from({ length: 3 }, () => remove(control, token)),
  ]);
  const done = answers.filter(({ status }) => status === 200);
  assert.ok(done.length >= 1, answers.map(({ text }) => text).join());
  assert.equal(new Set(done.map(({ text }) => text)).size, 1);
  assert.ok(answers.every(({ status, json }) => status === 200 || json.code === "token_revoked"));
  const { rows } = await query(control.databaseUrl, "SELECT count(*)::int AS n FROM control.erasures");
  assert.equal(rows[0].n, 1);
});

test("no token that was given while the account ended outlives it, and asking for one fails cleanly", async (t) => {
  const { control } = await start(t);
  const ada = await signIn(control, ADA);
  const token = await ada.token();
  const device = newDevice();
  await enroll(control, device, token);
  const csrf = await ada.person.csrf();
  const proofs = await Promise.all(Array.from({ length: 8 }, () => deviceGrant(control, device)));
  const ask = () => ada.person.post("/api/auth/token", { grant_type: "session" }, { csrf });
  const asked = [...proofs.map((proof) => grant(control, proof)), ...Array.from({ length: 8 }, ask)];
  const [deleted, ...answers] = await Promise.all([remove(control, token), ...asked]);
  assert.equal(deleted.status, 200, deleted.text);
  for (const { status, text, json } of answers) {
    assert.ok(status < 500, text);
    if (status !== 200) continue;
    const then = await control.get("/api/me", { token: json.access_token });
    assert.equal(then.json.code, "token_revoked");
  }
});

test("who accepts an invitation while the account ends is a member of nothing afterwards", async (t) => {
  const { control } = await start(t);
  const owner = await signIn(control, "owner@example.org");
  const org = await makeOrg(control, owner);
  const ada = await signIn(control, ADA);
  const { json } = await invite(control, owner, org, ADA, "owner");
  const token = await ada.token();
  const [accepted, deleted] = await Promise.all([
    control.post(`/api/invitations/${json.invitation_id}/accept`, {}, { token }),
    remove(control, token),
  ]);
  assert.equal(deleted.status, 200, deleted.text);
  assert.ok([200, 401, 404].includes(accepted.status), accepted.text);
  const { rows } = await query(
    control.databaseUrl,
    `SELECT "userId" FROM auth.member WHERE "organizationId" = $1`,
    [org],
  );
  assert.deepEqual(
    rows.map(({ userId }) => userId),
    [owner.userId],
  );
});

test("what the person wrote is erased over a restart, and receipts and the audit log stay", async (t) => {
  const google = await startGmailStandIn(t);
  const { control, clock, config } = await start(t, { google: google.settings });
  const ada = await signIn(control, ADA);
  const bob = await signIn(control, "bob@example.org");
  const token = await ada.token();
  await write(control, ada, bob);
  await writeMail(control, google, token);
  const before = await everyRow(control.databaseUrl);
  for (const word of SECRETS) assert.match(before, new RegExp(word), `${word} was written`);
  const deleted = await remove(control, token);
  assert.equal(deleted.status, 200, deleted.text);
  await control.stop();

  clock.advance(60_000);
  const restarted = await startHarness(t, { databaseUrl: control.databaseUrl, config, nowMs: clock.nowMs });
  await t.waitFor(
    async () => {
      const { rows } = await query(control.databaseUrl, "SELECT erased_at_ms FROM control.erasures");
      assert.ok(rows[0].erased_at_ms !== null);
    },
    { timeout: 20_000 },
  );
  const left = await everyRow(control.databaseUrl);
  const kept = await query(
    control.databaseUrl,
    `SELECT body AS line FROM authority.commands UNION ALL SELECT payload FROM sync.stream_events
      UNION ALL SELECT body FROM authority.receipts UNION ALL SELECT payload FROM authority.intents`,
  );
  const everything = `${left}\n${kept.rows.map(({ line }) => line).join("\n")}`;
  for (const word of SECRETS) assert.doesNotMatch(everything, new RegExp(word), word);
  assert.equal((await receiptOf(restarted, deleted)).user_id, ada.userId);
  const { rows } = await query(
    control.databaseUrl,
    "SELECT action FROM control.audit_entries WHERE subject = $1 ORDER BY entry_id DESC LIMIT 2",
    [ada.userId],
  );
  assert.deepEqual(
    rows.map(({ action }) => action),
    ["account.erased", "account.deleted"],
  );
  const taken = await restarted.send(
    "PATCH",
    "/api/settings/profile",
    { handle: "adas-own" },
    { token: await (await signIn(restarted, "bob@example.org")).token() },
  );
  assert.ok(taken.status >= 400, "a handle becomes nobody else's");
});

const SECRETS = [
  "ada\\.lovelace",
  "Countess",
  "engines that weave",
  "for bob only",
  "about the loom",
  "notes of mine",
  "looms laptop",
  "weaver-pilot",
  "may it weave",
  "a letter on looms",
  "patterns, dear sir",
];

/** Something of everything that a person can leave behind. */
async function write(control: Harness, ada: SignedIn, bob: SignedIn): Promise<void> {
  const token = await ada.token();
  const done = async (answer: Promise<Answer>) => {
    const { status, text, json } = await answer;
    assert.ok(status < 300, text);
    return json;
  };
  const profile = { handle: "adas-own", display_name: "Countess", bio: "notes of mine" };
  await done(control.send("PATCH", "/api/settings/profile", profile, { token }));
  const bobs = { handle: "bob", display_name: "Bob" };
  await done(control.send("PATCH", "/api/settings/profile", bobs, { token: await bob.token() }));
  await done(control.post("/api/shouts", { body: "engines that weave" }, { token }));
  await done(control.post("/api/whispers", { to: "@bob", body: "for bob only" }, { token }));
  const pilot = { handle: "weaver-pilot", display_name: "weaver-pilot" };
  const { autopilot } = await done(control.post("/api/autopilots", pilot, { token }));
  // As a tool leaves them that wrote something outside.
  await query(
    control.databaseUrl,
    `INSERT INTO control.tool_executions
       (execution_id, autopilot_id, tool, replay_hash, arguments, status, result, receipt_id, started_at_ms)
     VALUES ('exe_1', $1, 'coding.v1/add_comment', '', '{"body":"a loom patch"}', 'succeeded', '{}', '', 0)`,
    [autopilot.autopilot_id],
  );
  await query(
    control.databaseUrl,
    `INSERT INTO authority.intents
       (intent_id, kind, tenant, subject, payload, effect_key, status, attempts, epoch, due_at_ms, request_id,
        outcome, created_at_ms, updated_at_ms)
     VALUES ('int_1', 'test.comment', $1, 'exe_1', '{"body":"a loom patch"}', 'int_1', 'succeeded', 1, 1, 0, '',
             '{}', 0, 0)`,
    [ada.org],
  );
  await done(control.post("/api/runtime/threads", { title: "about the loom" }, { token }));
  await enroll(control, newDevice(), token, "looms laptop");
  const approval = { kind: "question", title: "may it weave", detail: "a pattern" };
  await done(control.post("/api/inbox/approvals", approval, { token }));
}

/** A mailbox with a letter, and an answer that is still on its way. */
async function writeMail(control: Harness, google: GmailStandIn, token: string): Promise<void> {
  const begun = await control.post("/api/settings/mailboxes/google/authorize", {}, { token });
  const back = google.authorize(begun.json.authorize_url);
  await control.post("/api/settings/mailboxes/google/complete", back, { token });
  google.receive({ from: "bob@example.org", subject: "a letter on looms", text: "?" });
  await control.post("/api/inbox/refresh", {}, { token });
  const [thread] = (await control.get("/api/inbox/threads", { token })).json.threads;
  const words = { thread_id: thread.thread_id, body: "patterns, dear sir" };
  const { draft } = (await control.post("/api/inbox/drafts", words, { token })).json;
  google.faults.push("drop_reply");
  google.hidesSent = true;
  const path = `/api/inbox/drafts/${draft.draft_id}`;
  await control.post(`${path}/approve`, { version: 1 }, { token });
  while ((await control.get(path, { token })).json.draft.status !== "unknown");
}

function remove(
  control: Harness,
  token: string,
  body: object = {},
  options: RequestOptions = {},
): Promise<Answer> {
  return control.post("/api/me/delete", { confirm_email: ADA, ...body }, { ...options, token });
}

async function receiptOf(control: Harness, deleted: Answer) {
  const { rows } = await query(
    control.databaseUrl,
    "SELECT body FROM authority.receipts WHERE receipt_id = $1",
    [deleted.json.receipt_id],
  );
  return JSON.parse(rows[0].body);
}

async function start(t: TestContext, more: object = {}) {
  const clock = manualClock(Date.now());
  const runtime = await startRuntime(t);
  const config = { runtimeUrl: runtime.url, ...more };
  return { control: await startHarness(t, { config, nowMs: clock.nowMs }), clock, runtime, config };
}

type StandIn = {
  readonly url: string;
  /** Undefined: it does not say. */
  funds: { readonly available: number; readonly reserved: number } | undefined;
  readonly asked: readonly string[];
};

/** A stand-in for the runtime's books, which knows one thing. */
async function startRuntime(t: TestContext): Promise<StandIn> {
  const asked = new Set<string>();
  const server = createServer((request, response) => {
    const claims = (request.headers.authorization ?? "").split(".")[1] ?? "";
    const { org } = JSON.parse(Buffer.from(claims, "base64url").toString() || "{}");
    const isKnown = request.url === "/internal/v1/treasury/compute/summary" && standIn.funds !== undefined;
    if (isKnown) asked.add(org);
    response.writeHead(isKnown ? 200 : 503, { "content-type": "application/json" }).end(
      JSON.stringify({
        org,
        available_msats: standIn.funds?.available,
        reserved_msats: standIn.funds?.reserved,
        spent_msats: 0,
        earned_msats: 0,
        recent_settlements: [],
      }),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const standIn: StandIn = {
    url: `http://127.0.0.1:${port}`,
    funds: { available: 0, reserved: 0 },
    get asked() {
      return [...asked];
    },
  };
  return standIn;
}

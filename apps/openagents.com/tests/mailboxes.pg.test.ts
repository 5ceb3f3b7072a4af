// Mailboxes: who connects one, in which session, once, and where its secret is.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startGmailStandIn } from "./gmail-stand-in.ts";
import { startHarness, type Harness } from "./harness.ts";
import { everyRow, query } from "./rows.ts";

const PATH = "/api/settings/mailboxes";
const IMAP = {
  address: "ann@example.org",
  password: "a password of ours",
  imap_host: "imap.example.org",
  imap_port: 993,
  smtp_host: "smtp.example.org",
  smtp_port: 465,
};

test("a mailbox at Google is connected in the session that began it, and a replay says the same", async (t) => {
  const { control, google } = await start(t);
  const begun = await control.post(`${PATH}/google/authorize`, {}, { key: "a" });
  const url = new URL(begun.json.authorize_url);
  assert.equal(url.searchParams.get("code_challenge_method"), "S256");
  assert.equal(
    url.searchParams.get("redirect_uri"),
    `http://localhost:${new URL(control.url).port}/settings/integrations/google/callback`,
  );
  const again = await control.post(`${PATH}/google/authorize`, {}, { key: "a" });
  assert.equal(again.json.authorize_url, undefined, "the state is told once");
  const back = google.authorize(begun.json.authorize_url);
  const connected = await control.post(`${PATH}/google/complete`, back, { key: "c" });
  assert.deepEqual(
    [connected.status, connected.json.mailbox.address, connected.json.mailbox.provider],
    [200, "ann@example.org", "gmail"],
  );
  assert.equal((await control.post(`${PATH}/google/complete`, back, { key: "c" })).text, connected.text);
  const listed = await control.get(PATH);
  assert.equal(listed.json.mailboxes.length, 1);
  const other = await control.token({ sub: "usr_other" });
  assert.deepEqual((await control.get(PATH, { token: other })).json.mailboxes, []);
});

test("a state is good once, for ten minutes, and in the session that began it alone", async (t) => {
  let nowMs = Date.now();
  const { control, google } = await start(t, () => nowMs);
  const complete = (back: object, token?: string) =>
    control.post(`${PATH}/google/complete`, back, token === undefined ? {} : { token });
  const begin = async () =>
    google.authorize((await control.post(`${PATH}/google/authorize`, {})).json.authorize_url);

  // Whoever is led to end what another began, ends nothing, and does not spoil it.
  const back = await begin();
  for (const claims of [{ sub: "usr_other" }, { org: "org_b" }, { sid: "ses_other" }]) {
    const led = await complete(back, await control.token(claims));
    assert.deepEqual([led.status, led.json.reason], [409, "authorization_invalid"]);
  }
  const answers = await Promise.all(Array.from({ length: 8 }, () => complete(back)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.equal(answers.filter(({ json }) => json.reason === "authorization_invalid").length, 7);
  const late = await begin();
  nowMs += 600_000;
  let answer = await complete(late);
  // The clock has leapt: commands go on once it is known again which tokens were taken back.
  while (answer.status === 503) answer = await complete(late);
  assert.equal(answer.json.reason, "authorization_invalid");
  const made = await complete({ state: "x".repeat(43), code: "code" });
  assert.equal(made.json.reason, "authorization_invalid");
});

test("a code that was stolen is of no use without the verifier, and half a permission is none", async (t) => {
  const { control, google } = await start(t);
  const begin = async () =>
    google.authorize((await control.post(`${PATH}/google/authorize`, {})).json.authorize_url);
  const [own, stolen] = [await begin(), await begin()];
  const swapped = await control.post(`${PATH}/google/complete`, { state: own.state, code: stolen.code });
  assert.deepEqual([swapped.status, swapped.json.reason], [403, "authorization_refused"]);
  google.scope = "https://www.googleapis.com/auth/gmail.readonly";
  const half = await control.post(`${PATH}/google/complete`, await begin());
  assert.deepEqual([half.status, half.json.reason], [403, "permission_missing"]);
  assert.deepEqual((await control.get(PATH)).json.mailboxes, []);
});

test("the secret of a mailbox is in no row, no answer and no list of the organisation's", async (t) => {
  const { control, google } = await start(t);
  const { json } = await control.post(`${PATH}/google/authorize`, {});
  const back = google.authorize(json.authorize_url);
  const connected = await control.post(`${PATH}/google/complete`, back);
  const stored = await everyRow(control.databaseUrl);
  for (const secret of ["1//stand-in", "client-secret", back.state, back.code])
    assert.ok(!stored.includes(secret) && !connected.text.includes(secret), secret);
  const { rows } = await query(control.databaseUrl, "SELECT t::text AS line FROM authority.commands t");
  assert.ok(!rows.some(({ line }) => line.includes(back.state)), "the state is kept as a hash alone");
  assert.deepEqual((await control.get("/api/settings/integrations")).json.integrations, []);
  const service = await control.token({ sub: "svc_runtime" });
  for (const provider of ["gmail", "imap"])
    assert.equal(
      (await control.get(`/api/internal/integrations/${provider}/secret`, { token: service })).status,
      400,
    );
  // A row that is moved to another person does not open for them.
  await query(control.databaseUrl, "UPDATE control.integrations SET owner = 'usr_other'");
  await query(control.databaseUrl, "UPDATE control.mailboxes SET user_id = 'usr_other'");
  const other = await control.token({ sub: "usr_other" });
  assert.equal((await control.post("/api/inbox/refresh", {}, { token: other })).status, 500);
});

test("nobody but a person connects or disconnects a mailbox", async (t) => {
  const { control, google } = await start(t);
  const { json } = await control.post(`${PATH}/google/authorize`, {});
  const mailbox = (await control.post(`${PATH}/google/complete`, google.authorize(json.authorize_url))).json
    .mailbox;
  for (const claims of [{ sub: "dev_1" }, { sub: "sa_1" }, { sub: "svc_runtime", act: "usr_owner" }]) {
    const token = await control.token(claims);
    for (const [verb, path, body] of [
      ["PUT", `${PATH}/imap/connection`, IMAP],
      ["POST", `${PATH}/google/authorize`, {}],
      ["POST", `${PATH}/google/complete`, { state: "x".repeat(43), code: "c" }],
      ["DELETE", `${PATH}/${mailbox.mailbox_id}`, undefined],
    ] as const) {
      const answer = await control.send(verb, path, body, { token });
      assert.deepEqual([answer.status, answer.json.code], [403, "person_required"], path);
    }
  }
  const other = await control.token({ sub: "usr_other" });
  const path = `${PATH}/${mailbox.mailbox_id}`;
  assert.equal((await control.send("DELETE", path, undefined, { token: other })).status, 404);
  const gone = await control.send("DELETE", path, undefined, { key: "d" });
  assert.match(gone.json.receipt_id, /^intd_/);
  assert.equal((await control.send("DELETE", path, undefined, { key: "d" })).text, gone.text);
  const { rows } = await query(control.databaseUrl, "SELECT 1 FROM control.integrations");
  assert.equal(rows.length, 0);
});

test("a mail server is reached nowhere but on the public internet, by form or by name", async (t) => {
  const control = await startHarness(t, {
    config: { development: false, mail: { kind: "smtp", url: "smtp://127.0.0.1:9", from: "a@example.org" } },
    resolve: async () => ["169.254.169.254"],
  });
  for (const host of ["127.0.0.1", "2130706433", "10.0.0.1", "169.254.169.254", "imap.example.org"])
    for (const field of ["imap_host", "smtp_host"]) {
      const answer = await control.send("PUT", `${PATH}/imap/connection`, { ...IMAP, [field]: host });
      assert.deepEqual([answer.status, answer.json.reason], [403, "host_not_allowed"], host);
    }
  for (const host of ["[::1]", "a b", "user@host", "host/path", ""])
    assert.equal(
      (await control.send("PUT", `${PATH}/imap/connection`, { ...IMAP, imap_host: host })).status,
      400,
      host,
    );
  const unregistered = await control.post(`${PATH}/google/authorize`, {});
  assert.deepEqual([unregistered.status, unregistered.json.code], [503, "google_not_configured"]);
});

async function start(t: TestContext, nowMs: () => number = Date.now) {
  const google = await startGmailStandIn(t);
  const control: Harness = await startHarness(t, { nowMs, config: { google: google.settings } });
  return { control, google };
}

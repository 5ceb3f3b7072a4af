// What becomes of a mail when its server says no, says nothing, or the service dies in
// between: it is sent once or not at all, and never said to be sent when that is not known.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startControlProcess } from "./control-process.ts";
import { IMAP_LOGIN, startImapStandIn } from "./imap-stand-in.ts";
import { startHarness, type Harness } from "./harness.ts";
import { startMailPerson, type MailPerson } from "./mail-person.ts";
import { query } from "./rows.ts";
import { startSmtpStandIn } from "./smtp-stand-in.ts";

const DRAFTS = "/api/inbox/drafts";
const WORDS = { to: ["bob@x.example"], subject: "Hello", body: "Are you there?" };

test("Google took it and the answer was lost: it is found among the sent mail, and not sent again", async (t) => {
  const person = await startMailPerson(t);
  person.google.faults.push("drop_reply");
  const id = await approved(person);
  const sent = await person.ended(id);
  assert.deepEqual([sent.status, person.google.sends.length], ["succeeded", 1]);
});

test("Google refuses, is busy, or its grant is gone: nothing is said to be sent that was not", async (t) => {
  const person = await startMailPerson(t);
  person.google.faults.push("refuse", "busy");
  const refused = await person.ended(await approved(person));
  assert.deepEqual([refused.status, refused.sent_at], ["failed", undefined]);
  const busy = await person.ended(await approved(person));
  assert.deepEqual(
    [busy.status, person.google.sends.length],
    ["succeeded", 3],
    "one that was not taken is given again",
  );
  person.google.revoked = true;
  person.google.forgetAccessTokens();
  const gone = await person.ended(await approved(person));
  assert.equal(gone.status, "failed");
  assert.match(gone.detail, /Connect it again/);
  assert.equal(person.google.sends.length, 3);
});

test("while nobody can say whether it was sent it is unknown, also after a restart, and is not sent again", async (t) => {
  let person = await startMailPerson(t);
  person.google.faults.push("drop_reply");
  person.google.hidesSent = true;
  const id = await approved(person);
  assert.equal((await person.ended(id, ["unknown"])).sent_at, undefined);
  person = await person.restart();
  assert.equal((await person.draft(id)).status, "unknown");
  person.google.hidesSent = false;
  await due(person.control);
  assert.equal((await person.ended(id)).status, "succeeded");
  assert.equal(person.google.sends.length, 1);
});

test("killed between sending and recording, the next process finds out what became of it, and sends nothing", async (t) => {
  const person = await startMailPerson(t);
  const { google, fresh } = person;
  const { draft_id } = (await person.control.post(DRAFTS, WORDS, { token: fresh })).json.draft;
  await person.control.stop();
  google.faults.push("hold_reply");
  const process = await startControlProcess(t, person.control.config);
  const answer = await fetch(`${process.url}${DRAFTS}/${draft_id}/approve`, {
    method: "POST",
    headers: { authorization: `Bearer ${fresh}`, "idempotency-key": "k", "content-type": "application/json" },
    body: JSON.stringify({ version: 1 }),
  });
  assert.equal(answer.status, 200, await answer.text());
  await google.holds;
  await process.kill();
  const next = await person.restart();
  assert.equal((await next.draft(draft_id)).status, "pending");
  await due(next.control);
  assert.equal((await next.ended(draft_id)).status, "succeeded");
  assert.equal(google.sends.length, 1);
});

test("a mailbox by IMAP is read without marking anything, and sent from by SMTP with a copy kept", async (t) => {
  const { control, imap, smtp, fresh } = await startImapPerson(t);
  imap.inbox.push(
    "Message-ID: <1@x.example>\r\nFrom: Bob <bob@x.example>\r\nSubject: One\r\n\r\nfirst",
    "From: eve@x.example\r\nSubject: No id\r\n\r\nsecond",
    "Message-ID: <2@x.example>\r\nReferences: <1@x.example>\r\nFrom: bob@x.example\r\nSubject: Re: One\r\n\r\nthird",
  );
  const refresh = async () => (await control.post("/api/inbox/refresh", {})).json;
  const first = await refresh();
  assert.deepEqual([first.mailboxes[0].status, first.new_messages], ["works", 3]);
  assert.equal((await refresh()).new_messages, 0);
  assert.deepEqual(imap.opened, []);
  const { threads } = (await control.get("/api/inbox/threads")).json;
  assert.deepEqual(
    threads.map(({ subject, message_count }: { subject: string; message_count: number }) => [
      subject,
      message_count,
    ]),
    [
      ["One", 2],
      ["No id", 1],
    ],
  );
  const created = await control.post(
    DRAFTS,
    { thread_id: threads[0].thread_id, body: "Yes." },
    { token: fresh },
  );
  const { draft_id, to } = created.json.draft;
  assert.deepEqual(to, ["bob@x.example"]);
  await control.post(`${DRAFTS}/${draft_id}/approve`, { version: 1 }, { token: fresh });
  const sent = await ended(control, draft_id);
  assert.equal(sent.status, "succeeded", sent.detail);
  assert.deepEqual([smtp.taken.length, smtp.taken[0]?.recipients], [1, ["bob@x.example"]]);
  assert.match(imap.sent[0] ?? "", /^In-Reply-To: <2@x\.example>\r$/m);
});

test("a login that is not taken is said to be refused, and nothing of it is kept", async (t) => {
  const { control, connect } = await startImapPerson(t);
  const wrong = await connect({ password: "wrong" });
  assert.deepEqual([wrong.status, wrong.json.reason], [403, "login_refused"]);
  assert.equal((await control.get("/api/settings/mailboxes")).json.mailboxes.length, 1);
  const away = await connect({ imap_port: 1 });
  assert.deepEqual([away.status, away.json.code], [503, "mailbox_unreachable"]);
});

test("an SMTP server that says no is believed, and one that says nothing is asked about, never given it twice", async (t) => {
  const { control, imap, smtp, fresh } = await startImapPerson(t);
  const approve = async () => {
    const { draft_id } = (await control.post(DRAFTS, WORDS, { token: fresh })).json.draft;
    await control.post(`${DRAFTS}/${draft_id}/approve`, { version: 1 }, { token: fresh });
    return String(draft_id);
  };
  smtp.refusal = "554 never";
  const refused = await ended(control, await approve());
  assert.deepEqual([refused.status, refused.sent_at], ["failed", undefined]);
  assert.equal(smtp.taken.length, 0);
  smtp.refusal = undefined;
  smtp.dropsAfterData = true;
  const id = await approve();
  const unknown = await ended(control, id, ["unknown"]);
  assert.equal(unknown.sent_at, undefined);
  await due(control);
  assert.equal((await ended(control, id, ["unknown"])).status, "unknown");
  assert.equal(smtp.taken.length, 1);
  // The server turns out to have kept it.
  imap.sent.push(smtp.taken[0]?.content.replaceAll("\n", "\r\n") ?? "");
  await due(control);
  assert.equal((await ended(control, id)).status, "succeeded");
  assert.equal(smtp.taken.length, 1);
});

async function approved({ control, fresh }: MailPerson): Promise<string> {
  const { draft_id } = (await control.post(DRAFTS, WORDS, { token: fresh })).json.draft;
  const answer = await control.post(`${DRAFTS}/${draft_id}/approve`, { version: 1 }, { token: fresh });
  assert.deepEqual([answer.status, answer.json.draft.status], [200, "pending"]);
  return String(draft_id);
}

async function ended(control: Harness, id: string, until = ["succeeded", "failed"]) {
  for (;;) {
    const { draft } = (await control.get(`${DRAFTS}/${id}`)).json;
    if (until.includes(draft.status)) return draft;
  }
}

/** Intents that wait are looked at now. The service's own role may do that. */
async function due(control: Harness): Promise<void> {
  await query(control.databaseUrl, "UPDATE authority.intents SET due_at_ms = 0 WHERE kind = 'mail.send'");
}

async function startImapPerson(t: TestContext) {
  const [imap, smtp] = [await startImapStandIn(t), await startSmtpStandIn(t)];
  const control = await startHarness(t, { resolve: async () => ["127.0.0.1"] });
  const connect = (changes: object = {}) =>
    control.send("PUT", "/api/settings/mailboxes/imap/connection", {
      address: "ann@example.org",
      username: IMAP_LOGIN.user,
      password: IMAP_LOGIN.password,
      imap_host: "imap.example.org",
      imap_port: imap.port,
      smtp_host: "smtp.example.org",
      smtp_port: Number(new URL(smtp.url).port),
      ...changes,
    });
  const connected = await connect();
  assert.equal(connected.status, 200, connected.text);
  const fresh = await control.token({ auth_time: Math.floor(Date.now() / 1000), amr: ["otp"] });
  return { control, imap, smtp, fresh, connect };
}

// Drafts: who writes them, who decides, and that what was decided is what is sent, once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startMailPerson } from "./mail-person.ts";
import { query } from "./rows.ts";

const DRAFTS = "/api/inbox/drafts";

test("a device drafts an answer, its person approves it in the inbox, and it is sent as it was shown", async (t) => {
  const { control, google, device, fresh, receive, ended } = await startMailPerson(t);
  const thread_id = await receive({ headers: "References: <0@x.example>\r\nReply-To: help@x.example\r\n" });
  const body = { thread_id, body: "Tomorrow at ten." };
  const created = await control.post(DRAFTS, body, { token: device, key: "d" });
  assert.equal(created.status, 201);
  const { draft } = created.json;
  assert.deepEqual(
    [draft.status, draft.to, draft.subject, draft.from, draft.authored_by],
    ["waiting", ["help@x.example"], "Re: A question", "ann@example.org", "dev_1"],
  );
  assert.equal((await control.post(DRAFTS, body, { token: device, key: "d" })).text, created.text);
  const approval = (await control.get(`/api/inbox/approvals/${draft.approval_id}`)).json.approval;
  assert.deepEqual([approval.kind, approval.detail, approval.facts.to], ["draft", body.body, draft.to]);
  assert.deepEqual(google.sends, []);
  const path = `/api/inbox/approvals/${draft.approval_id}/approve`;
  const approved = await control.post(path, {}, { token: fresh, key: "a" });
  assert.equal(approved.json.approval.status, "used");
  assert.equal((await control.post(path, {}, { token: fresh, key: "a" })).text, approved.text);
  const sent = await ended(draft.draft_id);
  assert.deepEqual([sent.status, google.sends.length], ["succeeded", 1]);
  assert.ok(sent.sent_at);
  assert.match(sent.receipt_id, /^mdrd_/);
  const [head = "", text] = (google.sends[0] ?? "").split("\r\n\r\n");
  assert.match(head, /^To: help@x\.example\r$/m);
  assert.match(head, /^In-Reply-To: <\w+@stand-in\.example>\r$/m);
  assert.match(head, /^References: <0@x\.example>\s+<\w+@stand-in\.example>\r$/m);
  assert.match(head, new RegExp(`^Message-ID: <${draft.draft_id}@example\\.org>\\r$`, "m"));
  assert.equal(text?.trim(), body.body);
  const { messages } = (await control.get(`/api/inbox/threads/${thread_id}`)).json;
  assert.deepEqual([messages.length, messages[0].sent_by_us], [2, true]);
  await control.post("/api/inbox/refresh", {});
  assert.equal(
    (await control.get(`/api/inbox/threads/${thread_id}`)).json.messages.length,
    2,
    "met, not doubled",
  );
  const { rows } = await query(
    control.databaseUrl,
    "SELECT schema FROM authority.receipts WHERE schema LIKE '%mail%' ORDER BY schema",
  );
  assert.deepEqual(
    rows.map(({ schema }) => schema),
    ["openagents.control.mail_draft_decided.v1", "openagents.control.mail_sent.v1"],
  );
});

test("of eight approvals at once, in the inbox and at the draft, one sends", async (t) => {
  const { control, google, device, fresh, receive, ended } = await startMailPerson(t);
  const thread_id = await receive();
  const { draft } = (await control.post(DRAFTS, { thread_id, body: "Yes." }, { token: device })).json;
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      index % 2 === 0
        ? control.post(`/api/inbox/approvals/${draft.approval_id}/approve`, {}, { token: fresh })
        : control.post(`${DRAFTS}/${draft.draft_id}/approve`, { version: 1 }, { token: fresh }),
    ),
  );
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.equal(answers.filter(({ json }) => json.reason === "already_decided").length, 7);
  assert.equal((await ended(draft.draft_id)).status, "succeeded");
  assert.equal(google.sends.length, 1);
});

test("nobody but the person in a fresh session sends: not a device, a key, a stale session, or another person", async (t) => {
  const { control, google, device, fresh, receive } = await startMailPerson(t);
  const thread_id = await receive();
  const { draft } = (await control.post(DRAFTS, { thread_id, body: "Yes." }, { token: device })).json;
  const path = `${DRAFTS}/${draft.draft_id}`;
  const nowS = Math.floor(Date.now() / 1000);
  const tokens = {
    device,
    freshDevice: await control.token({ sub: "dev_1", auth_time: nowS, amr: ["otp"] }),
    key: await control.token({ sub: "sa_1", auth_time: nowS, amr: ["otp"] }),
    service: await control.token({ sub: "svc_runtime", act: "usr_owner", auth_time: nowS, amr: ["otp"] }),
    stale: await control.token({ auth_time: nowS - 3600, amr: ["otp"] }),
  };
  for (const [name, token] of Object.entries(tokens))
    for (const verb of ["approve", "reject"])
      assert.equal((await control.post(`${path}/${verb}`, { version: 1 }, { token })).status, 403, name);
  const other = await control.token({ sub: "usr_other", auth_time: nowS, amr: ["otp"] });
  for (const verb of ["approve", "reject"])
    assert.equal((await control.post(`${path}/${verb}`, { version: 1 }, { token: other })).status, 404);
  assert.equal((await control.get(path, { token: other })).status, 404);
  const rejected = await control.post(`${path}/reject`, { version: 1, answer: "No." }, { token: fresh });
  assert.deepEqual([rejected.json.draft.status, rejected.json.draft.detail], ["rejected", "No."]);
  const approval = (await control.get(`/api/inbox/approvals/${draft.approval_id}`)).json.approval;
  assert.deepEqual([approval.status, approval.answer], ["rejected", "No."]);
  const late = await control.post(`${path}/approve`, { version: 1 }, { token: fresh });
  assert.equal(late.json.reason, "already_decided");
  assert.equal(google.sends.length, 0);
});

test("what the person changed is the person's, and what was asked before is taken back", async (t) => {
  const { control, google, device, fresh, receive, ended } = await startMailPerson(t);
  const thread_id = await receive();
  const { draft } = (await control.post(DRAFTS, { thread_id, body: "Yes." }, { token: device })).json;
  const path = `${DRAFTS}/${draft.draft_id}`;
  const edit = (body: object, token = fresh) => control.send("PATCH", path, body, { token });
  const byDevice = (await edit({ version: 1, body: "Yes!" }, device)).json.draft;
  assert.deepEqual([byDevice.version, byDevice.authored_by], [2, "dev_1"]);
  assert.notEqual(byDevice.approval_id, draft.approval_id);
  const old = await control.post(`/api/inbox/approvals/${draft.approval_id}/approve`, {}, { token: fresh });
  assert.equal(old.json.reason, "already_decided");
  assert.equal((await edit({ version: 1, body: "No." })).json.reason, "draft_changed");
  const mine = (await edit({ version: 2, body: "No.", to: ["eve@x.example"] })).json.draft;
  assert.deepEqual([mine.version, mine.authored_by, mine.approval_id], [3, "usr_owner", undefined]);
  assert.equal((await control.get("/api/inbox/approvals?status=pending")).json.approvals.length, 0);
  const stale = await control.post(`${path}/approve`, { version: 2 }, { token: fresh });
  assert.equal(stale.json.reason, "draft_changed");
  const racing = await Promise.all(
    Array.from({ length: 6 }, () => control.post(`${path}/approve`, { version: 3 }, { token: fresh })),
  );
  assert.equal(racing.filter(({ status }) => status === 200).length, 1);
  assert.equal(racing.filter(({ json }) => json.reason === "draft_decided").length, 5);
  await ended(draft.draft_id);
  assert.equal((await edit({ version: 3, body: "Other." })).json.reason, "draft_decided");
  assert.equal(google.sends.length, 1);
  assert.match(google.sends[0] ?? "", /^To: eve@x\.example\r$/m);
});

test("an approval that anybody asked for under a draft's name sends nothing", async (t) => {
  const { control, google, device, fresh, receive } = await startMailPerson(t);
  const thread_id = await receive();
  const { draft } = (await control.post(DRAFTS, { thread_id, body: "Evil." }, { token: device })).json;
  const facts = (await control.get(`/api/inbox/approvals/${draft.approval_id}`)).json.approval.facts;
  const asked = await control.post(
    "/api/inbox/approvals",
    { kind: "draft", title: "Send a harmless note", detail: "Hello", facts },
    { token: device },
  );
  const id = asked.json.approval.approval_id;
  assert.equal((await control.post(`/api/inbox/approvals/${id}/approve`, {}, { token: fresh })).status, 200);
  assert.equal((await control.get(`${DRAFTS}/${draft.draft_id}`)).json.draft.status, "waiting");
  assert.deepEqual(google.sends, []);
});

test("nothing that is written into a draft becomes a header of its own, also from a mail that is answered", async (t) => {
  const { control, google, device, fresh, receive, ended } = await startMailPerson(t);
  const evil = "x\r\nBcc: eve@example.com";
  for (const [field, body] of [
    ["subject", { to: ["bob@x.example"], subject: evil, body: "x" }],
    ["to", { to: [`bob@x.example\r\nBcc: eve@example.com`], subject: "x", body: "x" }],
    ["to", { to: ["bob@x.example, eve@example.com"], subject: "x", body: "x" }],
    ["to", { subject: "x", body: "x" }],
    ["subject", { to: ["bob@x.example"], body: "x" }],
  ] as const) {
    const answer = await control.post(DRAFTS, body, { token: device });
    assert.deepEqual([answer.status, answer.json.field_errors[0].field], [400, field]);
  }
  const thread_id = await receive({
    from: "=?utf-8?q?Bob=0D=0ABcc:_eve=40example.com?= <bob@x.example>",
    subject: "=?utf-8?q?Hello=0D=0ABcc:_eve=40example.com?=",
    headers: "References: <a@b>\r\n\tBcc:eve@example.com <c@d>\r\n",
  });
  const created = await control.post(DRAFTS, { thread_id, body: evil }, { token: device });
  assert.equal(created.status, 201, created.text);
  const id = created.json.draft.draft_id;
  await control.post(`${DRAFTS}/${id}/approve`, { version: 1 }, { token: fresh });
  assert.equal((await ended(id)).status, "succeeded");
  const [head = ""] = (google.sends[0] ?? "").split("\r\n\r\n", 1);
  assert.doesNotMatch(head, /^bcc:/im);
  assert.match(head, /^To: bob@x\.example\r$/m);
});

test("without a mailbox nothing is drafted, and without the one it was drafted for nothing is sent", async (t) => {
  const { control, google, device, fresh } = await startMailPerson(t);
  const words = { to: ["bob@x.example"], subject: "Hello", body: "x" };
  const { draft } = (await control.post(DRAFTS, words, { token: device })).json;
  const [mailbox] = (await control.get("/api/settings/mailboxes")).json.mailboxes;
  await control.send("DELETE", `/api/settings/mailboxes/${mailbox.mailbox_id}`, undefined);
  const approve = `/api/inbox/approvals/${draft.approval_id}/approve`;
  assert.equal((await control.post(approve, {}, { token: fresh })).json.reason, "mailbox_missing");
  const created = await control.post(DRAFTS, words, { token: device });
  assert.deepEqual([created.status, created.json.reason], [409, "no_mailbox"]);
  assert.deepEqual(google.sends, []);
});

test("the database itself keeps a decided draft as it is", async (t) => {
  const { control, device, fresh, receive, ended } = await startMailPerson(t);
  const thread_id = await receive();
  const { draft } = (await control.post(DRAFTS, { thread_id, body: "Yes." }, { token: device })).json;
  await control.post(`${DRAFTS}/${draft.draft_id}/approve`, { version: 1 }, { token: fresh });
  await ended(draft.draft_id);
  for (const change of ["body = 'other'", "status = 'waiting', receipt_id = NULL, sent_at_ms = NULL"])
    await assert.rejects(
      query(control.databaseUrl, `UPDATE control.mail_drafts SET ${change}`),
      /stays as it is/,
    );
});

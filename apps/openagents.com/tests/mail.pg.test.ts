// Mail by each transport: sent once, to whom it is for, or said not to be sent.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { silentLogger } from "@openagents/service";
import type { MailSettings } from "@openagents/control";
import { inboxPage } from "../src/mail/development-inbox.ts";
import { createMailer } from "../src/mail/index.ts";
import { startHarness } from "./harness.ts";
import { codeOf, newPerson } from "./person.ts";
import { query } from "./rows.ts";
import { startSmtpStandIn } from "./smtp-stand-in.ts";

const SEND = "/api/auth/email-otp/send-verification-otp";
const FROM = "OpenAgents <hello@example.org>";

test("a code goes out once by SMTP, and signs in", async (t) => {
  const server = await startSmtpStandIn(t);
  const control = await startHarness(t, { config: { mail: { kind: "smtp", url: server.url, from: FROM } } });
  const person = newPerson(control.url);
  assert.equal((await person.post(SEND, { email: "ada@example.com", type: "sign-in" })).status, 200);
  const [mail, ...more] = server.taken;
  assert.equal(more.length, 0);
  assert.deepEqual([mail?.from, mail?.recipients], ["hello@example.org", ["ada@example.com"]]);
  const otp = codeOf(mail?.content ?? "");
  assert.equal(
    (await person.post("/api/auth/sign-in/email-otp", { email: "ada@example.com", otp })).status,
    200,
  );
  assert.doesNotMatch((await person.get("/dev/mail")).text, /sign-in code/);
});

test("a mail that no server took was not sent, and is said not to be", async (t) => {
  const server = await startSmtpStandIn(t);
  const control = await startHarness(t, { config: { mail: { kind: "smtp", url: server.url, from: FROM } } });
  const person = newPerson(control.url);
  for (const refusal of ["451 not now", "554 never"]) {
    server.refusal = refusal;
    const answer = await person.post(SEND, { email: "ada@example.com", type: "sign-in" });
    assert.deepEqual([answer.status, answer.json.code], [503, "mail_not_sent"]);
    assert.ok(answer.headers.get("retry-after"));
    assert.ok(!answer.text.includes(refusal), "what the server said is for the log");
  }
  assert.equal(server.taken.length, 0);
  server.refusal = undefined;
  assert.equal((await person.post(SEND, { email: "ada@example.com", type: "sign-in" })).status, 200);
  assert.equal(server.taken.length, 1);
});

test("a code goes out once by Resend, and a refusal of theirs is not repeated", async (t) => {
  const resend = await startResendStandIn(t);
  const settings: MailSettings = {
    kind: "resend",
    apiKey: "re_stand_in",
    from: FROM,
    baseUrl: resend.baseUrl,
  };
  const control = await startHarness(t, { config: { mail: settings } });
  const person = newPerson(control.url);
  assert.equal((await person.post(SEND, { email: "ada@example.com", type: "sign-in" })).status, 200);
  assert.deepEqual(resend.taken[0]?.to, ["ada@example.com"]);
  assert.match(resend.taken[0]?.text ?? "", /code is \d{6}/);
  resend.status = 500;
  const answer = await person.post(SEND, { email: "ada@example.com", type: "sign-in" });
  assert.deepEqual([answer.status, answer.json.code], [503, "mail_not_sent"]);
  assert.equal(resend.taken.length, 2, "one request, one call");
});

test("nobody writes into the headers of a mail", async (t) => {
  const server = await startSmtpStandIn(t);
  const { mailer } = createMailer(
    { kind: "smtp", url: server.url, from: FROM },
    { nowMs: Date.now, log: silentLogger() },
  );
  t.after(() => mailer[Symbol.asyncDispose]());
  const evil = "x\r\nBcc: eve@example.com\r\n\r\nanother body\u2028X-Evil: 1\0";
  await mailer.send({ to: "ada@example.com", subject: `Hello ${evil}`, text: `.\r\nQUIT\r\n${evil}` });
  const [mail] = server.taken;
  const [headers = ""] = (mail?.content ?? "").split("\n\n", 1);
  assert.deepEqual(mail?.recipients, ["ada@example.com"]);
  assert.doesNotMatch(headers, /^(bcc|x-evil):/im);
  for (const to of [
    "ada@example.com, eve@example.com",
    "ada@example.com\r\nBcc: eve@example.com",
    "Ada <ada@example.com>",
    "ada@example.com;eve@example.com",
    "@example.com",
    "ada",
  ]) {
    await assert.rejects(mailer.send({ to, subject: "a", text: "b" }), { name: "MailNotSent" }, to);
  }
  assert.equal(server.taken.length, 1);
});

test("the name of an organisation stays in the line of an invitation's subject that it is in", async (t) => {
  const server = await startSmtpStandIn(t);
  const control = await startHarness(t, { config: { mail: { kind: "smtp", url: server.url, from: FROM } } });
  const person = newPerson(control.url);
  await person.post(SEND, { email: "ada@example.com", type: "sign-in" });
  const otp = codeOf(server.taken[0]?.content ?? "");
  await person.post("/api/auth/sign-in/email-otp", { email: "ada@example.com", otp });
  const token = async (org?: string) => {
    const body = { grant_type: "session", ...(org === undefined ? {} : { org }) };
    return String((await person.post("/api/auth/token", body)).json.access_token);
  };
  const made = await control.post("/api/orgs", { name: "Team", slug: "team" }, { token: await token() });
  const org: string = made.json.membership.org_id;
  // Past our own checks, as an old row might be.
  await query(control.databaseUrl, `UPDATE auth.organization SET name = $1 WHERE slug = 'team'`, [
    "Team\r\nBcc: eve@example.com",
  ]);
  const invitation = { email: "eve@example.com", role: "member" };
  const invited = await control.post(`/api/orgs/${org}/invitations`, invitation, { token: await token(org) });
  assert.equal(invited.status, 201, invited.text);
  await t.waitFor(() => assert.equal(server.taken.length, 2));
  const mail = server.taken.at(-1);
  assert.deepEqual(mail?.recipients, ["eve@example.com"]);
  assert.doesNotMatch((mail?.content ?? "").split("\n\n", 1)[0] ?? "", /^bcc:/im);
});

test("the inbox of development shows what was written as text", async (t) => {
  const mail = { to: "ada@example.com", subject: "<script>alert(1)</script>", text: `"'</pre><img src=x>` };
  const written = inboxPage([{ ...mail, sentAtMs: 0 }]);
  assert.doesNotMatch(written, /<script|<img|["']<\/pre>/);
  const control = await startHarness(t);
  const person = newPerson(control.url);
  await person.post(SEND, { email: "o'neil@example.com", type: "sign-in" });
  const page = await person.get("/dev/mail");
  assert.match(page.text, /to o&#39;neil@example\.com/);
  assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
});

type ResendMail = { readonly to: readonly string[]; readonly text: string };

/** A stand-in for Resend's API, which keeps what it is sent and delivers nothing. */
async function startResendStandIn(t: TestContext) {
  const taken: ResendMail[] = [];
  const state = { baseUrl: "", status: 200, taken };
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const good = request.url === "/emails" && request.headers.authorization === "Bearer re_stand_in";
    taken.push(Object(await json(request)));
    response.writeHead(good ? state.status : 401, { "content-type": "application/json" }).end('{"id":"1"}');
  };
  const server = createServer((request, response) => void take(request, response));

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, { baseUrl: `http://127.0.0.1:${port}` });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { readMail, type Mailbox } from "../mailboxes/index.ts";
import { messageOf, threadOf } from "./thread.ts";

const MAILBOX: Mailbox = {
  mailboxId: "mbx_1",
  org: "org_a",
  userId: "usr_a",
  provider: "imap",
  address: "Ann@Example.org",
  status: "works",
  syncedAtMs: undefined,
  askedAtMs: 0,
  connectedAtMs: 0,
  receiptId: "intc_1",
};

function mail(id: string, headers: readonly string[], text = "words"): string {
  return [`Message-ID: <${id}@x.example>`, "From: Bob <bob@x.example>", ...headers, "", text].join("\r\n");
}

async function message(key: string, raw: string, occurredAtMs = 0, remoteThread?: string) {
  return messageOf(MAILBOX, { key, remoteThread, sentByUs: false, occurredAtMs, raw }, await readMail(raw));
}

test("answers are of the thread of what they answer, in whatever order they are met", async () => {
  const first = await message("1", mail("1", []));
  const answer = await message("2", mail("2", ["In-Reply-To: <1@x.example>", "References: <1@x.example>"]));
  const later = await message("3", mail("3", ["References: <1@x.example>\r\n <2@x.example>"]));
  const other = await message("4", mail("4", []));
  assert.deepEqual([answer.threadId, later.threadId], [first.threadId, first.threadId]);
  assert.notEqual(other.threadId, first.threadId);
  const remote = await message("5", mail("5", []), 0, "remote");
  assert.equal((await message("6", mail("6", []), 0, "remote")).threadId, remote.threadId);
});

test("a thread shows its latest message, and what came last is by the server's clock", async () => {
  const early = await message("1", mail("1", ["Subject: First", "Date: Fri, 1 Jan 2100 00:00:00 +0000"]), 10);
  const late = await message("2", mail("2", ["Subject: Re: First", "From: ann@example.org"], " a\n\nb "), 20);
  assert.equal(late.sentByUs, false, "whom a mail says that it is from proves nothing");
  const thread = threadOf(MAILBOX, undefined, [late, early]);
  assert.deepEqual(
    [thread.subject, thread.snippet, thread.messageCount, thread.lastMessageAtMs],
    ["First", "a b", 2, 20],
  );
});

test("whatever a mail says, it is read as bounded text of one line where it is a line", async () => {
  const evil = [
    "Subject: =?utf-8?q?Hello=0D=0ABcc:_eve=40x.example=00?=",
    "Reply-To: =?utf-8?q?a=40b.example=0D=0ABcc:?= <eve@x.example>",
    "Message-ID: <a b\r\n c>",
    "Content-Type: text/html",
    "",
    `<style>x</style><p>Hi &amp; bye</p><script>alert(1)</script><img src=x onerror=y>${"x".repeat(60_000)}`,
  ].join("\r\n");
  const read = await readMail(evil);
  assert.doesNotMatch(read.subject, /[\r\n\0]/);
  assert.equal(read.messageId, undefined);
  assert.ok(read.replyTo === "" || /^[^\s]+@[^\s]+$/.test(read.replyTo));
  assert.match(read.body, /^Hi & bye/);
  assert.doesNotMatch(read.body, /script|<img|\0/);
  assert.equal(read.body.length, 20_000);
  for (const raw of ["", "\0\0", "no headers at all", Buffer.alloc(1000, 255), `A: ${"b".repeat(400_000)}`])
    assert.equal(typeof (await readMail(raw)).body, "string");
});

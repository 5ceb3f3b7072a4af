import assert from "node:assert/strict";
import { test } from "node:test";
import { composeMail, readMail } from "../mailboxes/index.ts";
import { checkWords, refuseChange, replySubject } from "./decide-draft.ts";

const WORDS = { to: ["ann@example.org"], subject: "Hello", body: "One\n\ttwo\r\n" };

test("what was decided is told as decided, also to who read another version", () => {
  assert.equal(refuseChange({ status: "pending", version: 2 }, 1), "draft_decided");
  assert.equal(refuseChange({ status: "waiting", version: 2 }, 1), "draft_changed");
  assert.equal(refuseChange({ status: "waiting", version: 2 }, 2), undefined);
  assert.equal(refuseChange({ status: "waiting", version: 2 }, undefined), undefined);
});

test("what would become a header or a recipient of its own is refused, not repaired", () => {
  assert.deepEqual(checkWords(WORDS), WORDS);
  for (const to of [
    "ann@example.org\r\nBcc: eve@example.org",
    "ann@example.org, eve@example.org",
    "ann@example.org;eve@example.org",
    "Ann <ann@example.org>",
    "ann@example.org\u2028eve@example.org",
    "@example.org",
  ])
    assert.throws(() => checkWords({ ...WORDS, to: [to] }), { status: 400 }, to);
  for (const subject of ["a\r\nBcc: eve@example.org", "a\nb", "a\0", "a\u2028b", "a\u0085b", "\ud800", ""])
    assert.throws(() => checkWords({ ...WORDS, subject }), { status: 400 }, JSON.stringify(subject));
  for (const body of ["\0", "\u001b[2J", "\udc00"])
    assert.throws(() => checkWords({ ...WORDS, body }), { status: 400 }, JSON.stringify(body));
  assert.throws(() => checkWords({ ...WORDS, to: [] }), { status: 400 });
  assert.deepEqual(checkWords({ ...WORDS, to: ["a@b.example", "a@b.example"] }).to, ["a@b.example"]);
});

test("an answer's subject says so once", () => {
  assert.equal(replySubject("Hello"), "Re: Hello");
  assert.equal(replySubject("RE: Hello"), "RE: Hello");
});

test("what is composed is what is read, whatever its letters, and the same each time", async () => {
  const mail = {
    ...WORDS,
    draftId: "mdr_1",
    from: "bob@example.org",
    subject: "Grüße 🎉 and =?utf-8?q?x?=",
    body: `.\r\nFrom here\n${"long ".repeat(300)}\nBcc: eve@example.org`,
    messageId: "<mdr_1@example.org>",
    inReplyTo: "<1@example.org>",
    references: "<0@example.org> <1@example.org>",
    dateMs: 0,
  };
  const raw = await composeMail(mail);
  assert.deepEqual(await composeMail(mail), raw);
  const [head = ""] = raw.toString().split("\r\n\r\n", 1);
  assert.doesNotMatch(head, /^bcc:/im);
  const read = await readMail(raw);
  assert.deepEqual(
    [read.sender, read.recipients, read.subject, read.messageId, read.references],
    ["bob@example.org", WORDS.to, mail.subject, mail.messageId, ["<0@example.org>", "<1@example.org>"]],
  );
  assert.equal(read.body.replaceAll("\r\n", "\n"), mail.body.replaceAll("\r\n", "\n").trim());
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { approvalStatus, subjectSha256, type Approval, type Subject } from "./approval.ts";
import { refuseDecision, refuseUse } from "./decide-approval.ts";

const SUBJECT: Subject = { kind: "spend", facts: { host: "a.example", n: 1 }, amountMsats: 1000n };
const YES = { kind: "approved", by: "usr_a", atMs: 500, answer: undefined, receiptId: "r" } as const;

function approval(changes: Partial<Approval> = {}): Approval {
  return {
    approvalId: "apv_1",
    org: "org_a",
    userId: "usr_a",
    ...SUBJECT,
    amountMsats: 1000n,
    title: "t",
    detail: "",
    subjectSha256: subjectSha256(SUBJECT),
    requestedBy: "dev_1",
    requestedAtMs: 0,
    expiresAtMs: 1000,
    decision: undefined,
    usedAtMs: undefined,
    expiredAtMs: undefined,
    ...changes,
  };
}

test("whoever asked does not say yes, whatever else is wrong, and may say no", () => {
  const own = approval({ requestedBy: "usr_a", decision: YES, expiresAtMs: 0 });
  assert.equal(refuseDecision(own, { kind: "approved", by: "usr_a" }, 2000), "own_request");
  const open = approval({ requestedBy: "usr_a" });
  assert.equal(refuseDecision(open, { kind: "rejected", by: "usr_a" }, 1), undefined);
});

test("what was decided is reported as decided also when its time is over", () => {
  const by = { kind: "rejected", by: "usr_a" } as const;
  assert.equal(refuseDecision(approval({ decision: YES }), by, 2000), "already_decided");
  assert.equal(refuseDecision(approval(), by, 1000), "approval_expired");
  assert.equal(refuseDecision(approval(), by, 999), undefined);
  assert.equal(refuseDecision(approval({ expiredAtMs: 1000 }), by, 999), "approval_expired");
});

test("a yes holds for what was asked, for whoever asked, once, and in its time", () => {
  const use = { by: "dev_1", subject: SUBJECT };
  const yes = approval({ decision: YES });
  assert.equal(refuseUse(yes, use, 999), undefined);
  assert.equal(refuseUse(yes, use, 1000), "approval_expired");
  assert.equal(refuseUse(yes, { ...use, by: "dev_2" }, 1), "approval_mismatch");
  for (const other of [
    { ...SUBJECT, amountMsats: 1001n },
    { ...SUBJECT, amountMsats: undefined },
    { ...SUBJECT, kind: "action" },
    { ...SUBJECT, facts: { host: "b.example", n: 1 } },
  ] as const)
    assert.equal(refuseUse(yes, { ...use, subject: other }, 1), "approval_mismatch");
  assert.equal(
    refuseUse(yes, { ...use, subject: { ...SUBJECT, facts: { n: 1, host: "a.example" } } }, 1),
    undefined,
  );
  assert.equal(refuseUse(approval({ decision: YES, usedAtMs: 600 }), use, 1), "approval_used");
  assert.equal(refuseUse(approval({ decision: { ...YES, kind: "rejected" } }), use, 1), "approval_rejected");
  assert.equal(refuseUse(approval(), use, 1), "approval_pending");
});

test("the status follows from what happened and the time", () => {
  assert.equal(approvalStatus(approval(), 999), "pending");
  assert.equal(approvalStatus(approval(), 1000), "expired");
  assert.equal(approvalStatus(approval({ decision: YES }), 2000), "approved");
  assert.equal(approvalStatus(approval({ decision: YES, usedAtMs: 1 }), 2000), "used");
});

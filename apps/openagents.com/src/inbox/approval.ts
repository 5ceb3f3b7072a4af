// A request that waits for a person.
//
// APV-1  It is decided once, by the person it waits for, who has just signed in.
// APV-2  Whoever asked does not say yes.
// APV-3  What was approved is what is done: a use names the same kind, facts and amount.
// APV-4  It is used once, and not after its time.
// APV-5  A person is told once that its time is over, and after that nobody decides it.
// Held by decide-approval.test.ts and tests/inbox.pg.test.ts.

import type {
  Approval as ApprovalMessage,
  ApprovalKind,
  ApprovalStatus,
  JsonObject,
} from "@openagents/contracts";
import { canonicalize, sha256Hex } from "@openagents/receipts";

export type Approval = {
  readonly approvalId: string;
  readonly org: string;
  /** Who decides. */
  readonly userId: string;
  readonly kind: ApprovalKind;
  readonly title: string;
  readonly detail: string;
  readonly facts: JsonObject;
  readonly subjectSha256: string;
  readonly amountMsats: bigint | undefined;
  readonly requestedBy: string;
  readonly requestedAtMs: number;
  readonly expiresAtMs: number;
  readonly decision: Decided | undefined;
  readonly usedAtMs: number | undefined;
  /** When the person was told that its time is over. */
  readonly expiredAtMs: number | undefined;
};

export type Decided = {
  readonly kind: "approved" | "rejected";
  readonly by: string;
  readonly atMs: number;
  readonly answer: string | undefined;
  readonly receiptId: string;
};

/** What another noun asks a person for. */
export type ApprovalDraft = {
  readonly org: string;
  readonly userId: string;
  readonly kind: ApprovalKind;
  readonly title: string;
  readonly detail: string;
  readonly facts: JsonObject;
  readonly amountMsats?: bigint | undefined;
  readonly expiresInMs: number;
};

/** What is approved: of two requests with one hash a yes to the one is a yes to the other. */
export type Subject = {
  readonly kind: ApprovalKind;
  readonly facts: JsonObject;
  readonly amountMsats?: bigint | undefined;
};

export function subjectSha256({ kind, facts, amountMsats }: Subject): string {
  const amount = amountMsats === undefined ? {} : { amount_msats: amountMsats.toString() };
  return sha256Hex(canonicalize({ kind, facts, ...amount }));
}

export function approvalStatus(approval: Approval, nowMs: number): ApprovalStatus {
  if (approval.usedAtMs !== undefined) return "used";
  if (approval.decision !== undefined) return approval.decision.kind;
  return isOver(approval, nowMs) ? "expired" : "pending";
}

/** Whether its time is over, also by a clock that is behind the one by which its person was told so. */
export function isOver({ expiresAtMs, expiredAtMs }: Approval, nowMs: number): boolean {
  return nowMs >= expiresAtMs || expiredAtMs !== undefined;
}

export function approvalMessage(approval: Approval, nowMs: number): ApprovalMessage {
  const { decision } = approval;
  return {
    approvalId: approval.approvalId,
    kind: approval.kind,
    status: approvalStatus(approval, nowMs),
    title: approval.title,
    detail: approval.detail,
    facts: approval.facts,
    amountMsats: approval.amountMsats,
    requestedBy: approval.requestedBy,
    requestedAt: approval.requestedAtMs,
    expiresAt: approval.expiresAtMs,
    decidedBy: decision?.by,
    decidedAt: decision?.atMs,
    answer: decision?.answer,
    usedAt: approval.usedAtMs,
    receiptId: decision?.receiptId,
  };
}

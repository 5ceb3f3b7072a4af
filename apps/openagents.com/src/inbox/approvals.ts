// What other nouns use: ask a person from inside of a command, and do once what was approved.

import {
  eventDraft,
  newId,
  streamEventsWrite,
  type Command,
  type Decision,
  type Refusal,
} from "@openagents/authority";
import type { Write } from "@openagents/postgres";
import type { JsonObject } from "@openagents/receipts";
import { ProblemError } from "@openagents/contracts";
import { notFound } from "@openagents/service";
import { streamId } from "@openagents/streams";
import { subjectSha256, type Approval, type ApprovalDraft, type Subject } from "./approval.ts";
import { refuseUse, type UseRefusal } from "./decide-approval.ts";
import { insertApproval, lockApproval, lockOpenApprovals, markApprovalUsed } from "./store.ts";

/** Ask a person. It commits with the command, whose principal is the one that asks, and that may use the answer. */
export function openApproval(
  command: Pick<Decision, "call" | "nowMs">,
  draft: ApprovalDraft,
): { readonly approval: Approval; readonly writes: readonly Write[] } {
  const nowMs = command.nowMs();
  const { expiresInMs, ...asked } = draft;
  const approval: Approval = {
    ...asked,
    approvalId: newId("apv", nowMs),
    amountMsats: draft.amountMsats,
    subjectSha256: subjectSha256(draft),
    requestedBy: command.call.principal.id,
    requestedAtMs: nowMs,
    expiresAtMs: nowMs + expiresInMs,
    decision: undefined,
    usedAtMs: undefined,
    expiredAtMs: undefined,
  };
  // Without texts: the stream is kept for ever, and what somebody wrote may be erased.
  const facts = {
    approval_id: approval.approvalId,
    kind: approval.kind,
    requested_by: approval.requestedBy,
    expires_at: new Date(approval.expiresAtMs).toISOString(),
    ...(approval.amountMsats === undefined ? {} : { amount_msats: Number(approval.amountMsats) }),
  };
  return {
    approval,
    writes: [insertApproval(approval), approvalEvent(approval, "approval.requested", facts, nowMs)],
  };
}

export type ApprovalUse =
  | { readonly kind: "granted"; readonly approval: Approval; readonly writes: readonly Write[] }
  | Refusal;

/**
 * Use an approval for what it was asked for: granted at most once, to whoever asked.
 * Commit the writes with what is done. Throws 404 for one that the caller did not ask for.
 * Refused, in this order: `approval_mismatch`, `approval_rejected`, `approval_used`,
 * `approval_expired`, `approval_pending`.
 */
export async function useApproval(
  command: Command,
  approvalId: string,
  subject: Subject,
): Promise<ApprovalUse> {
  const by = command.call.principal.id;
  const approval = await lockApproval(command.tx, approvalId);
  if (approval?.requestedBy !== by) throw notFound("approval", approvalId);
  const nowMs = command.nowMs();
  const reason = refuseUse(approval, { by, subject }, nowMs);
  if (reason !== undefined) return { kind: "refused", rule: "policy", reason, detail: USE_DETAIL[reason] };
  const facts = { approval_id: approvalId };
  return {
    kind: "granted",
    approval: { ...approval, usedAtMs: nowMs },
    writes: [markApprovalUsed(approvalId, nowMs), approvalEvent(approval, "approval.used", facts, nowMs)],
  };
}

const USE_DETAIL: Readonly<Record<UseRefusal, string>> = {
  approval_mismatch: "What was approved is not this. Ask for an approval of what is to be done.",
  approval_rejected: "The person said no.",
  approval_used: "What was approved was begun already, and is not begun again.",
  approval_expired: "The approval's time is over. Ask anew.",
  approval_pending: "The person has not decided yet. Follow the approval and try again with a fresh key.",
};

/** Told to the person whom the request waits for. */
export function approvalEvent(approval: Approval, kind: string, facts: JsonObject, nowMs: number): Write {
  const { userId } = approval;
  return streamEventsWrite([eventDraft(streamId("approvals", userId), userId, kind, facts, nowMs)]);
}

/** How many undecided requests may wait for one person. */
const OPEN_MAX = 200;

/** Throws 429 `inbox_full`. Until the transaction's end no more come by this way. */
export async function assertRoom(command: Command, userId: string): Promise<void> {
  if ((await lockOpenApprovals(command.tx, userId, command.nowMs())) >= OPEN_MAX) throw inboxFull();
}

function inboxFull(): ProblemError {
  return new ProblemError({
    status: 429,
    code: "inbox_full",
    detail: `${OPEN_MAX} requests wait for this person already. Wait until some are decided.`,
    retryAfterMs: 60_000,
  });
}

const LASTS_MS = 86_400_000;

/**
 * The writes of what a person has agreed to, or the refusal that asks them, which
 * commits. Throws 429 `inbox_full`, so that nobody is asked without end.
 */
export async function agreedOrAsked(
  command: Command,
  draft: Omit<ApprovalDraft, "expiresInMs">,
  approvalId: string | undefined,
): Promise<Refusal | { readonly kind: "agreed"; readonly writes: readonly Write[] }> {
  if (approvalId !== undefined) {
    const use = await useApproval(command, approvalId, draft);
    return use.kind === "granted" ? { kind: "agreed", writes: use.writes } : use;
  }
  await assertRoom(command, draft.userId);
  const { approval, writes } = openApproval(command, { ...draft, expiresInMs: LASTS_MS });
  return {
    kind: "refused",
    rule: "policy",
    reason: "approval_required",
    detail: `A person has to agree. Once ${approval.approvalId} is approved, send this again with it as \`approval_id\`, under a fresh key.`,
    writes,
  };
}

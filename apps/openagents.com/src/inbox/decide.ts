// A person's decision about a request: for the inbox itself, and for nouns that have a
// place of their own where what waits is decided.

import type { Command, Refusal } from "@openagents/authority";
import type { Write } from "@openagents/postgres";
import type { Approval, Decided } from "./approval.ts";
import { approvalEvent } from "./approvals.ts";
import { refuseDecision, type DecisionRefusal } from "./decide-approval.ts";
import { markApprovalDecided } from "./store.ts";

/** What follows from a decision, in its transaction; `uses` where what was approved is begun by that. */
export type Consequence = {
  readonly kind: "follows";
  readonly uses: boolean;
  readonly writes: readonly Write[];
  readonly afterCommit?: () => void;
};

/**
 * What a noun makes of the decision of a request that it opened: its consequence, or the refusal
 * that keeps it from being made. Undefined for requests of others.
 */
export type DecisionSink = (
  command: Command,
  approval: Approval,
  decision: Pick<Decided, "kind" | "answer" | "atMs">,
) => Promise<Consequence | Refusal | undefined>;

export type DecisionMade = Consequence & { readonly approval: Approval };

/** Refused, in this order: `own_request`, `already_decided`, `approval_expired`, then as the noun says. */
export async function decideApproval(
  command: Command,
  sink: DecisionSink,
  approval: Approval,
  { kind, answer }: Pick<Decided, "kind" | "answer">,
): Promise<DecisionMade | Refusal> {
  const by = command.call.principal.id;
  const atMs = command.nowMs();
  const reason = refuseDecision(approval, { kind, by }, atMs);
  if (reason !== undefined) return refusal(reason);
  const consequence = await sink(command, approval, { kind, answer, atMs });
  if (consequence?.kind === "refused") return consequence;
  return recordDecision(command, approval, { kind, answer, atMs }, consequence);
}

/** Take back what nobody decided, as the one who asked: it is rejected, with the reason. Unchecked. */
export function withdrawApproval(command: Command, approval: Approval, answer: string): readonly Write[] {
  const decision = { kind: "rejected", answer, atMs: command.nowMs() } as const;
  return recordDecision(command, approval, decision, undefined).writes;
}

function recordDecision(
  command: Command,
  approval: Approval,
  { kind, answer, atMs }: Pick<Decided, "kind" | "answer" | "atMs">,
  consequence: Consequence | undefined,
): DecisionMade {
  const { approvalId } = approval;
  const uses = consequence?.uses ?? false;
  const facts = {
    approval_id: approvalId,
    decision: kind,
    kind: approval.kind,
    subject_sha256: approval.subjectSha256,
    requested_by: approval.requestedBy,
    ...(approval.amountMsats === undefined ? {} : { amount_msats: Number(approval.amountMsats) }),
  };
  const receipt = command.seal(
    "openagents.control.approval_decided.v1",
    approvalId,
    facts,
    atMs,
    approval.org,
  );
  const by = command.call.principal.id;
  const decided: Decided = { kind, by, atMs, answer, receiptId: receipt.receipt_id };
  const usedAtMs = uses ? atMs : undefined;
  const event = { approval_id: approvalId, decision: kind, receipt_id: receipt.receipt_id };
  return {
    kind: "follows",
    uses,
    approval: { ...approval, decision: decided, usedAtMs },
    writes: [
      markApprovalDecided(approvalId, decided, usedAtMs),
      ...(consequence?.writes ?? []),
      approvalEvent(approval, "approval.decided", event, atMs),
    ],
    ...(consequence?.afterCommit === undefined ? {} : { afterCommit: consequence.afterCommit }),
  };
}

function refusal(reason: DecisionRefusal): Refusal {
  switch (reason) {
    case "own_request":
      return {
        kind: "refused",
        rule: "policy",
        reason,
        detail: "You asked for this yourself. Somebody, or something, else has to ask for you to say yes.",
      };
    case "already_decided":
      return { kind: "refused", rule: "state", reason, detail: "It is decided already, and stays so." };
    case "approval_expired":
      return { kind: "refused", rule: "state", reason, detail: "Its time is over. It has to be asked anew." };
  }
}

// Whether an approval may be decided, and whether it may be used. Pure.

import { isOver, subjectSha256, type Approval, type Subject } from "./approval.ts";

/** In order of precedence. */
export type DecisionRefusal = "own_request" | "already_decided" | "approval_expired";

/** Undefined: it may be decided. Everyone may say no to what they asked for themselves. */
export function refuseDecision(
  approval: Approval,
  decision: { readonly kind: "approved" | "rejected"; readonly by: string },
  nowMs: number,
): DecisionRefusal | undefined {
  if (decision.kind === "approved" && approval.requestedBy === decision.by) return "own_request";
  if (approval.decision !== undefined) return "already_decided";
  if (isOver(approval, nowMs)) return "approval_expired";
  return undefined;
}

/** In order of precedence. */
export type UseRefusal =
  | "approval_mismatch"
  | "approval_rejected"
  | "approval_used"
  | "approval_expired"
  | "approval_pending";

/** Undefined: what was approved may be done now, by whoever asked for it. */
export function refuseUse(
  approval: Approval,
  use: { readonly by: string; readonly subject: Subject },
  nowMs: number,
): UseRefusal | undefined {
  if (approval.requestedBy !== use.by) return "approval_mismatch";
  if (approval.subjectSha256 !== subjectSha256(use.subject)) return "approval_mismatch";
  if (approval.decision?.kind === "rejected") return "approval_rejected";
  if (approval.usedAtMs !== undefined) return "approval_used";
  // Also when it was approved in time: a yes of last month says nothing of today.
  if (isOver(approval, nowMs)) return "approval_expired";
  return approval.decision === undefined ? "approval_pending" : undefined;
}

// Who did what: one entry for each change of rights, in the transaction of the change.

import { newId } from "@openagents/authority";
import type { CommandCall } from "@openagents/contracts";
import type { Write } from "@openagents/postgres";
import { insertAuditEntry } from "./store.ts";

export type AuditDraft = {
  /** What it was done to, and what was done: `device.disabled`. */
  readonly action: string;
  readonly subject: string;
  /** Never a secret. */
  readonly details?: Readonly<Record<string, string>>;
  readonly receiptId?: string;
  /** Whose entry it is; the caller's when absent. */
  readonly org?: string;
};

/** Write down a command's change. */
export function auditWrite(call: CommandCall, draft: AuditDraft, nowMs: number): Write {
  const { principal, requestId } = call;
  return insertAuditEntry({
    entryId: newId("aud", nowMs),
    org: draft.org ?? principal.org,
    occurredAtMs: nowMs,
    actor: principal.id,
    actingFor: principal.actingFor,
    action: draft.action,
    subject: draft.subject,
    details: draft.details ?? {},
    requestId,
    receiptId: draft.receiptId,
  });
}

/** Write down what this service has done by itself; operators read it. */
export function controlAuditWrite(draft: Pick<AuditDraft, "action" | "subject">, nowMs: number): Write {
  return insertAuditEntry({
    entryId: newId("aud", nowMs),
    org: "org_operator",
    occurredAtMs: nowMs,
    actor: "svc_control",
    actingFor: undefined,
    action: draft.action,
    subject: draft.subject,
    details: {},
    requestId: undefined,
    receiptId: undefined,
  });
}

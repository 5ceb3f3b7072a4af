// Times at which nothing of this service changes: the mode that the one door reads
// with every command, in the database, so that it holds for all instances at once.
//
// MNT-1  Once it is answered that maintenance has begun, no command commits but what its contract lets go on.
// MNT-2  Reads, sign-in and health go on, and operators can end it.
// Held by tests/maintenance.pg.test.ts.

import { getMode, modeWrite, type Authority, type FreezeAnswer, type ModeState } from "@openagents/authority";
import {
  Maintenance,
  ProblemError,
  type CommandCall,
  type CommandReply,
  type SetMaintenanceRequest,
  type SetMaintenanceResponse,
} from "@openagents/contracts";
import { auditWrite } from "../audit/index.ts";
import { controlCall } from "../control-call.ts";

/** What commands are told meanwhile. */
export const MAINTENANCE: FreezeAnswer = {
  code: "maintenance",
  detail:
    "This service is under maintenance. Reads work, and nothing of this request was done. " +
    "Send it again with the same key; GET /api/maintenance says whether it is over.",
  retryAfterMs: 30_000,
};

export function isUnderMaintenance(error: unknown): boolean {
  return error instanceof ProblemError && error.code === MAINTENANCE.code;
}

export function setMaintenance(
  authority: Authority,
  call: CommandCall,
  request: SetMaintenanceRequest,
): Promise<CommandReply> {
  return authority.executeAlone<SetMaintenanceResponse>(call, request, async (command) => {
    const { active, reason } = request;
    const before = await getMode(command.tx);
    if ((before.mode === "read_only") === active) return { kind: "answer", output: { active }, writes: [] };
    const nowMs = command.nowMs();
    const facts = { active, reason };
    const receipt = command.seal("openagents.control.maintenance_changed.v1", "maintenance", facts, nowMs);
    const receiptId = receipt.receipt_id;
    const after: ModeState = {
      mode: active ? "read_only" : "active",
      reason: active ? reason : "",
      changedBy: call.principal.id,
      changedAtMs: nowMs,
      receiptId,
    };
    const action = active ? "maintenance.begun" : "maintenance.ended";
    const audit = { action, subject: "maintenance", details: { reason }, receiptId };
    return {
      kind: "answer",
      output: { active, receiptId },
      writes: [modeWrite(after), auditWrite(call, audit, nowMs)],
    };
  });
}

/** As the configuration asks for it: each start begins it, and an operator ends it. */
export async function beginMaintenance(authority: Authority, reason: string): Promise<void> {
  const call = controlCall(Maintenance, "setMaintenance", "maintenance:write", new AbortController().signal);
  await setMaintenance(authority, call, { active: true, reason });
}

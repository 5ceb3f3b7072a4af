import { getMode, modeWrite, type Authority, type ModeState } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  SetAuthorityModeRequest,
  SetAuthorityModeResponse,
} from "@openagents/contracts";

/** Freeze all writes, or make them active again. */
export function setMode(
  deps: { readonly authority: Authority },
  call: CommandCall,
  request: SetAuthorityModeRequest,
): Promise<CommandReply> {
  return deps.authority.executeAlone<SetAuthorityModeResponse>(call, request, async (command) => {
    const before = await getMode(command.tx);
    if (before.mode === request.mode) return { kind: "answer", output: answerOf(before), writes: [] };
    const nowMs = command.nowMs();
    const facts = { mode: request.mode, previous_mode: before.mode, reason: request.reason };
    const receipt = command.seal("openagents.authority.mode_changed.v1", "authority_mode", facts, nowMs);
    const after: ModeState = {
      mode: request.mode,
      reason: request.reason,
      changedBy: call.principal.id,
      changedAtMs: nowMs,
      receiptId: receipt.receipt_id,
    };
    return { kind: "answer", output: answerOf(after), writes: [modeWrite(after)] };
  });
}

function answerOf({ mode, reason, receiptId }: ModeState): SetAuthorityModeResponse {
  return { mode, reason, receiptId };
}

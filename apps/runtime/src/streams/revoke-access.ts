// What ends a token before its time: an event that every service follows.

import { streamEventsWrite, type Authority, eventDraft } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  RevokeAccessRequest,
  RevokeAccessResponse,
} from "@openagents/contracts";
import { streamId } from "@openagents/streams";

/** Revocations are nobody's in particular. */
const TENANT = "org_operator";

export function revokeAccess(
  { authority }: { readonly authority: Authority },
  call: CommandCall,
  request: RevokeAccessRequest,
): Promise<CommandReply> {
  return authority.execute<RevokeAccessResponse>(call, request, async (command) => {
    const nowMs = command.nowMs();
    const { by, value, reason } = request;
    const facts = { by, value, reason };
    const receipt = command.seal("openagents.sync.access_revoked.v1", value, facts, nowMs, TENANT);
    const event = eventDraft(streamId("revocations"), TENANT, "access.revoked", { by, value }, nowMs);
    return {
      kind: "answer",
      output: { receiptId: receipt.receipt_id },
      writes: [streamEventsWrite([event])],
    };
  });
}

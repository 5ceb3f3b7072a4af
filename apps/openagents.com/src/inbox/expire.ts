import type { Authority } from "@openagents/authority";
import {
  Inbox,
  ProblemError,
  type CommandCall,
  type CommandReply,
  type ExpireApprovalsResponse,
} from "@openagents/contracts";
import { startSweep, type After, type Logger } from "@openagents/service";
import { controlCall } from "../control-call.ts";
import { approvalEvent } from "./approvals.ts";
import { lockOverApprovals, markApprovalsExpired } from "./store.ts";

const AT_ONCE_MAX = 100;
const LOOK_EVERY_MS = 5_000;

type ExpiryDeps = { readonly authority: Authority };

/** Tell of requests whose time is over, on the streams of those whom they waited for. */
export function expireApprovals({ authority }: ExpiryDeps, call: CommandCall): Promise<CommandReply> {
  return authority.perform<ExpireApprovalsResponse>(call, async (command) => {
    const nowMs = command.nowMs();
    const over = await lockOverApprovals(command.tx, nowMs, AT_ONCE_MAX);
    if (over.length === 0) return { kind: "nothing", output: { expired: 0 } };
    const ids = over.map(({ approvalId }) => approvalId);
    const events = over.map((approval) => {
      const { approvalId, expiresAtMs } = approval;
      const facts = { approval_id: approvalId, expired_at: new Date(expiresAtMs).toISOString() };
      return approvalEvent(approval, "approval.expired", facts, nowMs);
    });
    const writes = [markApprovalsExpired(ids, nowMs), ...events];
    return { kind: "answer", output: { expired: over.length }, writes };
  });
}

/** Look for them; disposing it waits for the look that goes on. */
export function startExpiry(
  deps: ExpiryDeps & { readonly log: Logger; readonly after?: After | undefined },
): AsyncDisposable {
  const look = async (signal: AbortSignal) => {
    const call = controlCall(Inbox, "expireApprovals", "approvals:expire", signal);
    await expireApprovals(deps, call).catch((error: unknown) => {
      // Frozen: they are told afterwards, and decided by nobody meanwhile.
      if (error instanceof ProblemError && error.code === "writes_frozen") return;
      throw error;
    });
  };
  return startSweep({ ...deps, what: "requests whose time is over", everyMs: LOOK_EVERY_MS, look });
}

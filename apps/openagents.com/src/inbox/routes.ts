import type { Authority } from "@openagents/authority";
import {
  Inbox,
  bind,
  type ApproveApprovalResponse,
  type Binding,
  type CommandCall,
  type CommandReply,
  type RequestApprovalResponse,
} from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { PAGE_DEFAULT, assertFreshPerson, decodeCursor, notFound, pageOf } from "@openagents/service";
import type { UserOf } from "../persons/index.ts";
import { approvalMessage, type Decided } from "./approval.ts";
import { assertRoom, openApproval } from "./approvals.ts";
import { decideApproval, type DecisionSink } from "./decide.ts";
import { expireApprovals } from "./expire.ts";
import { findApproval, listApprovals, lockApproval } from "./store.ts";

export type InboxDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly userOf: UserOf;
  readonly nowMs: () => number;
  /** What other nouns make of decisions. */
  readonly decided: DecisionSink;
};

/** Sorts after every id. */
const AFTER_ALL = "apv_g";

const EXPIRES_IN_S_DEFAULT = 7 * 86_400;

export function inboxRoutes(deps: InboxDeps): Binding {
  return bind(Inbox, {
    requestApproval: (request, call) =>
      deps.authority.execute<RequestApprovalResponse>(call, request, async (command) => {
        const userId = await deps.userOf(command.tx, call.principal);
        await assertRoom(command, userId);
        const { approval, writes } = openApproval(command, {
          org: call.principal.org,
          userId,
          kind: request.kind,
          title: request.title,
          detail: request.detail,
          facts: request.facts,
          expiresInMs: (request.expiresInS ?? EXPIRES_IN_S_DEFAULT) * 1000,
        });
        return {
          kind: "answer",
          output: { approval: approvalMessage(approval, approval.requestedAtMs) },
          writes,
        };
      }),

    async listApprovals(request, call) {
      const userId = await deps.userOf(deps.db, call.principal);
      const before =
        request.cursor === undefined ? AFTER_ALL : decodeCursor(request.cursor, /^apv_[0-9a-f]{32}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const nowMs = deps.nowMs();
      const page = { before, limit: limit + 1, status: request.status, nowMs };
      const found = await listApprovals(deps.db, userId, page);
      const { items, nextCursor } = pageOf(found, limit, (approval) => approval.approvalId);
      return { approvals: items.map((approval) => approvalMessage(approval, nowMs)), nextCursor };
    },

    async getApproval({ approvalId }, call) {
      const { principal } = call;
      const found = await findApproval(deps.db, approvalId);
      const mine = found !== undefined && [found.userId, found.requestedBy].includes(principal.id);
      // A device of the person sees what waits for the person.
      if (!mine && found?.userId !== (await deps.userOf(deps.db, principal)))
        throw notFound("approval", approvalId);
      return { approval: approvalMessage(found, deps.nowMs()) };
    },

    approveApproval: (request, call) => decide(deps, call, request, "approved"),
    rejectApproval: (request, call) => decide(deps, call, request, "rejected"),
    expireApprovals: (_request, call) => expireApprovals(deps, call),
  });
}

/** Refused, in this order: `own_request`, `already_decided`, `approval_expired`, then as the noun that asked says. */
function decide(
  { authority, nowMs, decided }: InboxDeps,
  call: CommandCall,
  request: { readonly approvalId: string; readonly answer?: string | undefined },
  kind: Decided["kind"],
): Promise<CommandReply> {
  // Before anything is looked at: a stolen token learns nothing here.
  assertFreshPerson(call, nowMs());
  return authority.execute<ApproveApprovalResponse>(call, request, async (command) => {
    const { approvalId, answer } = request;
    const approval = await lockApproval(command.tx, approvalId);
    if (approval?.userId !== call.principal.id) throw notFound("approval", approvalId);
    const made = await decideApproval(command, decided, approval, { kind, answer });
    if (made.kind === "refused") return made;
    const { writes, afterCommit } = made;
    return {
      kind: "answer",
      output: { approval: approvalMessage(made.approval, command.nowMs()) },
      writes,
      ...(afterCommit === undefined ? {} : { afterCommit }),
    };
  });
}

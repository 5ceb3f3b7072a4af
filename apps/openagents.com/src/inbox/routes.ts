import type { Authority, Refusal } from "@openagents/authority";
import {
  Inbox,
  ProblemError,
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
import { OPEN_MAX, approvalEvent, openApproval } from "./approvals.ts";
import { refuseDecision, type DecisionRefusal } from "./decide-approval.ts";
import { expireApprovals } from "./expire.ts";
import {
  findApproval,
  listApprovals,
  lockApproval,
  lockOpenApprovals,
  markApprovalDecided,
} from "./store.ts";

export type InboxDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly userOf: UserOf;
  readonly nowMs: () => number;
};

/** Sorts after every id. */
const AFTER_ALL = "apv_g";

const EXPIRES_IN_S_DEFAULT = 7 * 86_400;

export function inboxRoutes(deps: InboxDeps): Binding {
  return bind(Inbox, {
    requestApproval: (request, call) =>
      deps.authority.execute<RequestApprovalResponse>(call, request, async (command) => {
        const userId = await deps.userOf(command.tx, call.principal);
        if ((await lockOpenApprovals(command.tx, userId, command.nowMs())) >= OPEN_MAX) throw inboxFull();
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

/** Refused, in this order: `own_request`, `already_decided`, `approval_expired`. */
function decide(
  { authority, nowMs }: InboxDeps,
  call: CommandCall,
  request: { readonly approvalId: string; readonly answer?: string | undefined },
  kind: Decided["kind"],
): Promise<CommandReply> {
  // Before anything is looked at: a stolen token learns nothing here.
  assertFreshPerson(call, nowMs());
  return authority.execute<ApproveApprovalResponse>(call, request, async (command) => {
    const { approvalId } = request;
    const by = call.principal.id;
    const approval = await lockApproval(command.tx, approvalId);
    if (approval?.userId !== by) throw notFound("approval", approvalId);
    const atMs = command.nowMs();
    const reason = refuseDecision(approval, { kind, by }, atMs);
    if (reason !== undefined) return refusal(reason);
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
    const decided: Decided = { kind, by, atMs, answer: request.answer, receiptId: receipt.receipt_id };
    const event = { approval_id: approvalId, decision: kind, receipt_id: receipt.receipt_id };
    return {
      kind: "answer",
      output: { approval: approvalMessage({ ...approval, decision: decided }, atMs) },
      writes: [
        markApprovalDecided(approvalId, decided),
        approvalEvent(approval, "approval.decided", event, atMs),
      ],
    };
  });
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

function inboxFull(): ProblemError {
  return new ProblemError({
    status: 429,
    code: "inbox_full",
    detail: `${OPEN_MAX} requests wait for this person already. Wait until some are decided.`,
    retryAfterMs: 60_000,
  });
}

// The commands of drafts. Whoever acts for a person may write one; deciding is the person's.

import { newId, type Authority, type Command, type Refusal } from "@openagents/authority";
import {
  ProblemError,
  type ApproveMailDraftResponse,
  type CommandCall,
  type CommandReply,
  type CreateMailDraftRequest,
  type CreateMailDraftResponse,
  type EditMailDraftRequest,
  type EditMailDraftResponse,
} from "@openagents/contracts";
import type { Database, Queryable, Write } from "@openagents/postgres";
import { assertFreshPerson, notFound } from "@openagents/service";
import {
  assertRoom,
  decideApproval,
  lockApproval,
  openApproval,
  withdrawApproval,
  type Approval,
  type Consequence,
  type DecisionSink,
} from "../inbox/index.ts";
import { findThread, listMessages, type Thread } from "../mail-threads/index.ts";
import { findMailbox, listMailboxes, type Mailbox } from "../mailboxes/index.ts";
import type { UserOf } from "../persons/index.ts";
import { checkWords, refuseChange, replySubject, type DraftRefusal } from "./decide-draft.ts";
import { MAIL_SEND, contentSha256, draftFacts, draftMessage, type Draft } from "./draft.ts";
import { findDraft, insertDraft, lockDraft, lockDraftOf, markDraftDecided, updateWords } from "./store.ts";

export type DraftDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly userOf: UserOf;
  readonly nowMs: () => number;
  /** An intent was committed. */
  readonly wake: () => void;
};

const APPROVAL_LASTS_MS = 7 * 86_400_000;

/** Refused: `no_mailbox`. */
export function createDraft(
  { authority, userOf }: DraftDeps,
  call: CommandCall,
  request: CreateMailDraftRequest,
): Promise<CommandReply> {
  return authority.execute<CreateMailDraftResponse>(call, request, async (command) => {
    const { org, id } = call.principal;
    const userId = await userOf(command.tx, call.principal);
    const thread = await threadOf(command.tx, org, userId, request.threadId);
    const mailbox = await mailboxOf(command.tx, org, userId, thread?.mailboxId ?? request.mailboxId);
    if (mailbox === undefined) return NO_MAILBOX;
    const answered = thread === undefined ? undefined : await answeredIn(command.tx, thread);
    const words = checkWords({
      to: request.to.length > 0 ? request.to : (answered?.to ?? []),
      subject: request.subject ?? answered?.subject ?? "",
      body: request.body,
    });
    const nowMs = command.nowMs();
    const unasked: Draft = {
      ...words,
      draftId: newId("mdr", nowMs),
      org,
      userId,
      mailboxId: mailbox.mailboxId,
      threadId: thread?.threadId,
      remoteThread: thread?.remoteThread,
      inReplyTo: answered?.inReplyTo,
      references: answered?.references ?? "",
      from: mailbox.address,
      version: 1,
      status: "waiting",
      authoredBy: id,
      approvalId: undefined,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      sentAtMs: undefined,
      detail: undefined,
      receiptId: undefined,
    };
    const { draft, writes } = await askFor(command, unasked);
    return {
      kind: "answer",
      output: { draft: draftMessage(draft, undefined) },
      writes: [insertDraft(draft), ...writes],
    };
  });
}

/** Refused, in this order: `draft_decided`, `draft_changed`. */
export function editDraft(
  deps: DraftDeps,
  call: CommandCall,
  request: EditMailDraftRequest,
): Promise<CommandReply> {
  return deps.authority.execute<EditMailDraftResponse>(call, request, async (command) => {
    const userId = await deps.userOf(command.tx, call.principal);
    const { draft, approval } = await lockBoth(command, userId, request.draftId);
    const reason = refuseChange(draft, request.version);
    if (reason !== undefined) return refusal(reason);
    const words = checkWords({
      to: request.to.length > 0 ? request.to : draft.to,
      subject: request.subject ?? draft.subject,
      body: request.body ?? draft.body,
    });
    const taken =
      approval?.decision === undefined && approval !== undefined && approval.expiredAtMs === undefined
        ? withdrawApproval(command, approval, "The draft was changed.")
        : [];
    const { draft: changed, writes } = await askFor(command, {
      ...draft,
      ...words,
      version: draft.version + 1,
      authoredBy: call.principal.id,
      approvalId: undefined,
      updatedAtMs: command.nowMs(),
    });
    return {
      kind: "answer",
      output: { draft: draftMessage(changed, undefined) },
      writes: [updateWords(changed), ...taken, ...writes],
    };
  });
}

/** Approve a version, which sends it, or reject it. */
export function decideDraft(
  deps: DraftDeps,
  call: CommandCall,
  request: { readonly draftId: string; readonly version: number; readonly answer?: string | undefined },
  kind: "approved" | "rejected",
): Promise<CommandReply> {
  assertFreshPerson(call, deps.nowMs());
  return deps.authority.execute<ApproveMailDraftResponse>(call, request, async (command) => {
    const { draft, approval } = await lockBoth(command, call.principal.id, request.draftId);
    const decision = { kind, answer: request.answer, atMs: command.nowMs() };
    let after: Draft | undefined;
    const decided = async (of: Draft) => {
      const result = await applyDecision(deps, command, of, decision, request.version);
      after = result.kind === "follows" ? result.draft : undefined;
      return result;
    };
    const made =
      approval === undefined
        ? await decided(draft)
        : await decideApproval(command, () => decided(draft), approval, decision);
    if (made.kind === "refused") return made;
    return {
      kind: "answer",
      output: { draft: draftMessage(after ?? draft, undefined) },
      writes: made.writes,
      ...(made.afterCommit === undefined ? {} : { afterCommit: made.afterCommit }),
    };
  });
}

/** For decisions in the approvals inbox. By the approval's id alone: what its facts say, anybody may have written. */
export function draftSink(deps: Pick<DraftDeps, "wake">): DecisionSink {
  return async (command, approval, decision) => {
    const draft = await lockDraftOf(command.tx, approval.approvalId);
    return draft === undefined ? undefined : applyDecision(deps, command, draft, decision, undefined);
  };
}

async function applyDecision(
  { wake }: Pick<DraftDeps, "wake">,
  command: Command,
  draft: Draft,
  { kind, answer, atMs }: { kind: "approved" | "rejected"; answer: string | undefined; atMs: number },
  version: number | undefined,
): Promise<(Consequence & { readonly draft: Draft }) | Refusal> {
  const reason = refuseChange(draft, version);
  if (reason !== undefined) return refusal(reason);
  const sends = kind === "approved";
  if (sends && (await findMailbox(command.tx, draft.mailboxId)) === undefined) return MAILBOX_MISSING;
  const { draftId } = draft;
  const facts = {
    draft_id: draftId,
    version: draft.version,
    decision: kind,
    recipients: draft.to.length,
    content_sha256: contentSha256(draft),
  };
  const schema = "openagents.control.mail_draft_decided.v1";
  const receipt = command.seal(schema, draftId, facts, atMs, draft.org);
  const after: Draft = {
    ...draft,
    status: sends ? "pending" : "rejected",
    detail: answer,
    receiptId: receipt.receipt_id,
    updatedAtMs: atMs,
  };
  if (sends) {
    // One for a draft, by its key, whatever else were to go wrong.
    const intent = { kind: MAIL_SEND, subject: draftId, payload: {}, effectKey: draftId, tenant: draft.org };
    command.intend({ ...intent, answers: false }, atMs);
  }
  return {
    kind: "follows",
    uses: sends,
    draft: after,
    writes: [markDraftDecided(after)],
    ...(sends ? { afterCommit: wake } : {}),
  };
}

/** Open the request for one that its person did not write. */
async function askFor(
  command: Command,
  draft: Draft,
): Promise<{ readonly draft: Draft; readonly writes: readonly Write[] }> {
  const { org, userId, to, subject, body } = draft;
  if (command.call.principal.id === userId) return { draft, writes: [] };
  await assertRoom(command, userId);
  const { approval, writes } = openApproval(command, {
    org,
    userId,
    kind: "draft",
    title: `Send “${subject}” to ${to.join(", ")}`.slice(0, 200).toWellFormed(),
    detail: body,
    facts: draftFacts(draft),
    expiresInMs: APPROVAL_LASTS_MS,
  });
  return { draft: { ...draft, approvalId: approval.approvalId }, writes };
}

/** The approval first, then the draft. Throws 404 for one of somebody else. */
async function lockBoth(
  command: Command,
  userId: string,
  draftId: string,
): Promise<{ readonly draft: Draft; readonly approval: Approval | undefined }> {
  const { org } = command.call.principal;
  const seen = await findDraft(command.tx, draftId);
  if (seen?.userId !== userId || seen.org !== org) throw notFound("draft", draftId);
  const approval =
    seen.approvalId === undefined ? undefined : await lockApproval(command.tx, seen.approvalId);
  const draft = await lockDraft(command.tx, draftId);
  if (draft?.approvalId !== seen.approvalId || draft === undefined) throw changedMeanwhile();
  return { draft, approval };
}

async function threadOf(
  q: Queryable,
  org: string,
  userId: string,
  threadId: string | undefined,
): Promise<Thread | undefined> {
  if (threadId === undefined) return undefined;
  const thread = await findThread(q, threadId);
  if (thread?.userId !== userId || thread.org !== org) throw notFound("thread", threadId);
  return thread;
}

/** The one that was named, or the person's only or first one. */
async function mailboxOf(
  q: Queryable,
  org: string,
  userId: string,
  mailboxId: string | undefined,
): Promise<Mailbox | undefined> {
  const all = await listMailboxes(q, org, userId);
  if (mailboxId === undefined) return all[0];
  const found = all.find((each) => each.mailboxId === mailboxId);
  if (found === undefined) throw notFound("mailbox", mailboxId);
  return found;
}

const ANSWERED_MAX = 50;
const FROM_NEWEST = { atMs: 2n ** 63n - 1n, id: "" };

/** What an answer takes over from the thread: from the latest that somebody else wrote, where there is one. */
async function answeredIn(q: Queryable, thread: Thread) {
  const messages = await listMessages(q, thread.threadId, FROM_NEWEST, ANSWERED_MAX);
  const latest = messages.find(({ sentByUs }) => !sentByUs) ?? messages[0];
  if (latest === undefined) return undefined;
  const { rfcMessageId, references, replyTo } = latest;
  const all = [...references, ...(rfcMessageId === undefined ? [] : [rfcMessageId])];
  return {
    to: replyTo === "" ? [] : [replyTo],
    subject: replySubject(thread.subject),
    inReplyTo: rfcMessageId,
    references: [...new Set(all)].join(" "),
  };
}

const NO_MAILBOX: Refusal = {
  kind: "refused",
  rule: "state",
  reason: "no_mailbox",
  detail: "No mailbox is connected. The person connects one under Settings, Mail.",
};

const MAILBOX_MISSING: Refusal = {
  kind: "refused",
  rule: "state",
  reason: "mailbox_missing",
  detail:
    "The mailbox that this would be sent from is not connected any more. Connect it again, and draft it anew.",
};

function refusal(reason: DraftRefusal): Refusal {
  const detail =
    reason === "draft_decided"
      ? "It is decided already, and stays so."
      : "It was changed since you read it. Read it again, and decide about what it says now.";
  return { kind: "refused", rule: "state", reason, detail };
}

function changedMeanwhile(): ProblemError {
  return new ProblemError({
    status: 503,
    code: "draft_busy",
    detail: "The draft was changed while this ran. Send it again.",
    retryAfterMs: 100,
  });
}

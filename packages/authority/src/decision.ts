// One command from its call to what commits: the same for a command that has a
// transaction of its own and for one that shares it with others.

import { withoutSecrets, type CommandCall, type CommandReply } from "@openagents/contracts";
import type { Write } from "@openagents/postgres";
import { canonicalize, sealReceipt, type JsonObject, type Receipt } from "@openagents/receipts";
import type { FreezeAnswer } from "./freeze.ts";
import type { Identity } from "./identity.ts";
import { newId } from "./ids.ts";
import { intentsWrite } from "./intent-store.ts";
import type { Intent, IntentDraft } from "./intent.ts";
import type { Outcome } from "./outcome.ts";
import { randomHex } from "./randomness.ts";
import { render } from "./reply.ts";
import { isStreamWrite, streamEventsWrite, streamIdsOf, type StreamEventDraft } from "./stream.ts";
import { commandWrite, receiptsWrite, type SealedReceipt } from "./store.ts";

/** How what commits reaches the streams. */
export type Streams = {
  /** The events that a receipt makes; pure. */
  ofReceipt(receipt: SealedReceipt): readonly StreamEventDraft[];
  /** These streams have new events. Must not throw; losing it costs time, not events. */
  committed(streamIds: ReadonlySet<string>): void;
};

export type DecisionDeps = {
  readonly nowMs: () => number;
  /** Absent where nobody reads streams. */
  readonly streams?: Streams | undefined;
  /** What new commands are told while writes are frozen; 503 `writes_frozen` when absent. */
  readonly frozen?: FreezeAnswer | undefined;
};

/** What deciding a command works with. */
export type Decision = {
  readonly call: CommandCall;
  /** The clock; read it after the locks are held, because waiting for them takes time. */
  nowMs(): number;
  /**
   * Make a receipt that commits with this command. `subject` is what receipts
   * are listed by: the run where there is one, else the thing itself.
   */
  seal(schema: string, subject: string, facts: JsonObject, occurredAtMs: number, tenant?: string): Receipt;
  /**
   * Mean to do something outside: it commits with this command and is carried out
   * afterwards by the intent worker. With `answers` the command answers 202 with
   * the intent's id, and its replays give the outcome once that is known.
   */
  intend(draft: IntentDraft, nowMs: number): Intent;
};

export type OpenDecision = {
  readonly decision: Decision;
  readonly receipts: readonly SealedReceipt[];
  readonly intents: readonly Intent[];
  readonly streamEvents: readonly StreamEventDraft[];
};

/** `commandId` is absent for a command that has no key. */
export function openDecision(
  call: CommandCall,
  { nowMs, streams }: DecisionDeps,
  commandId?: Buffer,
): OpenDecision {
  const receipts: SealedReceipt[] = [];
  const intents: Intent[] = [];
  const streamEvents: StreamEventDraft[] = [];
  const decision: Decision = {
    call,
    nowMs,
    seal: (schema, subject, facts, occurredAtMs, tenant = call.principal.org) => {
      const sealed = seal(call, schema, subject, facts, occurredAtMs, tenant);
      receipts.push(sealed);
      if (streams !== undefined) streamEvents.push(...streams.ofReceipt(sealed));
      return sealed.receipt;
    },
    intend: (draft, atMs) => {
      const intent = intentOf(call, draft, commandId, atMs);
      intents.push(intent);
      return intent;
    },
  };
  return { decision, receipts, intents, streamEvents };
}

/** The bytes that an outcome is answered with, those that are kept for repeats, and what keeps them. */
export type Finished = {
  readonly reply: CommandReply;
  /** Without what is shown once. */
  readonly kept: CommandReply;
  readonly writes: readonly Write[];
};

/** Answer a command and keep its answer under its key. Throws when the answer breaks the contract. */
export function keptAnswer(
  call: CommandCall,
  identity: Identity,
  nowMs: number,
  outcome: Outcome<unknown>,
): Finished {
  const reply = render(call, outcome);
  const kept = keptReply(call, outcome, reply);
  const write = commandWrite({
    commandId: identity.commandId,
    tenant: call.principal.org,
    principal: call.principal.id,
    method: call.method.name,
    key: call.idempotencyKey,
    requestSha256: identity.requestSha256,
    status: kept.status,
    contentType: kept.contentType,
    body: kept.body,
    committedAtMs: nowMs,
  });
  return { reply, kept, writes: [write] };
}

/** A repeat of the command gives no secret a second time, and the database never has it. */
function keptReply(call: CommandCall, outcome: Outcome<unknown>, reply: CommandReply): CommandReply {
  if (outcome.kind === "refused") return reply;
  const output = withoutSecrets(call.method.output, outcome.output);
  return output === outcome.output ? reply : render(call, { ...outcome, output });
}

/** All that commits with an outcome. */
export function writesOf(
  { receipts, intents, streamEvents }: OpenDecision,
  outcome: { readonly writes?: readonly Write[] },
  finished: Finished,
): Write[] {
  const given = outcome.writes ?? [];
  const writes = given.filter((write) => !isStreamWrite(write));
  if (receipts.length > 0) writes.push(receiptsWrite(receipts));
  if (intents.length > 0) writes.push(intentsWrite(intents));
  writes.push(...finished.writes);
  // Last, so that the heads of streams are locked after everything else.
  writes.push(...given.filter(isStreamWrite));
  if (streamEvents.length > 0) writes.push(streamEventsWrite(streamEvents));
  return writes;
}

/** Tell who delivers them which streams have new events. */
export function announce({ streams }: DecisionDeps, committed: readonly Write[]): void {
  if (streams === undefined) return;
  const ids = new Set(committed.filter(isStreamWrite).flatMap(streamIdsOf));
  if (ids.size > 0) streams.committed(ids);
}

function seal(
  call: CommandCall,
  schema: string,
  subject: string,
  facts: JsonObject,
  occurredAtMs: number,
  tenant: string,
): SealedReceipt {
  const { principal } = call;
  const receipt = sealReceipt({
    schema,
    // The nonce makes the receipt's hash a commitment: it can be published without telling the facts.
    nonce: randomHex(16),
    occurred_at: new Date(occurredAtMs).toISOString(),
    actor: principal.id,
    ...(principal.actingFor === undefined ? {} : { acting_for: principal.actingFor }),
    tenant,
    request_id: call.requestId,
    ...facts,
  });
  return { receipt, canonical: canonicalize(receipt), tenant, schema, subject, occurredAtMs };
}

function intentOf(
  call: CommandCall,
  draft: IntentDraft,
  commandId: Buffer | undefined,
  nowMs: number,
): Intent {
  if (draft.answers && commandId === undefined)
    throw new Error(`${call.method.name} has no key under which the outcome of its intent could be kept`);
  const intentId = newId("int", nowMs);
  return {
    intentId,
    kind: draft.kind,
    tenant: draft.tenant ?? call.principal.org,
    subject: draft.subject,
    payload: draft.payload,
    effectKey: draft.effectKey ?? intentId,
    status: "pending",
    sentAtMs: undefined,
    attempts: 0,
    commandId: draft.answers ? commandId : undefined,
    requestId: call.requestId,
    detail: undefined,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

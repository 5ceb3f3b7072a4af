// The one door through which authoritative state changes (spec 2.3).
//
// AUTH-1  One key has one effect: whoever asks first decides, the rest get the same bytes.
// AUTH-2  An answer or refusal commits with its receipts, postings and events, or not at all.
// AUTH-3  An error rolls back everything and leaves the key free.
// AUTH-4  Waiting for another caller of the same key holds no database connection.
// AUTH-5  After a freeze was answered nothing commits but what its contract lets go on.
// AUTH-6  A command that waits for an outside effect answers "pending" until that is known, then its outcome for ever.
//
// Three round trips: BEGIN and claim; the body's lock-and-load; one statement
// for everything that changes, with COMMIT. Held by authority.pg.test.ts.

import { createHash, randomBytes } from "node:crypto";
import {
  PROBLEM_CONTENT_TYPE,
  ProblemError,
  encode,
  encodeText,
  problemBody,
  type CommandCall,
  type CommandReply,
} from "@openagents/contracts";
import {
  isConnectionLoss,
  isRetryable,
  isUniqueViolation,
  type Database,
  type OpenTx,
  type Tx,
  type Write,
} from "@openagents/postgres";
import { canonicalize, sealReceipt, type JsonObject, type Receipt } from "@openagents/receipts";
import { newId } from "./ids.ts";
import { concludeIntent, intentsWrite, lockHeldIntent } from "./intent-store.ts";
import type { HeldIntent, Intent, IntentDraft, TerminalEffect } from "./intent.ts";
import { REFUSAL_STATUS, type Conclusion, type Nothing, type Outcome } from "./outcome.ts";
import {
  beginUnclaimed,
  claimCommand,
  commandWrite,
  outcomeWrite,
  receiptsWrite,
  type Mode,
  type ModeLock,
  type SealedReceipt,
  type StoredAnswer,
} from "./store.ts";

/** How long a caller waits for another caller of the same key (spec 2.3 rule 2). */
const WAIT_MS_MAX = 5_000;

/** How often a body is run again after a serialization failure, deadlock or lost connection. */
const ATTEMPTS_MAX = 6;

/** When a command that met a freeze is worth sending again. */
const FROZEN_RETRY_AFTER_MS = 10_000;

/** What a command's body works with. */
export type Command = {
  readonly tx: Tx;
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

export type Authority = {
  /**
   * Run a command at most once per (tenant, principal, method, key). A repeat
   * answers the stored bytes; another request under the key is refused with 422
   * `idempotency_key_reused`; a repeat while the first still runs after 5 s with
   * 409 `idempotency_in_flight`; a new command while writes are frozen with 503
   * `writes_frozen`.
   */
  execute<Output>(
    call: CommandCall,
    input: unknown,
    body: (command: Command) => Promise<Outcome<Output>>,
  ): Promise<CommandReply>;
  /**
   * As `execute`, for the one command that changes the mode: it runs when no other
   * command does, in any process, so that its answer holds for all of them.
   */
  executeAlone<Output>(
    call: CommandCall,
    input: unknown,
    body: (command: Command) => Promise<Outcome<Output>>,
  ): Promise<CommandReply>;
  /** Run a command whose own content makes a repeat harmless (heartbeat, renewal, upload by hash). */
  perform<Output>(
    call: CommandCall,
    body: (command: Command) => Promise<Outcome<Output>>,
  ): Promise<CommandReply>;
  /**
   * Record what became of an intent, in the name of whoever carried it out, and
   * the answer of the command that waits for it. False, with nothing done, when
   * another executor has taken the intent up meanwhile or has concluded it.
   */
  conclude(
    call: CommandCall,
    held: HeldIntent,
    effect: TerminalEffect,
    body: (command: Command) => Promise<Conclusion>,
  ): Promise<boolean>;
};

export type AuthorityDeps = { readonly db: Database; readonly nowMs: () => number };

export function createAuthority(deps: AuthorityDeps): Authority {
  const running = new Map<string, Running>();

  async function execute<Output>(
    call: CommandCall,
    input: unknown,
    body: (command: Command) => Promise<Outcome<Output>>,
    modeLock: ModeLock,
  ): Promise<CommandReply> {
    const identity = identify(call, input);
    const deadlineMs = performance.now() + WAIT_MS_MAX;
    for (;;) {
      const first = running.get(identity.mapKey);
      if (first !== undefined) {
        const answer = await within(first.settled, deadlineMs);
        if (answer === "timeout") throw inFlight();
        if (answer !== undefined) return replay(answer, identity);
        continue;
      }
      const lead = startRunning();
      running.set(identity.mapKey, lead);
      try {
        const result = await attempt(deps, call, identity, body, modeLock);
        if (result.kind === "busy") {
          // Another process runs this key. Look again soon, without a connection meanwhile.
          if (performance.now() >= deadlineMs) throw inFlight();
          await pause(25 + Math.random() * 50);
          continue;
        }
        if (result.stored !== undefined) lead.settle(result.stored);
        return result.reply;
      } finally {
        running.delete(identity.mapKey);
        lead.settle(undefined);
      }
    }
  }

  return {
    execute: (call, input, body) => execute(call, input, body, "shared"),
    executeAlone: (call, input, body) => execute(call, input, body, "alone"),

    perform(call, body) {
      return retrying(async () => {
        const { tx, mode } = await beginUnclaimed(deps.db);
        if (isFrozen(call, mode)) {
          await tx.rollback();
          throw writesFrozen();
        }
        const { reply } = await decide(deps, tx, call, body, rendered(call));
        return reply;
      });
    },

    conclude(call, held, effect, body) {
      return retrying(async () => {
        // Frozen or not: what was begun before a freeze ends in spite of it.
        const { tx } = await beginUnclaimed(deps.db);
        const { decided } = await decide(
          deps,
          tx,
          call,
          async (command) =>
            (await lockHeldIntent(command.tx, held)) ? body(command) : { kind: "nothing", output: undefined },
          (outcome) => finishIntent(deps, call, held, effect, outcome),
        );
        return decided;
      });
    },
  };
}

function isFrozen(call: CommandCall, mode: Mode): boolean {
  return mode === "read_only" && !call.method.whileFrozen;
}

function writesFrozen(): ProblemError {
  return new ProblemError({
    status: 503,
    code: "writes_frozen",
    detail:
      "The operator has frozen all writes. Reads work, and nothing of this request was done. " +
      "Send it again, with the same key where it has one, once writes are active.",
    retryAfterMs: FROZEN_RETRY_AFTER_MS,
  });
}

type Identity = {
  readonly commandId: Buffer;
  readonly mapKey: string;
  readonly requestSha256: Buffer;
};

function identify(call: CommandCall, input: unknown): Identity {
  const { principal, method, idempotencyKey } = call;
  const name = JSON.stringify([principal.org, principal.id, method.name, idempotencyKey]);
  const commandId = createHash("sha256").update(name).digest();
  const request = canonicalize(encode(method.input, input));
  return {
    commandId,
    mapKey: commandId.toString("base64"),
    requestSha256: createHash("sha256").update(request).digest(),
  };
}

type Attempt =
  | { readonly kind: "busy" }
  | { readonly kind: "done"; readonly reply: CommandReply; readonly stored: StoredAnswer | undefined };

function attempt<Output>(
  deps: AuthorityDeps,
  call: CommandCall,
  identity: Identity,
  body: (command: Command) => Promise<Outcome<Output>>,
  modeLock: ModeLock,
): Promise<Attempt> {
  return retrying<Attempt>(async () => {
    const claim = await claimCommand(deps.db, identity.commandId, modeLock);
    if (claim.kind === "won") {
      if (isFrozen(call, claim.mode)) {
        await claim.tx.rollback();
        throw writesFrozen();
      }
      const { reply, decided } = await decide(
        deps,
        claim.tx,
        call,
        body,
        (outcome) => {
          const answer = render(call, outcome);
          return { reply: answer, writes: [storedCommand(deps, call, identity, answer)] };
        },
        identity.commandId,
      );
      const stored = decided ? { ...reply, requestSha256: identity.requestSha256 } : undefined;
      return { kind: "done", reply, stored };
    }
    // Nothing was written, so nobody needs to wait for the rollback.
    claim.tx.rollback().catch(ignoreLostConnection);
    if (claim.kind === "running") return { kind: "busy" };
    return { kind: "done", reply: replay(claim.answer, identity), stored: claim.answer };
  });
}

type Decided = {
  readonly reply: CommandReply;
  /** False when nothing was decided, so that nothing is stored under the key. */
  readonly decided: boolean;
};

/** The bytes that an outcome is answered with, and what keeps them. */
type Finish<Body> = (outcome: Body) => { readonly reply: CommandReply; readonly writes: readonly Write[] };

/** Run the body and commit what it decided. */
async function decide<Body extends Outcome<unknown> | Conclusion>(
  deps: AuthorityDeps,
  tx: OpenTx,
  call: CommandCall,
  body: (command: Command) => Promise<Body>,
  finish: Finish<Body>,
  commandId?: Buffer,
): Promise<Decided> {
  const receipts: SealedReceipt[] = [];
  const intents: Intent[] = [];
  const command: Command = {
    tx,
    call,
    nowMs: deps.nowMs,
    seal: (schema, subject, facts, occurredAtMs, tenant = call.principal.org) => {
      const sealed = seal(call, schema, subject, facts, occurredAtMs, tenant);
      receipts.push(sealed);
      return sealed.receipt;
    },
    intend: (draft, nowMs) => {
      const intent = intentOf(call, draft, commandId, nowMs);
      intents.push(intent);
      return intent;
    },
  };
  let outcome: Body;
  let finished: ReturnType<Finish<Body>>;
  try {
    outcome = await body(command);
    finished = finish(outcome);
  } catch (error) {
    await tx.rollback();
    throw error;
  }
  const { reply } = finished;
  if (outcome.kind === "nothing") {
    await tx.rollback();
    return { reply, decided: false };
  }
  const writes = [...(outcome.writes ?? [])];
  if (receipts.length > 0) writes.push(receiptsWrite(receipts));
  if (intents.length > 0) writes.push(intentsWrite(intents));
  writes.push(...finished.writes);
  await tx.commitWith(writes);
  if (outcome.kind !== "refused") outcome.afterCommit?.();
  return { reply, decided: true };
}

function rendered<Output>(call: CommandCall): Finish<Outcome<Output>> {
  return (outcome) => ({ reply: render(call, outcome), writes: [] });
}

function storedCommand(
  deps: AuthorityDeps,
  call: CommandCall,
  identity: Identity,
  reply: CommandReply,
): Write {
  return commandWrite({
    commandId: identity.commandId,
    tenant: call.principal.org,
    principal: call.principal.id,
    method: call.method.name,
    key: call.idempotencyKey,
    requestSha256: identity.requestSha256,
    status: reply.status,
    contentType: reply.contentType,
    body: reply.body,
    committedAtMs: deps.nowMs(),
  });
}

const NO_REPLY: CommandReply = { status: 204, contentType: "", body: "", replayed: false };

/** The intent's end, and the answer of the command that waits for it. */
function finishIntent(
  deps: AuthorityDeps,
  call: CommandCall,
  held: HeldIntent,
  effect: TerminalEffect,
  conclusion: Conclusion | Nothing<undefined>,
): ReturnType<Finish<Conclusion>> {
  if (conclusion.kind === "nothing") return { reply: NO_REPLY, writes: [] };
  const nowMs = deps.nowMs();
  const writes = [concludeIntent(held, effect, nowMs)];
  if (held.commandId === undefined) return { reply: NO_REPLY, writes };
  if (conclusion.kind === "recorded")
    throw new Error(`${held.intentId} (${held.kind}) was concluded without the answer that its command owes`);
  const reply = render(call, conclusion);
  return { reply, writes: [...writes, outcomeWrite(held.commandId, reply, nowMs)] };
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

function render<Output>(call: CommandCall, outcome: Outcome<Output>): CommandReply {
  if (outcome.kind !== "refused") {
    return {
      status: (outcome.kind === "answer" ? outcome.status : undefined) ?? call.method.successStatus,
      contentType: "application/json; charset=utf-8",
      body: encodeText(call.method.output, outcome.output),
      replayed: false,
    };
  }
  const problem = new ProblemError({
    status: REFUSAL_STATUS[outcome.rule],
    code: `refused_${outcome.rule}`,
    reason: outcome.reason,
    detail: outcome.detail,
    ...(outcome.receiptId === undefined ? {} : { receiptId: outcome.receiptId }),
  });
  return {
    status: problem.status,
    contentType: PROBLEM_CONTENT_TYPE,
    body: problemBody(problem, call.requestId),
    replayed: false,
  };
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
    nonce: randomBytes(16).toString("hex"),
    occurred_at: new Date(occurredAtMs).toISOString(),
    actor: principal.id,
    ...(principal.actingFor === undefined ? {} : { acting_for: principal.actingFor }),
    tenant,
    request_id: call.requestId,
    ...facts,
  });
  return { receipt, canonical: canonicalize(receipt), tenant, schema, subject, occurredAtMs };
}

function replay(answer: StoredAnswer, identity: Identity): CommandReply {
  if (!answer.requestSha256.equals(identity.requestSha256)) {
    throw new ProblemError({
      status: 422,
      code: "idempotency_key_reused",
      detail: "This idempotency key was used for another request. Use a fresh key for a new request.",
    });
  }
  return { status: answer.status, contentType: answer.contentType, body: answer.body, replayed: true };
}

function inFlight(): ProblemError {
  return new ProblemError({
    status: 409,
    code: "idempotency_in_flight",
    detail:
      "The first request with this idempotency key is still running. Send the same request again shortly.",
    retryAfterMs: 1_000,
  });
}

/** Unique keys whose winner a snapshot may miss; the body, run again, sees it and decides anew. */
const RACED = ["commands_pkey", "transfers_pkey", "transfers_pending_id_key"];

/**
 * Run again what the database could not order or keep a connection for. After
 * a connection lost in COMMIT the outcome is unknown, and claiming the key
 * again tells it: the stored answer is there, or nothing happened.
 */
async function retrying<T>(body: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await body();
    } catch (error) {
      const again =
        isRetryable(error) || isConnectionLoss(error) || RACED.some((each) => isUniqueViolation(error, each));
      if (!again) throw error;
      if (tries >= ATTEMPTS_MAX) {
        throw new ProblemError({
          status: 503,
          code: isConnectionLoss(error) ? "database_unavailable" : "database_contended",
          detail:
            "The database could not finish this command now. Send the same request with the same key again.",
          retryAfterMs: 1_000,
          cause: error,
        });
      }
      await pause(Math.random() * 10 * 2 ** tries);
    }
  }
}

type Running = {
  /** The stored answer; undefined when the first caller failed or decided nothing. */
  readonly settled: Promise<StoredAnswer | undefined>;
  settle(answer: StoredAnswer | undefined): void;
};

function startRunning(): Running {
  const { promise, resolve } = Promise.withResolvers<StoredAnswer | undefined>();
  return { settled: promise, settle: resolve };
}

async function within<T>(promise: Promise<T>, deadlineMs: number): Promise<T | "timeout"> {
  const { promise: timeout, resolve } = Promise.withResolvers<"timeout">();
  const timer = setTimeout(() => resolve("timeout"), Math.max(0, deadlineMs - performance.now()));
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A rollback that finds its connection gone has nothing left to roll back. */
function ignoreLostConnection(): void {}

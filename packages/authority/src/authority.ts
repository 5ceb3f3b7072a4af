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
// for everything that changes, with COMMIT. Commands of a batch share them.
// Held by authority.pg.test.ts and batch.pg.test.ts.

import type { CommandCall, CommandReply } from "@openagents/contracts";
import type { Database, OpenTx, Tx } from "@openagents/postgres";
import { startBatch, type BatchKind, type Decided } from "./batch.ts";
import {
  announce,
  keptAnswer,
  openDecision,
  writesOf,
  type Decision,
  type DecisionDeps,
  type Finished,
} from "./decision.ts";
import { assertActive } from "./freeze.ts";
import { identify, type Identity } from "./identity.ts";
import { concludeIntent, lockHeldIntent } from "./intent-store.ts";
import type { HeldIntent, TerminalEffect } from "./intent.ts";
import type { Conclusion, Nothing, Outcome } from "./outcome.ts";
import { inFlight, render, replay, settleLost } from "./reply.ts";
import { pause, retrying } from "./retry.ts";
import {
  abandon,
  beginUnclaimed,
  claimCommands,
  outcomeWrite,
  type Attempt,
  type ModeLock,
  type StoredAnswer,
} from "./store.ts";

/** How long a caller waits for another caller of the same key (spec 2.3 rule 2). */
const WAIT_MS_MAX = 5_000;

/** What a command's body works with. */
export type Command = Decision & { readonly tx: Tx };

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
  /**
   * A door for commands of one kind whose decision needs only what that kind
   * loads: those that wait at the same time share a transaction.
   */
  batch<Need, View, Change>(kind: BatchKind<Need, View, Change>): Batch<Need, View, Change>;
};

export type Batch<Need, View, Change> = {
  /** As `Authority.execute`, and `decide` is pure: it may be run again, and sees the commands before it. */
  execute<Output>(
    call: CommandCall,
    input: unknown,
    need: Need,
    decide: (decision: Decision, view: View) => Decided<Output, Change>,
  ): Promise<CommandReply>;
};

export type AuthorityDeps = DecisionDeps & { readonly db: Database };

export function createAuthority(deps: AuthorityDeps): Authority {
  const running = new Map<string, Running>();

  /** AUTH-1 and AUTH-4, for whatever runs a command that nobody else runs in this process. */
  async function once(identity: Identity, run: () => Promise<Attempt>): Promise<CommandReply> {
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
        const result = await run();
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
    async execute(call, input, body) {
      const identity = identify(call, input);
      return once(identity, () => attempt(deps, call, identity, body, "shared"));
    },

    async executeAlone(call, input, body) {
      const identity = identify(call, input);
      return once(identity, () => attempt(deps, call, identity, body, "alone"));
    },

    batch(kind) {
      const run = startBatch(deps, kind);
      return {
        async execute(call, input, need, decideNow) {
          const identity = identify(call, input);
          return once(identity, () => run({ call, identity, need, decide: decideNow }));
        },
      };
    },

    perform(call, body) {
      return retrying(async () => {
        const { tx, mode } = await beginUnclaimed(deps.db);
        const { reply } = await decide(
          deps,
          tx,
          call,
          (command) => {
            assertActive(call, mode, deps.frozen);
            return body(command);
          },
          (outcome) => unkept(render(call, outcome)),
        );
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

function attempt<Output>(
  deps: AuthorityDeps,
  call: CommandCall,
  identity: Identity,
  body: (command: Command) => Promise<Outcome<Output>>,
  modeLock: ModeLock,
): Promise<Attempt> {
  return retrying(async () => {
    const { tx, mode, claims } = await claimCommands(deps.db, [identity.commandId], modeLock);
    const [claim] = claims;
    if (claim?.kind !== "won") {
      abandon(tx);
      return settleLost(claim, identity);
    }
    const { reply, kept, decided } = await decide(
      deps,
      tx,
      call,
      (command) => {
        assertActive(call, mode, deps.frozen);
        return body(command);
      },
      (outcome) => keptAnswer(call, identity, deps.nowMs(), outcome),
      identity.commandId,
    );
    const stored = decided ? { ...kept, requestSha256: identity.requestSha256 } : undefined;
    return { kind: "done", reply, stored };
  });
}

/** Run the body and commit what it decided. `decided` is false when that is nothing. */
async function decide<Body extends Outcome<unknown> | Conclusion>(
  deps: AuthorityDeps,
  tx: OpenTx,
  call: CommandCall,
  body: (command: Command) => Promise<Body>,
  finish: (outcome: Body) => Finished,
  commandId?: Buffer,
): Promise<{ readonly reply: CommandReply; readonly kept: CommandReply; readonly decided: boolean }> {
  const open = openDecision(call, deps, commandId);
  let outcome: Body;
  let finished: Finished;
  try {
    outcome = await body({ ...open.decision, tx });
    finished = finish(outcome);
  } catch (error) {
    await tx.rollback();
    throw error;
  }
  const { reply, kept } = finished;
  if (outcome.kind === "nothing") {
    await tx.rollback();
    return { reply, kept, decided: false };
  }
  const writes = writesOf(open, outcome, finished);
  await tx.commitWith(writes);
  announce(deps, writes);
  if (outcome.kind !== "refused") outcome.afterCommit?.();
  return { reply, kept, decided: true };
}

function unkept(reply: CommandReply): Finished {
  return { reply, kept: reply, writes: [] };
}

const NO_REPLY: CommandReply = { status: 204, contentType: "", body: "", replayed: false };

/** The intent's end, and the answer of the command that waits for it. */
function finishIntent(
  deps: AuthorityDeps,
  call: CommandCall,
  held: HeldIntent,
  effect: TerminalEffect,
  conclusion: Conclusion | Nothing<undefined>,
): Finished {
  if (conclusion.kind === "nothing") return unkept(NO_REPLY);
  const nowMs = deps.nowMs();
  const writes = [concludeIntent(held, effect, nowMs)];
  if (held.commandId === undefined) return { ...unkept(NO_REPLY), writes };
  if (conclusion.kind === "recorded")
    throw new Error(`${held.intentId} (${held.kind}) was concluded without the answer that its command owes`);
  const reply = render(call, conclusion);
  return { ...unkept(reply), writes: [...writes, outcomeWrite(held.commandId, reply, nowMs)] };
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

// Commands that share a transaction (spec 2.5, hot path). They wait in memory
// while flushes run; the next flush claims, loads, decides and commits up to
// 256 of them with as many statements as one command needs. Two flushes may run
// at once, one deciding while the other waits for its commit, where they lock
// nothing in common: a hot row's commands gather for one flush after the other.
//
// BATCH-1  A command answers as it would alone: same claim, same decision, same bytes.
// BATCH-2  A command that fails, whatever the reason, fails alone.
// BATCH-3  Each decision sees what those before it in the batch changed.
// BATCH-4  Commands that lock the same run in the order in which they came.
// Held by batch.pg.test.ts.

import { ProblemError, type CommandCall } from "@openagents/contracts";
import type { Database, Tx, Write } from "@openagents/postgres";
import {
  announce,
  keptAnswer,
  openDecision,
  writesOf,
  type Decision,
  type DecisionDeps,
} from "./decision.ts";
import { assertActive } from "./freeze.ts";
import type { Identity } from "./identity.ts";
import type { Outcome } from "./outcome.ts";
import { settleLost } from "./reply.ts";
import { retrying } from "./retry.ts";
import { abandon, claimCommands, type Attempt, type Claim } from "./store.ts";

/** Most commands of one transaction. */
const BATCH_MAX = 256;

/** Flushes at once: one is decided here while the server commits the other. */
const FLUSHES_MAX = 2;

/** How far behind a hot row's commands others are looked for. */
const LOOKED_AT_MAX = 4 * BATCH_MAX;

/** Most commands that wait. At the rate of a flush, more would wait for longer than their callers do. */
const WAITING_MAX = 8_192;

/** What commands of one kind load, and how a decision's change shows to the decisions after it. */
export type BatchKind<Need, View, Change> = {
  /**
   * Lock and load what the commands need, in one round trip and in an order that
   * every other command keeps, too.
   */
  load(tx: Tx, needs: readonly Need[], nowMs: number): Promise<BatchState<Need, View, Change>>;
  /** What `load` will lock for a command, by any name. Only speed depends on it: the locks themselves keep order. */
  locksOf(need: Need): readonly string[];
};

export type BatchState<Need, View, Change> = {
  /** What one command sees: the rows as the decisions before it leave them. */
  view(need: Need): View;
  /** Take over a decision's change. Must not throw. */
  apply(change: Change): void;
};

/** What a decision ends in, and what of the loaded state it changes. */
export type Decided<Output, Change> = { readonly outcome: Outcome<Output>; readonly change?: Change };

export type BatchEntry<Need, View, Change> = {
  readonly call: CommandCall;
  readonly identity: Identity;
  readonly need: Need;
  decide(decision: Decision, view: View): Decided<unknown, Change>;
};

type Waiting<Entry> = { readonly entry: Entry; readonly done: PromiseWithResolvers<Attempt> };

type BatchDeps = DecisionDeps & { readonly db: Database };

/** Answers a function that runs one command in the next flush; no two with the same key may wait at once. */
export function startBatch<Need, View, Change>(
  deps: BatchDeps,
  kind: BatchKind<Need, View, Change>,
): (entry: BatchEntry<Need, View, Change>) => Promise<Attempt> {
  let waiting: Waiting<BatchEntry<Need, View, Change>>[] = [];
  /** What the running flushes lock. */
  const locked = new Set<string>();
  let flushes = 0;
  /** Commands in them. */
  let running = 0;
  let begins = false;

  function begin(): void {
    begins = false;
    while (flushes < FLUSHES_MAX && waiting.length > 0) {
      const { batch, locks, left } = takeBatch(waiting, locked, (entry) => kind.locksOf(entry.need));
      // Looked at again at the end of the flush that they wait for. A few beside many wait
      // for more to come: a flush costs the same for one command as for ten.
      if (batch.length === 0 || batch.length * 2 < running) return;
      waiting = left;
      flushes += 1;
      running += batch.length;
      for (const lock of locks) locked.add(lock);
      void flush(deps, kind, batch).then(() => {
        flushes -= 1;
        running -= batch.length;
        for (const lock of locks) locked.delete(lock);
        beginSoon();
      });
    }
  }

  function beginSoon(): void {
    if (begins || flushes === FLUSHES_MAX) return;
    begins = true;
    // What arrives in the same turn of the event loop comes along.
    setImmediate(begin);
  }

  return (entry) => {
    if (waiting.length >= WAITING_MAX) return Promise.reject(tooManyWait());
    const done = Promise.withResolvers<Attempt>();
    waiting.push({ entry, done });
    beginSoon();
    return done.promise;
  };
}

/** The first that wait for nothing that is locked; whoever waits for the same keeps its place. */
function takeBatch<Entry>(
  waiting: readonly Waiting<Entry>[],
  locked: ReadonlySet<string>,
  locksOf: (entry: Entry) => readonly string[],
): {
  readonly batch: readonly Waiting<Entry>[];
  readonly locks: ReadonlySet<string>;
  readonly left: Waiting<Entry>[];
} {
  const batch: Waiting<Entry>[] = [];
  const left: Waiting<Entry>[] = [];
  const locks = new Set<string>();
  const passedOver = new Set<string>();
  let looked = 0;
  for (; looked < waiting.length && looked < LOOKED_AT_MAX && batch.length < BATCH_MAX; looked += 1) {
    const each = waiting[looked];
    if (each === undefined) break;
    const wanted = locksOf(each.entry);
    const free = !wanted.some((lock) => locked.has(lock) || passedOver.has(lock));
    (free ? batch : left).push(each);
    for (const lock of wanted) (free ? locks : passedOver).add(lock);
  }
  return { batch, locks, left: [...left, ...waiting.slice(looked)] };
}

/**
 * Run the commands and settle each. What the database refuses as a whole is
 * halved until the one that is the reason stands alone; what it cannot do now
 * is everyone's failure, as it would be alone.
 */
async function flush<Need, View, Change>(
  deps: BatchDeps,
  kind: BatchKind<Need, View, Change>,
  batch: readonly Waiting<BatchEntry<Need, View, Change>>[],
): Promise<void> {
  const entries = batch.map(({ entry }) => entry);
  try {
    const results = await retrying(() => attemptAll(deps, kind, entries));
    for (const [index, { done }] of batch.entries()) {
      const result = results[index] ?? NO_RESULT;
      if ("failed" in result) done.reject(result.failed);
      else done.resolve(result);
    }
  } catch (error) {
    if (batch.length === 1 || (error instanceof ProblemError && error.status === 503)) {
      for (const { done } of batch) done.reject(error);
      return;
    }
    const half = batch.length >> 1;
    await flush(deps, kind, batch.slice(0, half));
    await flush(deps, kind, batch.slice(half));
  }
}

/** A command's own failure, which is none of the others'. */
type Failed = { readonly failed: unknown };

async function attemptAll<Need, View, Change>(
  deps: BatchDeps,
  kind: BatchKind<Need, View, Change>,
  entries: readonly BatchEntry<Need, View, Change>[],
): Promise<(Attempt | Failed)[]> {
  const { tx, mode, claims } = await claimCommands(
    deps.db,
    entries.map(({ identity }) => identity.commandId),
    "shared",
  );
  const writes: Write[] = [];
  const afterCommit: (() => void)[] = [];
  let results: (Attempt | Failed)[];
  try {
    const won = entries.filter((_, index) => claims[index]?.kind === "won");
    const needs = won.map(({ need }) => need);
    const state = won.length === 0 ? undefined : await kind.load(tx, needs, deps.nowMs());
    results = entries.map((entry, index) =>
      catching(() => {
        const { call, identity, need } = entry;
        const claim = claims[index];
        if (claim?.kind !== "won" || state === undefined) return settleLost(claim, identity);
        assertActive(call, mode, deps.frozen);
        const open = openDecision(call, deps, identity.commandId);
        const { outcome, change } = entry.decide(open.decision, state.view(need));
        const finished = keptAnswer(call, identity, deps.nowMs(), outcome);
        const { reply } = finished;
        if (outcome.kind === "nothing") return { kind: "done", reply, stored: undefined };
        // From here on nothing of this command can fail by itself.
        if (change !== undefined) state.apply(change);
        writes.push(...writesOf(open, outcome, finished));
        if (outcome.kind === "answer" && outcome.afterCommit !== undefined)
          afterCommit.push(outcome.afterCommit);
        return { kind: "done", reply, stored: { ...finished.kept, requestSha256: identity.requestSha256 } };
      }),
    );
  } catch (error) {
    await tx.rollback();
    throw error;
  }
  const sound = entries.filter((_, index) => !isLeftOut(claims[index], results[index]));
  if (writes.length === 0) {
    abandon(tx);
  } else if (sound.length < entries.length) {
    // Loading may have written, such as accounts that it opened: of a command that came to no answer nothing stays.
    await tx.rollback();
    const again = await attemptAll(deps, kind, sound);
    const bySound = new Map(sound.map((entry, index) => [entry, again[index]]));
    return entries.map((entry, index) => bySound.get(entry) ?? results[index] ?? NO_RESULT);
  } else {
    await tx.commitWith(writes);
  }
  announce(deps, writes);
  for (const each of afterCommit) each();
  return results;
}

/** Whether a command that was loaded came to no answer that is kept. */
function isLeftOut(claim: Claim | undefined, result: Attempt | Failed | undefined): boolean {
  if (claim?.kind !== "won" || result === undefined) return false;
  return "failed" in result || (result.kind === "done" && result.stored === undefined);
}

const NO_RESULT: Failed = { failed: new Error("a command of a batch has no result") };

function catching(body: () => Attempt): Attempt | Failed {
  try {
    return body();
  } catch (failed) {
    return { failed };
  }
}

function tooManyWait(): ProblemError {
  return new ProblemError({
    status: 503,
    code: "database_contended",
    detail: "Too many commands wait for the database. Send the same request with the same key again.",
    retryAfterMs: 1_000,
  });
}

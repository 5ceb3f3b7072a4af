// The sequencer: takes hashes of committed receipts into the log, a page at a
// time. Appending decides nothing and has no caller, so it is no command: it is
// this file's alone, and what it writes can be neither changed nor removed.
//
// SEQ-1  Every receipt that commits is logged, also one whose transaction outlasts later ones.
// SEQ-2  No entry has two indexes and no index two entries, however many sequencers run.
// SEQ-3  A pass commits whole or not at all; the next one goes on from its head.
// SEQ-4  Commands wait for nothing here: no lock of theirs is taken, and they tell nobody.
// Held by tests/transparency.pg.test.ts.

import { listOffered, takeOffered, type Offered } from "@openagents/authority";
import type { Database, Queryable } from "@openagents/postgres";
import { TILE_WIDTH, growTree, hashLeaf } from "@openagents/receipts";
import type { Logger } from "@openagents/service";
import { getLastHead, growthWrites, listEdge, listEntries, tryLockLog, type LogHead } from "./store.ts";

export type SequencerDeps = { readonly db: Database; readonly nowMs: () => number; readonly log: Logger };

export type Sequencer = AsyncDisposable & {
  readonly stats: {
    /** Entries of the log when this sequencer last looked. */
    readonly size: number;
    /** When everything that was committed was last known to be in the log. */
    readonly caughtUpAtMs: number;
  };
  /** The end of the next look, whatever it found. */
  nextLook(): Promise<void>;
};

/** Well within the second in which a receipt has to be logged. */
const LOOK_EVERY_MS = 200;

/** Entries of one pass: what memory holds at once. */
const PAGE = 2_048;

/** Start looking; disposing it waits for the look that goes on. */
export function startSequencer(deps: SequencerDeps): Sequencer {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const stats = { size: 0, caughtUpAtMs: deps.nowMs() };
  let ended = Promise.withResolvers<void>();
  let looking = Promise.resolve();
  let known: LogHead | undefined;
  const look = () => {
    looking = takeUp()
      .catch((error: unknown) => deps.log.warn({ err: error }, "the transparency log was not appended to"))
      .then(() => {
        ended.resolve();
        ended = Promise.withResolvers<void>();
        if (!stopped) timer = setTimeout(look, LOOK_EVERY_MS);
      });
  };
  const takeUp = async () => {
    while (!stopped) {
      const nowMs = deps.nowMs();
      // Mostly nothing is new, which one question without lock or transaction tells.
      known ??= await getLastHead(deps.db);
      const isIdle = (await listOffered(deps.db, known, 1)).rows.length === 0;
      if (!isIdle) known = await sequencePage(deps, PAGE);
      stats.size = known?.size ?? stats.size;
      if (known === undefined) return;
      // Nothing is half taken, so what was committed when this began is in. What came since
      // comes with the next look: a pass costs much the same for one receipt as for hundreds.
      if (isIdle || known.taking === undefined) {
        stats.caughtUpAtMs = nowMs;
        return;
      }
    }
  };
  look();
  return {
    stats,
    nextLook: () => ended.promise,
    async [Symbol.asyncDispose]() {
      stopped = true;
      clearTimeout(timer);
      await looking;
      ended.resolve();
    },
  };
}

/**
 * Log the next page of what is committed; answers the head after it, or
 * undefined while another sequencer is at work.
 */
export async function sequencePage(
  deps: Pick<SequencerDeps, "db" | "nowMs">,
  limit: number,
): Promise<LogHead | undefined> {
  const { tx } = await deps.db.begin(BEGIN, []);
  try {
    if (!(await tryLockLog(tx))) {
      await tx.rollback();
      return undefined;
    }
    // After the lock, so that it is the last one's head and not one from before its commit.
    const head = await getLastHead(tx);
    const taken = await takeOffered(tx, head, limit);
    if (taken === undefined) {
      await tx.rollback();
      return head;
    }
    const hashes = withoutRepeats(taken.rows);
    const growth = growTree(head.size, await edgeOf(tx, head.size), hashes.map(hashLeaf));
    const stored = { ...taken.next, appendedAtMs: deps.nowMs() };
    await tx.commitWith(growthWrites(head.size, hashes, growth, stored));
    return await getLastHead(deps.db);
  } catch (error) {
    await tx.rollback();
    throw error;
  }
}

// A plan made for the numbers of one page may sort all that is offered, where
// statistics lag behind a backlog; the general plan walks the index.
const BEGIN = {
  name: "transparency.begin",
  text: "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)",
};

/** A service may hand over what is a receipt of ours, too. */
function withoutRepeats(rows: readonly Offered[]): Buffer[] {
  return [...new Map(rows.map(({ hash }) => [hash.toString("hex"), hash])).values()];
}

async function edgeOf(q: Queryable, size: number): Promise<Uint8Array[][]> {
  const begins: number[] = [];
  for (let level = 1; TILE_WIDTH ** level <= size; level += 1) begins.push(fullTilesBegin(size, level));
  const leaves = await listEntries(q, fullTilesBegin(size, 0), size);
  return [leaves.map(hashLeaf), ...(begins.length === 0 ? [] : await listEdge(q, begins))];
}

/** Where the tile of a level begins that is not full. */
function fullTilesBegin(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** (level + 1)) * TILE_WIDTH;
}

// One stream of a client: a loop that does what `apply.ts` decides, one thing at
// a time, so that a handler never runs twice at once.

import type { StreamEvent } from "@openagents/streams";
import {
  CURSOR_START,
  TRANSITIONS,
  installAt,
  takeBatch,
  type Cursor,
  type Effect,
  type Input,
  type Phase,
} from "./apply.ts";
import { backoffMs } from "./backoff.ts";
import { createChainMarks, type ChainMarks } from "./chain-marks.ts";
import type { Checkpoint, CheckpointStore, HandlerCheckpoints } from "./checkpoint.ts";
import { createInbox } from "./inbox.ts";
import { SessionLost, SyncRefusal, type Subscription, type SyncSession } from "./session.ts";
import { createSignal } from "./signal.ts";
import type { StreamFailure, StreamSnapshot, StreamSpec, StreamState } from "./stream.ts";
import type { Timers } from "./timers.ts";

export type LaneDeps = {
  readonly stream: StreamSpec;
  readonly checkpoints: CheckpointStore | HandlerCheckpoints;
  readonly readSnapshot: ((streamId: string, signal: AbortSignal) => Promise<StreamSnapshot>) | undefined;
  /** The newest open session. */
  readonly session: () => SyncSession | undefined;
  /** How it stands while there is none. */
  readonly connection: () => StreamState;
  readonly changed: () => void;
  readonly timers: Timers;
  readonly random: () => number;
};

export type StreamLane = {
  readonly state: StreamState;
  /** Undefined until the checkpoint is read. */
  readonly cursor: Cursor | undefined;
  readonly marks: ChainMarks;
  uses(session: SyncSession): boolean;
  /** Look around: a session came or went. */
  wake(): void;
  /** Ask the server where the stream stands; a subscription that hears nothing of it is replaced. */
  probe(): Promise<void>;
  /** Ends after the batch that is being applied. */
  stop(): Promise<void>;
};

const PAGE_MAX = 5_000;
const PAGE_MIN = 25;
/** A subscription is opened when so little is missing that its first answer is small. */
const SUBSCRIBE_WITHIN = 500;
const BATCH_MAX = 1_000;
/** Replays in a row that bring nothing, before the stream stops. */
const FRUITLESS_MAX = 3;

type Failure = { readonly reason: StreamFailure; readonly message: string; readonly retryAtMs: number };

class LaneFailure extends Error {
  override readonly name = "LaneFailure";
  readonly reason: StreamFailure;

  constructor(reason: StreamFailure, message: string) {
    super(message);
    this.reason = reason;
  }
}

export function startLane(deps: LaneDeps): StreamLane {
  const { stream, checkpoints, timers } = deps;
  const { streamId } = stream;
  const inbox = createInbox();
  const signal = createSignal();
  const stopping = new AbortController();
  const marks = createChainMarks();

  let phase: Phase = "detached";
  let cursor: Cursor | undefined;
  let unsaved: Checkpoint | undefined;
  let session: SyncSession | undefined;
  let feed: { readonly session: SyncSession; readonly subscription: Subscription } | undefined;
  let feedRefusal: SyncRefusal | undefined;
  let replay: { readonly fromSeq: bigint; headSeq: bigint | undefined } | undefined;
  let pageSize = PAGE_MAX;
  let fruitless = 0;
  let staleReason = "";
  let failure: Failure | undefined;
  let failures = 0;
  let cancelRetry: (() => void) | undefined;
  let busy = false;
  /** A head that the last probe saw beyond the cursor. */
  let suspect: bigint | undefined;
  let silent = false;

  function enter(input: Input): Effect {
    const [next, effect] = TRANSITIONS[phase][input];
    const moved = next !== phase;
    phase = next;
    if (effect === "replay") replay = { fromSeq: at().seq, headSeq: undefined };
    if (phase !== "live" && phase !== "replaying") leaveSession();
    if (moved) deps.changed();
    return effect;
  }

  function at(): Cursor {
    if (cursor === undefined) throw new Error("a lane applies nothing before its checkpoint is read");
    return cursor;
  }

  function closeFeed(): void {
    feed?.subscription.close();
    feed = undefined;
    feedRefusal = undefined;
    silent = false;
    suspect = undefined;
    inbox.clear();
  }

  /** Nothing is read or heard until the stream is attached anew. */
  function leaveSession(): void {
    closeFeed();
    session = undefined;
  }

  // ---- the loop: what is asked from outside first, then one step of the phase

  const STEPS: Readonly<Record<Phase, () => Promise<void>>> = {
    detached: beDetached,
    replaying: replayOnce,
    live: beLive,
    stale: rebootstrap,
    failed: waitForRetry,
    stopped: () => Promise.resolve(),
  };

  async function run(): Promise<void> {
    for (;;) {
      lookAround();
      if (phase === "stopped") return;
      try {
        await STEPS[phase]();
      } catch (error) {
        await take(error);
      }
    }
  }

  function lookAround(): void {
    if (stopping.signal.aborted) {
      cancelRetry?.();
      enter("stop");
      return;
    }
    if (session?.open !== false) return;
    if (feed?.session === session) closeFeed();
    session = deps.session();
    enter(session === undefined ? "detached" : "behind");
  }

  async function take(error: unknown): Promise<void> {
    // The loop looks around for another session.
    if (error instanceof SessionLost) {
      if (phase === "replaying" && /no_answer/.test(error.message)) pageSize = smaller(pageSize);
      // A session says that it ended before it says so to whoever asked it; one turn later all know.
      await Promise.resolve();
      return;
    }
    if (error instanceof SyncRefusal) {
      takeRefusal(error);
      return;
    }
    fail(
      error instanceof LaneFailure
        ? error
        : new LaneFailure("refused", error instanceof Error ? error.message : String(error)),
    );
  }

  function takeRefusal(refusal: SyncRefusal): void {
    if (refusal.code === "stale_cursor") {
      staleReason = refusal.message;
      enter("below_floor");
    } else if (refusal.code === "replay_budget_exceeded" && pageSize > PAGE_MIN) {
      pageSize = smaller(pageSize);
      enter("behind");
    } else fail(new LaneFailure("refused", refusal.message));
  }

  function fail({ reason, message }: LaneFailure): void {
    const waitMs = backoffMs(failures, deps.random());
    failures += 1;
    failure = { reason, message, retryAtMs: timers.nowMs() + waitMs };
    enter("refused");
    cancelRetry = timers.after(waitMs, signal.ring);
  }

  // ---- detached

  async function beDetached(): Promise<void> {
    if (cursor === undefined) await load();
    if (unsaved !== undefined) await save(unsaved);
    session = deps.session();
    if (session !== undefined) enter("attached");
    else await signal.wait();
  }

  async function load(): Promise<void> {
    try {
      cursor = (await checkpoints.load(streamId)) ?? CURSOR_START;
      marks.pass(cursor);
    } catch (error) {
      throw new LaneFailure("checkpoint_failed", `the checkpoint could not be read: ${textOf(error)}`);
    }
  }

  // ---- replaying

  async function replayOnce(): Promise<void> {
    moveToNewest();
    const reading = needed(session);
    replay ??= { fromSeq: at().seq, headSeq: undefined };
    replay.headSeq ??= await reading.head(streamId);
    const { headSeq } = replay;
    const { seq } = at();
    if (headSeq < seq) {
      const text = `applied up to ${seq}, and the stream ends at ${headSeq}: it was put back to an older state`;
      throw new LaneFailure("ahead_of_head", text);
    }
    deps.changed();
    const missing = headSeq - seq;
    if (feed?.session !== reading && missing <= Math.min(SUBSCRIBE_WITHIN, pageSize)) {
      await subscribe(reading);
      caughtUp();
    } else if (missing === 0n) caughtUp();
    else await readPage(reading, seq, headSeq);
  }

  function caughtUp(): void {
    replay = undefined;
    enter("caught_up");
  }

  async function readPage(reading: SyncSession, seq: bigint, headSeq: bigint): Promise<void> {
    const pageEnd = seq + BigInt(pageSize);
    const events = await reading.events(streamId, seq, pageEnd < headSeq ? pageEnd : headSeq);
    for (let from = 0; from < events.length; from += BATCH_MAX) {
      if (phase !== "replaying" || stopping.signal.aborted) return;
      await applyDelivered(events.slice(from, from + BATCH_MAX));
    }
    pageSize = Math.min(pageSize * 2, PAGE_MAX);
    fruitless = at().seq > seq ? 0 : fruitless + 1;
    if (fruitless < FRUITLESS_MAX) return;
    fruitless = 0;
    throw new LaneFailure(
      "gap_unfilled",
      `the event after ${seq} is not delivered, and the head is ${headSeq}`,
    );
  }

  async function subscribe(to: SyncSession): Promise<void> {
    const subscription = to.subscribe(streamId, at().seq, {
      events(events) {
        inbox.put(events);
        signal.ring();
      },
      refused(refusal) {
        if (feed?.subscription !== subscription) return;
        feedRefusal = refusal;
        signal.ring();
      },
    });
    try {
      await subscription.applied;
    } catch (error) {
      subscription.close();
      throw error;
    }
    const old = feed;
    feed = { session: to, subscription };
    session = to;
    silent = false;
    suspect = undefined;
    old?.subscription.close();
    deps.changed();
  }

  /** A newer session takes over what is read by queries; the old one delivers until the new one does. */
  function moveToNewest(): void {
    session = deps.session() ?? session;
  }

  // ---- live

  async function beLive(): Promise<void> {
    const newest = deps.session();
    if (feedRefusal !== undefined || silent) {
      const refusal = feedRefusal;
      closeFeed();
      if (refusal === undefined) enter("behind");
      else throw refusal;
    } else if (inbox.overflowed) {
      inbox.clear();
      enter("behind");
    } else if (newest !== undefined && newest !== session) await subscribe(newest);
    else if (inbox.size > 0) await applyDelivered(inbox.take(BATCH_MAX));
    else await signal.wait();
  }

  async function applyDelivered(delivered: readonly StreamEvent[]): Promise<void> {
    const batch = takeBatch(streamId, at(), delivered);
    if (batch.events.length > 0) {
      const checkpoint = { streamId, ...batch.cursor };
      await handle(() => stream.apply({ streamId, events: batch.events, checkpoint }));
      await moveTo(batch.cursor, checkpoint);
    }
    if (batch.end === "gap") enter("gap");
    if (batch.end === "corrupt") {
      const text = `event ${batch.endSeq} of ${streamId} is not what its hash says; it is not applied`;
      throw new LaneFailure("payload_hash_mismatch", text);
    }
  }

  async function handle(body: () => Promise<void> | void): Promise<void> {
    busy = true;
    try {
      await body();
    } catch (error) {
      // Its transaction may have been committed all the same: it knows, so it is asked.
      if ("savedBy" in checkpoints) cursor = undefined;
      throw new LaneFailure("handler_failed", textOf(error));
    } finally {
      busy = false;
    }
  }

  async function moveTo(next: Cursor, checkpoint: Checkpoint): Promise<void> {
    cursor = next;
    marks.pass(next);
    failures = 0;
    suspect = undefined;
    await save(checkpoint);
    deps.changed();
  }

  async function save(checkpoint: Checkpoint): Promise<void> {
    if ("savedBy" in checkpoints) return;
    unsaved = checkpoint;
    try {
      await checkpoints.save(checkpoint);
      unsaved = undefined;
    } catch (error) {
      throw new LaneFailure("checkpoint_failed", `the checkpoint could not be kept: ${textOf(error)}`);
    }
  }

  // ---- stale and failed

  async function rebootstrap(): Promise<void> {
    if (deps.readSnapshot === undefined || stream.install === undefined)
      throw new LaneFailure("stale_cursor", staleReason);
    const snapshot = await readSnapshot(deps.readSnapshot);
    if (stopping.signal.aborted) return;
    const next = installAt(at(), snapshot.seq, snapshot.chainHash);
    if (next === undefined) {
      const text = `the snapshot is of ${snapshot.seq}, and ${at().seq} is applied already`;
      throw new LaneFailure("snapshot_failed", text);
    }
    const checkpoint = { streamId, ...next };
    await handle(() => stream.install?.(snapshot, checkpoint));
    marks.clear();
    cursor = next;
    enter("snapshot");
    await moveTo(next, checkpoint);
  }

  async function readSnapshot(read: NonNullable<LaneDeps["readSnapshot"]>): Promise<StreamSnapshot> {
    try {
      return await read(streamId, stopping.signal);
    } catch (error) {
      throw new LaneFailure("snapshot_failed", textOf(error));
    }
  }

  async function waitForRetry(): Promise<void> {
    if (failure === undefined || timers.nowMs() >= failure.retryAtMs) {
      failure = undefined;
      enter("retry");
    } else await signal.wait();
  }

  const running = run();

  return {
    get state(): StreamState {
      if (phase === "detached") return deps.connection();
      if (phase === "stopped") return { kind: "stopped" };
      if (phase === "failed" && failure !== undefined) return { kind: "failed", ...failure };
      const { seq } = cursor ?? CURSOR_START;
      if (phase === "live") return { kind: "live", seq };
      if (phase === "stale") return { kind: "stale", seq, reason: staleReason };
      return { kind: "replaying", fromSeq: replay?.fromSeq ?? seq, seq, headSeq: replay?.headSeq ?? seq };
    },
    get cursor() {
      return cursor;
    },
    marks,
    uses: (other) => session === other || feed?.session === other,
    wake: signal.ring,
    async probe() {
      const probed = session;
      if (phase !== "live" || probed === undefined) return;
      const headSeq = await probed.head(streamId);
      if (phase !== "live" || session !== probed || cursor === undefined || busy || inbox.size > 0) return;
      if (suspect !== undefined && cursor.seq < suspect) {
        silent = true;
        signal.ring();
      } else suspect = headSeq > cursor.seq ? headSeq : undefined;
    },
    async stop() {
      stopping.abort();
      signal.ring();
      await running;
    },
  };
}

function smaller(pageSize: number): number {
  return Math.max(Math.floor(pageSize / 4), PAGE_MIN);
}

function needed(session: SyncSession | undefined): SyncSession {
  if (session === undefined) throw new SessionLost("there is no session");
  return session;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

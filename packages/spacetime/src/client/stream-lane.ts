// One stream of a client: a loop that does what `apply.ts` decides, one thing at
// a time, so that a handler never runs twice at once.

import type { StreamEvent } from "@openagents/streams";
import { createApplier } from "./applier.ts";
import { CURSOR_START, TRANSITIONS, type Cursor, type Input, type Phase } from "./apply.ts";
import { backoffMs } from "./backoff.ts";
import type { ChainMarks } from "./chain-marks.ts";
import type { CheckpointStore, HandlerCheckpoints } from "./checkpoint.ts";
import { createFeed } from "./feed.ts";
import { LaneFailure, textOf } from "./lane-failure.ts";
import { SessionLost, SyncRefusal, type SyncSession } from "./session.ts";
import { createSignal } from "./signal.ts";
import type { StreamFailure, StreamSnapshot, StreamSpec, StreamState } from "./stream.ts";
import type { Timers } from "./timers.ts";

export type LaneDeps = {
  readonly stream: StreamSpec;
  readonly checkpoints: CheckpointStore | HandlerCheckpoints;
  readonly readSnapshot: ((streamId: string, signal: AbortSignal) => Promise<StreamSnapshot>) | undefined;
  /** The end of whoever followed the stream before: no handler runs beside it, and its checkpoint is kept then. */
  readonly after: Promise<void> | undefined;
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

export function startLane(deps: LaneDeps): StreamLane {
  const { stream, timers } = deps;
  const { streamId } = stream;
  const signal = createSignal();
  const stopping = new AbortController();
  const feed = createFeed(streamId, signal.ring);
  const applier = createApplier(stream, deps.checkpoints, () => {
    failures = 0;
    suspect = undefined;
    deps.changed();
  });

  let phase: Phase = "detached";
  /** What is read from. */
  let session: SyncSession | undefined;
  let replay: { readonly fromSeq: bigint; headSeq: bigint | undefined } | undefined;
  let pageSize = PAGE_MAX;
  let fruitless = 0;
  let staleReason = "";
  let failure: Failure | undefined;
  let failures = 0;
  let cancelRetry: (() => void) | undefined;
  /** A head that the last probe saw beyond the cursor. */
  let suspect: bigint | undefined;
  let silent = false;

  function enter(input: Input): void {
    const [next, effect] = TRANSITIONS[phase][input];
    const moved = next !== phase;
    phase = next;
    if (effect === "replay") replay = { fromSeq: seqNow(), headSeq: undefined };
    if (phase !== "live" && phase !== "replaying") leaveSession();
    if (moved) deps.changed();
  }

  function seqNow(): bigint {
    return (applier.cursor ?? CURSOR_START).seq;
  }

  /** Nothing is read or heard until the stream is attached anew. */
  function leaveSession(): void {
    closeFeed();
    session = undefined;
  }

  function closeFeed(): void {
    feed.close();
    silent = false;
    suspect = undefined;
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
    await deps.after;
    for (;;) {
      lookAround();
      if (phase === "stopped") return;
      try {
        await STEPS[phase]();
      } catch (error) {
        takeError(error);
        // A session says that it ended before it says so to whoever asked it; one turn later all know.
        await Promise.resolve();
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
    if (feed.session === session) closeFeed();
    session = deps.session();
    enter(session === undefined ? "detached" : "behind");
  }

  function takeError(error: unknown): void {
    if (error instanceof SessionLost) {
      // The loop looks around for another session; what was too large to come in time is asked for in parts.
      if (phase === "replaying" && error.message.startsWith("no_answer")) pageSize = smaller(pageSize);
    } else if (!(error instanceof SyncRefusal)) {
      fail(error instanceof LaneFailure ? error : new LaneFailure("refused", textOf(error)));
    } else if (error.code === "stale_cursor") {
      staleReason = error.message;
      enter("below_floor");
    } else if (error.code === "replay_budget_exceeded" && pageSize > PAGE_MIN) {
      pageSize = smaller(pageSize);
      enter("behind");
    } else fail(new LaneFailure("refused", error.message));
  }

  function fail({ reason, message }: LaneFailure): void {
    const waitMs = backoffMs(failures, deps.random());
    failures += 1;
    failure = { reason, message, retryAtMs: timers.nowMs() + waitMs };
    enter("refused");
    // The timer says when, not the clock: Node's may fire a moment before its time.
    cancelRetry = timers.after(waitMs, () => {
      failure = undefined;
      signal.ring();
    });
  }

  // ---- one step of each phase

  async function beDetached(): Promise<void> {
    await applier.ready();
    session = deps.session();
    if (session !== undefined) enter("attached");
    else await signal.wait();
  }

  async function replayOnce(): Promise<void> {
    // A newer session takes over what is read by queries; the old one delivers until the new one does.
    session = deps.session() ?? session;
    const reading = session;
    if (reading === undefined) throw new SessionLost("there is no session");
    replay ??= { fromSeq: seqNow(), headSeq: undefined };
    replay.headSeq ??= await reading.head(streamId);
    const { headSeq } = replay;
    const seq = seqNow();
    if (headSeq < seq) {
      const text = `applied up to ${seq}, and the stream ends at ${headSeq}: it was put back to an older state`;
      throw new LaneFailure("ahead_of_head", text);
    }
    deps.changed();
    const missing = headSeq - seq;
    if (feed.session !== reading && missing <= Math.min(SUBSCRIBE_WITHIN, pageSize)) {
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
    fruitless = seqNow() > seq ? 0 : fruitless + 1;
    if (fruitless < FRUITLESS_MAX) return;
    fruitless = 0;
    throw new LaneFailure(
      "gap_unfilled",
      `the event after ${seq} is not delivered, and the head is ${headSeq}`,
    );
  }

  async function subscribe(to: SyncSession): Promise<void> {
    await feed.open(to, seqNow());
    session = to;
    silent = false;
    suspect = undefined;
    deps.changed();
  }

  async function beLive(): Promise<void> {
    const newest = deps.session();
    const { refusal } = feed;
    if (refusal !== undefined) {
      closeFeed();
      throw refusal;
    } else if (silent) {
      closeFeed();
      enter("behind");
    } else if (feed.overflowed) {
      feed.clear();
      enter("behind");
    } else if (newest !== undefined && newest !== session) await subscribe(newest);
    else if (feed.size > 0) await applyDelivered(feed.take(BATCH_MAX));
    else await signal.wait();
  }

  async function applyDelivered(delivered: readonly StreamEvent[]): Promise<void> {
    const { end, endSeq } = await applier.apply(delivered);
    if (end === "gap") enter("gap");
    if (end === "corrupt") {
      const text = `event ${endSeq} of ${streamId} is not what its hash says; it is not applied`;
      throw new LaneFailure("payload_hash_mismatch", text);
    }
  }

  async function rebootstrap(): Promise<void> {
    if (deps.readSnapshot === undefined || stream.install === undefined)
      throw new LaneFailure("stale_cursor", staleReason);
    const snapshot = await deps.readSnapshot(streamId, stopping.signal).catch((error: unknown) => {
      throw new LaneFailure("snapshot_failed", textOf(error));
    });
    if (stopping.signal.aborted) return;
    await applier.install(snapshot);
    enter("snapshot");
  }

  async function waitForRetry(): Promise<void> {
    if (failure === undefined) enter("retry");
    else await signal.wait();
  }

  const running = run();

  return {
    get state(): StreamState {
      const seq = seqNow();
      switch (phase) {
        case "detached":
          return deps.connection();
        case "replaying":
          return { kind: phase, fromSeq: replay?.fromSeq ?? seq, seq, headSeq: replay?.headSeq ?? seq };
        case "live":
          return { kind: phase, seq };
        case "stale":
          return { kind: phase, seq, reason: staleReason };
        case "failed":
          return failure === undefined ? deps.connection() : { kind: phase, ...failure };
        case "stopped":
          return { kind: phase };
      }
    },
    get cursor() {
      return applier.cursor;
    },
    marks: applier.marks,
    uses: (other) => session === other || feed.session === other,
    wake: signal.ring,
    async probe() {
      const probed = session;
      if (phase !== "live" || probed === undefined) return;
      const headSeq = await probed.head(streamId);
      if (phase !== "live" || session !== probed || applier.busy || feed.size > 0) return;
      if (suspect !== undefined && seqNow() < suspect) {
        silent = true;
        signal.ring();
      } else suspect = headSeq > seqNow() ? headSeq : undefined;
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

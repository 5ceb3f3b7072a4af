// Follows streams over one connection: opens it, renews it before its token
// ends, opens it again when it is lost, and tells how everything stands.

import { backoffMs } from "./backoff.ts";
import type { CheckpointStore, HandlerCheckpoints } from "./checkpoint.ts";
import { connect } from "./connect.ts";
import { proveComplete, type Completeness, type LoggedHead, type ReadDigest } from "./prove.ts";
import { SessionLost, type SyncSession } from "./session.ts";
import { createSignal } from "./signal.ts";
import { globalSocket, type OpenSocket } from "./socket.ts";
import { startLane, type StreamLane } from "./stream-lane.ts";
import type { StreamSnapshot, StreamSpec, StreamState } from "./stream.ts";
import { SYSTEM_TIMERS, type Timers } from "./timers.ts";

export type SyncToken = { readonly token: string; readonly expiresAtMs: number };

export type SyncClientOptions = {
  /** `http://…` or `https://…` of the sync server. */
  readonly url: string;
  /** A fresh token for the streams that are followed, from control. Called before each session. */
  readonly token: () => Promise<SyncToken>;
  readonly checkpoints: CheckpointStore | HandlerCheckpoints;
  /** The server refuses builds outside of its window. */
  readonly buildId?: string;
  readonly compression?: "None" | "Gzip";
  /** A snapshot of a stream, read over HTTP, for when its next events are not kept any more. */
  readonly readSnapshot?: (streamId: string, signal: AbortSignal) => Promise<StreamSnapshot>;
  readonly readDigest?: ReadDigest;
  /** The stream's heads that stand in the public log, the newest first. */
  readonly readLoggedHeads?: (streamId: string) => Promise<readonly LoggedHead[]>;
  /** Called after each change of what `status` answers; gathered, so that a replay does not drown its watcher. */
  readonly onStatus?: (status: SyncStatus) => void;
  readonly timers?: Timers;
  readonly random?: () => number;
  readonly openSocket?: OpenSocket;
  readonly fetch?: typeof fetch;
};

export type ConnectionState =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  | { readonly kind: "backoff"; readonly reason: string; readonly retryAtMs: number }
  | { readonly kind: "stopped" };

export type SyncStatus = {
  readonly connection: ConnectionState;
  readonly streams: ReadonlyMap<string, StreamState>;
  /** Said when kept checkpoints could not be read and every stream began anew. */
  readonly rebuilt: string | undefined;
};

export type SyncClient = {
  readonly status: SyncStatus;
  /** Throws for a stream that is followed already. One whose end is still waited for begins behind it. */
  follow(stream: StreamSpec): void;
  /** Ends after the batch that is being applied. The stream may be followed again at once. */
  unfollow(streamId: string): Promise<void>;
  /** Show that nothing was missed: see `prove.ts`. Throws for a stream that is not followed, and without readers. */
  proveComplete(streamId: string): Promise<Completeness>;
  /** Ends after the batches that are being applied; their checkpoints are kept. A second call waits for the first. */
  stop(): Promise<void>;
};

/** A silent subscription is noticed by the second probe that sees more than was delivered. */
const PROBE_MS = 5_000;

/** The next session is opened so long before the token ends, or in the last half of a short one. */
const REFRESH_LEAD_MS = 30_000;
const REFRESH_LEAD_SHARE = 0.5;
const REFRESH_MS_MIN = 1_000;

/** How long a session that was replaced goes on for streams that have not moved. */
const HANDOVER_MS_MAX = 10_000;

const STATUS_MS = 50;

export function startSyncClient(options: SyncClientOptions): SyncClient {
  const { checkpoints } = options;
  const timers = options.timers ?? SYSTEM_TIMERS;
  const random = options.random ?? Math.random;
  const connection = {
    url: options.url,
    buildId: options.buildId,
    compression: options.compression ?? "None",
    openSocket: options.openSocket ?? globalSocket,
    fetch: options.fetch ?? fetch,
    timers,
  } as const;

  const lanes = new Map<string, StreamLane>();
  /** Streams that are not followed any more, while their last batch is applied. */
  const ending = new Map<string, Promise<void>>();
  const signal = createSignal();
  let current: SyncSession | undefined;
  /** Each with the end of its time. */
  const replaced = new Map<SyncSession, () => void>();
  let state: ConnectionState = { kind: "connecting" };
  let stopped: Promise<void> | undefined;
  const stopping = new AbortController();
  let cancelReport: (() => void) | undefined;

  // ---- the connection: one loop, so that there is never more than one attempt

  async function keepConnected(): Promise<void> {
    let attempt = 0;
    while (stopped === undefined) {
      let reason: string;
      try {
        const { session, expiresAtMs } = await open();
        adopt(session);
        reason = await untilDone(session, expiresAtMs);
        if (session.answered) attempt = 0;
        // It is still open: the next one is made before it breaks.
        if (session.open) continue;
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
      if (stopped !== undefined) return;
      await waitBackoff(reason, backoffMs(attempt, random()));
      attempt += 1;
    }
  }

  async function open(): Promise<{ readonly session: SyncSession; readonly expiresAtMs: number }> {
    if (current?.open !== true) setState({ kind: "connecting" });
    const asked = options.token().catch((error: unknown) => {
      throw new SessionLost(`no_token: ${error instanceof Error ? error.message : String(error)}`);
    });
    const { token, expiresAtMs } = await unlessStopped(asked, stopping.signal);
    return { session: await connect(connection, token, stopping.signal), expiresAtMs };
  }

  function adopt(session: SyncSession): void {
    const old = current;
    current = session;
    if (old?.open === true) {
      replaced.set(
        old,
        timers.after(HANDOVER_MS_MAX, () => old.end("replaced")),
      );
      void old.ended.then(() => {
        replaced.get(old)?.();
        replaced.delete(old);
      });
    }
    void session.ended.then(() => {
      wakeAll();
      signal.ring();
    });
    setState({ kind: "live" });
    wakeAll();
    releaseUnused();
  }

  /** Until the session is over (answers why) or its successor is due. */
  async function untilDone(session: SyncSession, expiresAtMs: number): Promise<string> {
    const lifeMs = expiresAtMs - timers.nowMs();
    const leadMs = Math.min(REFRESH_LEAD_MS, lifeMs * REFRESH_LEAD_SHARE);
    const due = Promise.withResolvers<{ readonly reason: string }>();
    const cancel = timers.after(Math.max(lifeMs - leadMs, REFRESH_MS_MIN), () =>
      due.resolve({ reason: "refresh" }),
    );
    const { reason } = await Promise.race([session.ended, due.promise]);
    cancel();
    return reason;
  }

  /** Also when a refresh failed while the session goes on: then nothing is said until it is lost. */
  async function waitBackoff(reason: string, waitMs: number): Promise<void> {
    const retryAtMs = timers.nowMs() + waitMs;
    // The timer says when, not the clock: Node's may fire a moment before its time.
    let due = false;
    const cancel = timers.after(waitMs, () => {
      due = true;
      signal.ring();
    });
    while (stopped === undefined && !due) {
      if (current?.open !== true) setState({ kind: "backoff", reason, retryAtMs });
      await signal.wait();
    }
    cancel();
  }

  function releaseUnused(): void {
    for (const session of replaced.keys()) {
      if (![...lanes.values()].some((lane) => lane.uses(session))) session.end("replaced");
    }
  }

  // ---- what is told

  function setState(next: ConnectionState): void {
    state = next;
    changed();
  }

  function changed(): void {
    if (options.onStatus === undefined) return;
    cancelReport ??= timers.after(STATUS_MS, () => {
      cancelReport = undefined;
      options.onStatus?.(status());
    });
  }

  function status(): SyncStatus {
    return {
      connection: state,
      streams: new Map([...lanes].map(([streamId, lane]) => [streamId, lane.state])),
      rebuilt: "rebuilt" in checkpoints ? checkpoints.rebuilt : undefined,
    };
  }

  /** A stream without a session stands as the connection does. */
  function withoutSession(): StreamState {
    return state.kind === "live" ? { kind: "connecting" } : state;
  }

  // ---- the streams

  function wakeAll(): void {
    for (const lane of lanes.values()) lane.wake();
  }

  function openCurrent(): SyncSession | undefined {
    return current?.open === true ? current : undefined;
  }

  function laneOf(streamId: string): StreamLane {
    const lane = lanes.get(streamId);
    if (lane === undefined) throw new Error(`${streamId} is not followed`);
    return lane;
  }

  let cancelProbe = timers.after(PROBE_MS, probeAll);

  function probeAll(): void {
    for (const lane of lanes.values()) lane.probe().catch(ignoreLost);
    cancelProbe = timers.after(PROBE_MS, probeAll);
  }

  async function stopAll(): Promise<void> {
    cancelProbe();
    signal.ring();
    // Whoever waits for the server hears that it waits in vain.
    stopping.abort();
    await Promise.all([...[...lanes.values()].map((lane) => lane.stop()), ...ending.values()]);
    await running;
    cancelReport?.();
    state = { kind: "stopped" };
    options.onStatus?.(status());
  }

  const running = keepConnected();

  return {
    get status() {
      return status();
    },
    follow(stream) {
      if (stopped !== undefined) throw new Error("the client is stopped");
      if (lanes.has(stream.streamId)) throw new Error(`${stream.streamId} is followed already`);
      const lane = startLane({
        stream,
        checkpoints,
        readSnapshot: options.readSnapshot,
        after: ending.get(stream.streamId),
        session: openCurrent,
        connection: withoutSession,
        changed() {
          releaseUnused();
          changed();
        },
        timers,
        random,
      });
      lanes.set(stream.streamId, lane);
    },
    async unfollow(streamId) {
      const ended = laneOf(streamId).stop();
      lanes.delete(streamId);
      ending.set(streamId, ended);
      changed();
      await ended;
      if (ending.get(streamId) === ended) ending.delete(streamId);
    },
    async proveComplete(streamId) {
      const { readDigest, readLoggedHeads } = options;
      if (readDigest === undefined) throw new Error("a proof needs `readDigest`");
      const lane = laneOf(streamId);
      return await proveComplete({ streamId, lane, readDigest, readLoggedHeads, session: openCurrent });
    },
    stop() {
      stopped ??= Promise.resolve().then(stopAll);
      return stopped;
    },
  };
}

function unlessStopped<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new SessionLost("stopped"));
    signal.addEventListener("abort", stop);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/** The session's end says it to everyone. */
function ignoreLost(): void {}

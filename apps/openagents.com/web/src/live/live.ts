// The sync lane of this tab: one connection that follows the streams which pages
// on the screen need, and goes on where it was after a loss. It delivers and
// decides nothing: what it tells is shown, and what must be exact is read again.

import type { SyncClient, SyncStatus } from "@openagents/spacetime";
import { session } from "../session/session.ts";

/** An event of a stream, as far as pages use it. */
export type StreamTold = { readonly seq: bigint; readonly payload: unknown };

export type LiveState = "off" | "connecting" | "live" | "waiting";

type Followed = { readonly listeners: Set<(events: readonly StreamTold[]) => void> };

const GRANTS = [
  "runtime.run.*.events",
  "runtime.worker.*.lifecycle",
  "runtime.fleet.user.*.workers",
  "runtime.codex.worker.events.*",
  "runtime.treasury.org.*",
  "runtime.stats",
  "control.approvals.user.*",
  "control.thread.*.events",
];

const START_AFTER_MS = 250;
const RETRY_MS = 3_000;

const followed = new Map<string, Followed>();
const watchers = new Set<() => void>();
let state: LiveState = "off";
/** Undefined when nobody is signed in by the time that it would start. */
let starting: Promise<SyncClient | undefined> | undefined;

export const live = {
  get state(): LiveState {
    return state;
  },
  watch: (listener: () => void): (() => void) => {
    watchers.add(listener);
    return () => watchers.delete(listener);
  },
  /** Be told of a stream's further events. Ends with the returned function. */
  follow(streamId: string, listener: (events: readonly StreamTold[]) => void): () => void {
    const known = followed.get(streamId);
    const entry: Followed = known ?? { listeners: new Set() };
    entry.listeners.add(listener);
    if (known === undefined) {
      followed.set(streamId, entry);
      void connected().then((client) => {
        if (client !== undefined && followed.get(streamId) === entry) client.follow(specOf(streamId, entry));
      });
    }
    return () => {
      entry.listeners.delete(listener);
      if (entry.listeners.size > 0 || followed.get(streamId) !== entry) return;
      followed.delete(streamId);
      void starting?.then((client) => client?.unfollow(streamId)).catch(neverFollowed);
    };
  },
  /** When the person leaves: their streams end with them. */
  async stop(): Promise<void> {
    const ended = starting;
    starting = undefined;
    followed.clear();
    await (await ended)?.stop();
    become("off");
  },
};

function specOf(streamId: string, entry: Followed) {
  return {
    streamId,
    apply: ({ events }: { readonly events: readonly StreamTold[] }) => {
      for (const listener of entry.listeners) listener(events);
    },
    install: () => {
      for (const listener of entry.listeners) listener([]);
    },
  };
}

function become(next: LiveState): void {
  if (next === state) return;
  state = next;
  for (const watcher of watchers) watcher();
}

function connected(): Promise<SyncClient | undefined> {
  starting ??= startInTime();
  return starting;
}

/** A service that is away for the moment at which the page opens is asked again, as a lost connection is. */
async function startInTime(): Promise<SyncClient | undefined> {
  // After the first paint, which needs no stream.
  await delay(START_AFTER_MS);
  const mine = starting;
  while (starting === mine) {
    become("connecting");
    try {
      return await start();
    } catch {
      become("waiting");
      await delay(RETRY_MS);
    }
  }
  return undefined;
}

async function start(): Promise<SyncClient | undefined> {
  const { openIndexedDbCheckpoints, startSyncClient } = await import("@openagents/spacetime");
  const signedIn = await session.restore();
  if (signedIn.kind !== "signed_in") return undefined;
  const first = await syncToken();
  let unused: Awaited<ReturnType<typeof syncToken>> | undefined = first;
  return startSyncClient({
    url: first.syncUrl,
    async token() {
      const token = unused ?? (await syncToken());
      unused = undefined;
      return token;
    },
    // Named after the person: another one on this computer begins anew.
    checkpoints: await openIndexedDbCheckpoints({
      indexedDb: globalThis.indexedDB as never,
      clientId: `console:${signedIn.userId}:${signedIn.org}`,
    }),
    readSnapshot: async (streamId) => {
      throw new Error(`${streamId} is read again over HTTP`);
    },
    onStatus: (status) => become(stateOf(status)),
  });
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A stream that was left before the client was there. */
function neverFollowed(): void {}

function stateOf({ connection }: SyncStatus): LiveState {
  switch (connection.kind) {
    case "live":
      return "live";
    case "connecting":
      return "connecting";
    case "backoff":
      return "waiting";
    case "stopped":
      return "off";
  }
}

async function syncToken() {
  const answer = await fetch("/api/sync/token", {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "idempotency-key": crypto.randomUUID(),
      authorization: `Bearer ${await session.token()}`,
    },
    body: JSON.stringify({ streams: GRANTS }),
  });
  if (!answer.ok) throw new Error(`no sync token: ${answer.status}`);
  const body = Object(await answer.json());
  return {
    token: String(body.token),
    syncUrl: String(body.sync_url),
    expiresAtMs: Date.parse(String(body.expires_at)),
  };
}

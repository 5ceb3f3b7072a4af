// Hands the hashes of this service's receipts over to the transparency log, which
// the runtime keeps. The receipts themselves are the outbox: what a crash leaves is
// found again from the place that was recorded last, and a hash that is handed over
// twice is there once. Handing over decides nothing and has no caller; it is no command.
//
// HAND-1  Every receipt that commits is handed over, also one whose transaction outlasts later ones.
// HAND-2  The place moves on only after the log has acknowledged all before it.
// HAND-3  Commands wait for nothing here, also while the log is away.
// Held by tests/log-handover.pg.test.ts.

import { takeOffered } from "@openagents/authority";
import { TransparencyLog, createClient, type Client, type TransparencyLogTypes } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import type { Logger } from "@openagents/service";
import { getHandoverPlace, markHandedOver } from "./store.ts";

export type HandoverDeps = {
  readonly db: Database;
  readonly runtimeUrl: string;
  /** For one call, with the scope `log:append`. */
  readonly token: () => Promise<string>;
  readonly nowMs: () => number;
  readonly log: Logger;
};

export type Handover = AsyncDisposable & {
  /** When everything that was committed was last known to be handed over. */
  readonly stats: { readonly caughtUpAtMs: number };
};

/** With the sequencer's own look, well within the second in which a receipt has to be logged. */
const LOOK_EVERY_MS = 200;
const BACKOFF_MS_MAX = 10_000;

/** As many as the log takes at once. */
const PAGE = 1_000;

/** Of failures on end, the one that is told: a log that starts beside this service is not there at once. */
const TOLD_FAILURE = 6;

/** Start handing over; disposing it waits for the page that is on its way. */
export function startHandover(deps: HandoverDeps): Handover {
  const { db, log, nowMs } = deps;
  const client = createClient(TransparencyLog, { baseUrl: deps.runtimeUrl, token: deps.token });
  const stats = { caughtUpAtMs: nowMs() };
  const stop = new AbortController();
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let looking = Promise.resolve();
  const look = () => {
    looking = handOver()
      .then(() => {
        failures = 0;
      })
      .catch((error: unknown) => {
        failures += 1;
        if (failures === TOLD_FAILURE && !stop.signal.aborted)
          log.warn({ err: error }, "receipts wait to be handed over to the transparency log");
      })
      .then(() => {
        const waitMs = Math.min(LOOK_EVERY_MS * 2 ** Math.min(failures, 10), BACKOFF_MS_MAX);
        if (!stop.signal.aborted) timer = setTimeout(look, waitMs);
      });
  };
  const handOver = async () => {
    while (!stop.signal.aborted) {
      const beganAtMs = nowMs();
      if (await handOverPage({ db, client, nowMs }, PAGE, stop.signal)) continue;
      stats.caughtUpAtMs = beganAtMs;
      return;
    }
  };
  look();
  return {
    stats,
    async [Symbol.asyncDispose]() {
      stop.abort(new Error("the service stops"));
      clearTimeout(timer);
      await looking;
    },
  };
}

type PageDeps = Pick<HandoverDeps, "db" | "nowMs"> & {
  readonly client: Pick<Client<TransparencyLogTypes>, "appendHashes">;
};

/** Hand over the next page; answers whether there was one. Two that do so at once do no harm. */
export async function handOverPage(
  { db, client, nowMs }: PageDeps,
  limit: number,
  signal: AbortSignal,
): Promise<boolean> {
  const taken = await takeOffered(db, await getHandoverPlace(db), limit);
  if (taken === undefined) return false;
  const hashes = taken.rows.map(({ hash }) => hash.toString("hex"));
  await client.appendHashes({ hashes }, { signal });
  await markHandedOver(db, taken.next, nowMs());
  return true;
}

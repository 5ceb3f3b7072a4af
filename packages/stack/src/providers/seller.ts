// One provider of this computer at work: it sits in its seat, sells to a runtime,
// and leaves word of both.

import type {
  ClientSettings,
  InstalledToolchain,
  LegRunner,
  ListenOptions,
  ProviderEnd,
  ProviderEvent,
} from "@openagents/autopilot";
import type { PriceBand, WorkerCaps } from "@openagents/contracts";
import type { Logger } from "@openagents/service";
import { findHolder, takeLock } from "../lock.ts";
import { makePrivateFolder } from "../private-files.ts";
import { StackError } from "../stack-error.ts";
import { nextActivity, readActivity, writeActivity, type Activity } from "./activity.ts";
import type { ProviderSeat } from "./provider-seat.ts";
import { removeSellerRecord, writeSellerRecord, type SellerRecord } from "./seller-record.ts";

export type SellerOptions = {
  readonly seat: ProviderSeat;
  readonly client: ClientSettings;
  readonly displayName: string;
  /** Of one job that is paid for when its check passes; none is sold at 0. */
  readonly priceMsats: bigint;
  /** Of one job that is paid for whatever its verdict; none is sold where undefined. */
  readonly executionPriceMsats?: bigint | undefined;
  /** In place of these prices, for the job types that they name. */
  readonly priceBands?: readonly PriceBand[] | undefined;
  readonly caps: WorkerCaps;
  readonly sandbox: LegRunner;
  readonly toolchains: readonly InstalledToolchain[];
  /** A folder with a program that answers what takes judgement. */
  readonly opinions?: string | undefined;
  /** Be told of jobs, in place of only asking for them. */
  readonly listen?: ListenOptions | undefined;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** Ends it: nothing more is claimed, a running job is given back. */
  readonly signal: AbortSignal;
  /** Ends it gently: a running job is finished first. */
  readonly drain?: AbortSignal;
  readonly onEvent?: (event: ProviderEvent) => void;
};

export type Seller = {
  readonly record: SellerRecord;
  /** When it sells no more and its seat is free. */
  readonly ended: Promise<ProviderEnd>;
};

/**
 * Sit down, register, and sell; answers when registered. The seat keeps the
 * worker from one start to the next. Throws `provider_running` when another
 * process has the seat, and what the registration throws.
 */
export async function startSeller(options: SellerOptions): Promise<Seller> {
  const { seat, client, displayName, priceMsats, caps, sandbox, toolchains, log, nowMs, signal } = options;
  makePrivateFolder(seat.root);
  const lock = takeLock(seat.lock);
  if (lock === undefined) throw seatTaken(seat);
  const registered = Promise.withResolvers<SellerRecord>();
  let activity: Activity = { ...readActivity(seat), working: [] };
  const keep = (next: Activity) => {
    if (next === activity) return;
    activity = next;
    try {
      writeActivity(seat, next);
    } catch (error) {
      // A full disk must not cost the job that it is about.
      log.warn({ err: error }, "activity not written");
    }
  };
  const onEvent = (event: ProviderEvent) => {
    logEvent(log, displayName, event);
    keep(nextActivity(activity, event, nowMs()));
    if (event.type === "registered") {
      const record: SellerRecord = {
        pid: process.pid,
        startedAt: new Date(nowMs()).toISOString(),
        workerId: event.workerId,
        displayName,
        priceMsats,
        runtimeUrl: client.baseUrl,
      };
      writeSellerRecord(seat, record);
      registered.resolve(record);
    }
    options.onEvent?.(event);
  };
  // Loaded here because most commands sell nothing and must start fast.
  const { runProvider } = await import("@openagents/autopilot");
  const ended = runProvider({
    client,
    displayName,
    priceMsats,
    executionPriceMsats: options.executionPriceMsats,
    priceBands: options.priceBands,
    caps,
    sandbox,
    toolchains,
    opinions: options.opinions,
    listen: options.listen,
    dataDir: seat.root,
    signal,
    ...(options.drain === undefined ? {} : { drain: options.drain }),
    onEvent,
  }).finally(() => {
    removeSellerRecord(seat);
    lock.release();
  });
  ended.then(() => registered.reject(signal.reason), registered.reject);
  return { record: await registered.promise, ended };
}

/** Throws `provider_running` when a process has the seat; before work that would be in vain then. */
export function requireFreeSeat(seat: ProviderSeat): void {
  if (findHolder(seat.lock) !== undefined) throw seatTaken(seat);
}

function seatTaken(seat: ProviderSeat): StackError {
  const holder = findHolder(seat.lock);
  return new StackError(
    "provider_running",
    holder === undefined
      ? `another command is using the provider ${seat.key} at this moment`
      : `the provider ${seat.key} runs already (pid ${holder.pid})`,
    "see `openagents provider status`; end it with `openagents provider stop`, or sell under another name with --as",
  );
}

function logEvent(log: Logger, provider: string, event: ProviderEvent): void {
  switch (event.type) {
    case "registered":
      log.info({ provider, worker_id: event.workerId }, "provider registered");
      return;
    case "job_claimed":
      log.info({ provider, job_id: event.job.jobId }, "job claimed");
      return;
    case "job_reported":
      log.info({ provider, job_id: event.jobId, outcome: event.outcome, code: event.code }, "job reported");
      return;
    case "job_lost":
      log.warn({ provider, job_id: event.jobId, detail: event.detail }, "job lost");
      return;
    case "trouble":
      log.warn({ provider, detail: event.detail, retry_ms: event.retryMs }, "provider waits");
  }
}

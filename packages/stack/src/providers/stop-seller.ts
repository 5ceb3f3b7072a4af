// Ends a provider of this computer from outside.

import { existsSync } from "node:fs";
import type { DataDir } from "../data-dir.ts";
import { endHolder, type HolderEnd } from "../end-holder.ts";
import { findHolder } from "../lock.ts";
import { StackError } from "../stack-error.ts";
import { readActivity } from "./activity.ts";
import { setLockOf, type ProviderSeat } from "./provider-seat.ts";
import { findSeller, type SellerRecord } from "./seller-record.ts";

export type SellerStop = HolderEnd & {
  readonly record?: SellerRecord;
  /** Jobs that it was working on when it was asked. */
  readonly interrupted: readonly string[];
};

/** A running job is given back, which takes at most as long as a report to a runtime that is gone. */
const DRAIN_MS_MAX = 25_000;

/**
 * Ask the provider to stop and wait until it has; kill it when it does not within
 * 25 s. Safe to repeat. Throws `provider_of_other_command` when it is one of
 * those that another command runs for its own time: that one must not be ended.
 */
export async function stopSeller(dataDir: DataDir, seat: ProviderSeat): Promise<SellerStop> {
  if (!existsSync(seat.lock)) return { outcome: "nothing_running", interrupted: [] };
  const holder = findHolder(seat.lock);
  if (holder !== undefined && holder.pid === findHolder(setLockOf(dataDir))?.pid) {
    throw new StackError(
      "provider_of_other_command",
      `another command runs this provider and ends it by itself (pid ${holder.pid})`,
      "wait for that command, or end it",
    );
  }
  const record = findSeller(seat);
  const interrupted = record === undefined ? [] : readActivity(seat).working;
  const end = await endHolder(seat.lock, DRAIN_MS_MAX);
  return { ...end, interrupted, ...(record === undefined ? {} : { record }) };
}

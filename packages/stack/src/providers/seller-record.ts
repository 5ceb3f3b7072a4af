// `provider.json`: how others find a provider that sells. After a kill -9 it is
// stale, so readers check the lock's holder as well.

import { existsSync, readdirSync, rmSync } from "node:fs";
import type { DataDir } from "../data-dir.ts";
import { findHolder } from "../lock.ts";
import { readIfExists, writePrivateFile } from "../private-files.ts";
import { providerSeatAt, type ProviderSeat } from "./provider-seat.ts";

export type SellerRecord = {
  readonly pid: number;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly workerId: string;
  readonly displayName: string;
  readonly priceMsats: bigint;
  readonly runtimeUrl: string;
};

export function writeSellerRecord(seat: ProviderSeat, record: SellerRecord): void {
  writePrivateFile(seat.record, `${JSON.stringify(sellerToWire(record))}\n`);
}

export function removeSellerRecord(seat: ProviderSeat): void {
  rmSync(seat.record, { force: true });
}

/** In the names of the wire. */
export function sellerToWire(record: SellerRecord) {
  return {
    pid: record.pid,
    started_at: record.startedAt,
    worker_id: record.workerId,
    display_name: record.displayName,
    price_msats: Number(record.priceMsats),
    runtime_url: record.runtimeUrl,
  };
}

/** The provider that sells from this seat now, if one does. */
export function findSeller(seat: ProviderSeat): SellerRecord | undefined {
  const record = parseRecord(readIfExists(seat.record));
  return record !== undefined && findHolder(seat.lock)?.pid === record.pid ? record : undefined;
}

/** Every provider of a data directory that sells now, by the name of its seat. */
export function listSellers(dataDir: DataDir): ReadonlyMap<string, SellerRecord> {
  const sellers = new Map<string, SellerRecord>();
  if (!existsSync(dataDir.providers)) return sellers;
  // The lock of all of them lies beside their folders.
  const entries = readdirSync(dataDir.providers, { withFileTypes: true }).filter((one) => one.isDirectory());
  for (const key of entries.map(({ name }) => name).toSorted((a, b) => (a < b ? -1 : 1))) {
    const record = findSeller(providerSeatAt(dataDir, key));
    if (record !== undefined) sellers.set(key, record);
  }
  return sellers;
}

function parseRecord(text: string | undefined): SellerRecord | undefined {
  if (text === undefined) return undefined;
  try {
    const { pid, started_at, worker_id, display_name, price_msats, runtime_url } = JSON.parse(text);
    if (!Number.isSafeInteger(pid) || !Number.isSafeInteger(price_msats)) return undefined;
    for (const value of [started_at, worker_id, display_name, runtime_url]) {
      if (typeof value !== "string") return undefined;
    }
    return {
      pid,
      startedAt: started_at,
      workerId: worker_id,
      displayName: display_name,
      priceMsats: BigInt(price_msats),
      runtimeUrl: runtime_url,
    };
  } catch {
    return undefined;
  }
}

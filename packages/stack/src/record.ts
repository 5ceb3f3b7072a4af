// `stack.json`: how others find a running stack. There while it is ready, gone
// when it stops; after a kill -9 it is stale, so readers check the pid as well.

import { rmSync } from "node:fs";
import type { DataDir } from "./data-dir.ts";
import { findHolder } from "./lock.ts";
import { readIfExists, writePrivateFile } from "./private-files.ts";

export type StackRecord = {
  readonly pid: number;
  readonly version: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly dataDir: string;
  readonly runtimeUrl: string;
  readonly syncUrl: string;
  /** Where browsers find the console. */
  readonly controlUrl: string;
  readonly operatorPublicKey: string;
};

export function writeRecord(dataDir: DataDir, record: StackRecord): void {
  writePrivateFile(dataDir.record, `${JSON.stringify(recordToWire(record))}\n`);
}

/** The record in the names of the wire. */
export function recordToWire(record: StackRecord) {
  return {
    pid: record.pid,
    version: record.version,
    started_at: record.startedAt,
    data_dir: record.dataDir,
    runtime_url: record.runtimeUrl,
    sync_url: record.syncUrl,
    control_url: record.controlUrl,
    operator_public_key: record.operatorPublicKey,
  };
}

export function removeRecord(dataDir: DataDir): void {
  rmSync(dataDir.record, { force: true });
}

/** The record of the stack that runs on this data directory, if one does and is ready. */
export function findRunning(dataDir: DataDir): StackRecord | undefined {
  const record = parseRecord(readIfExists(dataDir.record));
  const holder = findHolder(dataDir.lock);
  return record !== undefined && holder?.pid === record.pid ? record : undefined;
}

function parseRecord(text: string | undefined): StackRecord | undefined {
  if (text === undefined) return undefined;
  try {
    const { pid, version, started_at, data_dir, runtime_url, sync_url, control_url, operator_public_key } =
      JSON.parse(text);
    if (!Number.isSafeInteger(pid)) return undefined;
    for (const value of [
      version,
      started_at,
      data_dir,
      runtime_url,
      sync_url,
      control_url,
      operator_public_key,
    ]) {
      if (typeof value !== "string") return undefined;
    }
    return {
      pid,
      version,
      startedAt: started_at,
      dataDir: data_dir,
      runtimeUrl: runtime_url,
      syncUrl: sync_url,
      controlUrl: control_url,
      operatorPublicKey: operator_public_key,
    };
  } catch {
    return undefined;
  }
}

// `stack.json`: how others find a running stack. There while it is ready, gone
// when it stops; after a kill -9 it is stale, so readers check the pid as well.

import { rmSync } from "node:fs";
import type { DataDir } from "./data-dir.ts";
import { findHolder } from "./lock.ts";
import { readIfExists, writePrivateFile } from "./private-files.ts";
import { StackError } from "./stack-error.ts";

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

/**
 * The record of the stack that runs on this data directory, if one does and is
 * ready. Throws `stack_older` when the one that runs wrote less than is known
 * today: it was started before an update, and lacks what is asked of it.
 */
export function findRunning(dataDir: DataDir): StackRecord | undefined {
  const wire = parseWire(readIfExists(dataDir.record));
  const pid = wire?.["pid"];
  if (wire === undefined || findHolder(dataDir.lock)?.pid !== pid) return undefined;
  const record = recordOf(wire);
  if (record !== undefined) return record;
  const version = typeof wire["version"] === "string" ? ` (version ${wire["version"].slice(0, 40)})` : "";
  throw new StackError(
    "stack_older",
    `the stack on ${dataDir.root}, pid ${String(pid)}${version}, was started by another version and lacks services of this one`,
    "end it with `openagents down`, and start it again with `openagents up --detach`; its data stays",
  );
}

type Wire = Readonly<Record<string, unknown>>;

/** A file that is being written, or that no stack wrote, is no record. */
function parseWire(text: string | undefined): Wire | undefined {
  if (text === undefined) return undefined;
  try {
    const wire: unknown = JSON.parse(text);
    if (typeof wire !== "object" || wire === null) return undefined;
    const members: Wire = { ...wire };
    return Number.isSafeInteger(members["pid"]) ? members : undefined;
  } catch {
    return undefined;
  }
}

function recordOf(wire: Wire): StackRecord | undefined {
  const { pid, version, started_at, data_dir, runtime_url, sync_url, control_url, operator_public_key } =
    wire;
  if (
    typeof pid !== "number" ||
    typeof version !== "string" ||
    typeof started_at !== "string" ||
    typeof data_dir !== "string" ||
    typeof runtime_url !== "string" ||
    typeof sync_url !== "string" ||
    typeof control_url !== "string" ||
    typeof operator_public_key !== "string"
  )
    return undefined;
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
}

// How a stack is doing, seen from outside.

import { dataDirAt } from "./data-dir.ts";
import { findHolder } from "./lock.ts";
import { findRunning, type StackRecord } from "./record.ts";

export type ServiceStatus = {
  readonly name: string;
  readonly url: string;
  readonly healthy: boolean;
  readonly ready: boolean;
  /** What is wrong, when something is. */
  readonly detail?: string;
};

export type StackStatus =
  | { readonly state: "stopped"; readonly dataDir: string }
  /** Someone holds the directory but does not serve (yet). */
  | { readonly state: "starting"; readonly dataDir: string; readonly pid: number }
  | {
      readonly state: "running";
      readonly dataDir: string;
      readonly record: StackRecord;
      readonly uptimeMs: number;
      readonly services: readonly ServiceStatus[];
    };

const PROBE_MS_MAX = 3_000;

/** Look at a data directory and ask each service of the stack that runs there. Changes nothing. */
export async function stackStatus(dataDirPath: string, nowMs: number): Promise<StackStatus> {
  const dataDir = dataDirAt(dataDirPath);
  const record = findRunning(dataDir);
  if (record === undefined) {
    const holder = findHolder(dataDir.lock);
    if (holder === undefined) return { state: "stopped", dataDir: dataDir.root };
    return { state: "starting", dataDir: dataDir.root, pid: holder.pid };
  }
  return {
    state: "running",
    dataDir: dataDir.root,
    record,
    uptimeMs: Math.max(0, nowMs - Date.parse(record.startedAt)),
    services: await Promise.all([
      probe("runtime", record.runtimeUrl),
      probe("sync", record.syncUrl),
      probe("control", record.controlUrl),
    ]),
  };
}

async function probe(name: string, url: string): Promise<ServiceStatus> {
  const [health, ready] = await Promise.all([ask(`${url}/healthz`), ask(`${url}/readyz`)]);
  const detail = health ?? ready;
  return {
    name,
    url,
    healthy: health === undefined,
    ready: ready === undefined,
    ...(detail === undefined ? {} : { detail }),
  };
}

/** Undefined when the answer is a success, else what is wrong. */
async function ask(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS_MAX) });
    const body: unknown = await response.json();
    if (response.ok) return undefined;
    if (typeof body === "object" && body !== null && "detail" in body && typeof body.detail === "string") {
      return body.detail;
    }
    return `answered ${response.status}`;
  } catch (error) {
    return error instanceof Error && error.name === "TimeoutError"
      ? "did not answer in 3 s"
      : "does not answer";
  }
}

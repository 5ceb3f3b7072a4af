// The runtime as this package uses it: one typed client for each service.

import {
  Artifacts,
  Budgets,
  Exports,
  Jobs,
  Marketplace,
  ProblemError,
  Receipts,
  Runs,
  Treasury,
  Verification,
  Workers,
  createClient,
} from "@openagents/contracts";
import { pauseFor, type Pause } from "./pause.ts";

export type ClientSettings = {
  readonly baseUrl: string;
  /** An access token, or a source of fresh ones: tokens live for minutes, runs for longer. */
  readonly token: string | (() => Promise<string>);
  /** The platform's `fetch` when absent. */
  readonly fetch?: typeof globalThis.fetch;
};

/** Longer than the longest wait that a call may ask for. */
const TIMEOUT_MS = 60_000;

export type RuntimeClients = ReturnType<typeof runtimeClients>;

export function runtimeClients(settings: ClientSettings) {
  const options = { ...settings, timeoutMs: TIMEOUT_MS };
  return {
    artifacts: createClient(Artifacts, options),
    budgets: createClient(Budgets, options),
    exports: createClient(Exports, options),
    jobs: createClient(Jobs, options),
    marketplace: createClient(Marketplace, options),
    receipts: createClient(Receipts, options),
    runs: createClient(Runs, options),
    treasury: createClient(Treasury, options),
    verification: createClient(Verification, options),
    workers: createClient(Workers, options),
  };
}

const READS_MAX = 4;
const READ_AGAIN_MS = 200;

/**
 * Read, and read again when the runtime was away for a moment. Commands need no
 * such thing: their client repeats them under one key.
 */
export async function reading<T>(
  read: () => Promise<T>,
  signal: AbortSignal,
  pause: Pause = pauseFor,
): Promise<T> {
  for (let reads = 1; ; reads += 1) {
    try {
      return await read();
    } catch (cause) {
      signal.throwIfAborted();
      if (reads >= READS_MAX || !isTransient(cause)) throw cause;
      await pause(READ_AGAIN_MS * 2 ** reads, signal);
    }
  }
}

function isTransient(cause: unknown): boolean {
  return cause instanceof ProblemError && (cause.status === 429 || cause.status >= 502);
}

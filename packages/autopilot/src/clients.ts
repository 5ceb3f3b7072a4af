// The runtime as this package uses it: one typed client for each service.

import {
  Artifacts,
  Budgets,
  Exports,
  Fraud,
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

/** `attemptsMax`: how often a command is sent in all; a few times within a second when absent. */
export function runtimeClients(settings: ClientSettings, attemptsMax?: number) {
  const options = { ...settings, timeoutMs: TIMEOUT_MS, attemptsMax };
  return {
    artifacts: createClient(Artifacts, options),
    budgets: createClient(Budgets, options),
    exports: createClient(Exports, options),
    fraud: createClient(Fraud, options),
    jobs: createClient(Jobs, options),
    marketplace: createClient(Marketplace, options),
    receipts: createClient(Receipts, options),
    runs: createClient(Runs, options),
    treasury: createClient(Treasury, options),
    verification: createClient(Verification, options),
    workers: createClient(Workers, options),
  };
}

/**
 * Commands that are sent this often, and reads that are repeated this often, outlive
 * three quarters of a minute without a runtime or its database: long enough for
 * either to be started again after a crash.
 */
export const PATIENT_ATTEMPTS_MAX = 15;

const READ_AGAIN_MS = 200;
const READ_AGAIN_MS_MAX = 5_000;

/**
 * Read, and read again when the runtime was away. Commands need no such thing,
 * because their client repeats them under one key; it does no harm to one whose
 * key stays the same or that needs none.
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
      if (reads >= PATIENT_ATTEMPTS_MAX || !isTransient(cause)) throw cause;
      await pause(Math.min(READ_AGAIN_MS_MAX, READ_AGAIN_MS * 2 ** reads), signal);
      signal.throwIfAborted();
    }
  }
}

function isTransient(cause: unknown): boolean {
  return cause instanceof ProblemError && (cause.status === 429 || cause.status >= 502);
}

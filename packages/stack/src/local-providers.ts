// Providers on this computer, so that a demonstration has a market. Each is a
// device in an organisation of its own, at its own price, and works in the
// sandbox like any other: being local earns it no trust.

import { dirname, join } from "node:path";
import type { ProviderEvent } from "@openagents/autopilot";
import type { Logger } from "@openagents/service";
import type { DataDir } from "./data-dir.ts";
import type { StackKeys } from "./keys.ts";
import { takeLock } from "./lock.ts";
import { makePrivateFolder } from "./private-files.ts";
import { StackError } from "./stack-error.ts";
import { localProvider, tokenSource } from "./tokens.ts";

export type LocalProviders = {
  readonly providers: readonly {
    readonly workerId: string;
    readonly displayName: string;
    readonly priceMsats: bigint;
  }[];
  /** How jobs are confined here, such as `bubblewrap 0.8.0`. */
  readonly sandbox: string;
  /** Stop claiming and end what runs. Safe to call twice. */
  stop(): Promise<void>;
};

export type LocalProvidersOptions = {
  readonly dataDir: DataDir;
  readonly keys: StackKeys;
  readonly runtimeUrl: string;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
};

/** Different prices, so that the selection has something to decide. */
const OFFERS = [
  { displayName: "Provider A", priceMsats: 180_000n },
  { displayName: "Provider B", priceMsats: 240_000n },
] as const;

const CAPS = { memoryMibMax: 2048, diskMibMax: 1024, wallMsMax: 600_000n, concurrentJobsMax: 1 } as const;

/**
 * Start two providers against a runtime and wait until both are registered. They
 * keep their workers from one start to the next. Throws `providers_running` when
 * another command runs them, and what the sandbox or the registration throws.
 */
export async function startLocalProviders(options: LocalProvidersOptions): Promise<LocalProviders> {
  const { dataDir, keys, log, nowMs } = options;
  await using parts = new AsyncDisposableStack();
  makePrivateFolder(dataDir.providers);
  const lock = takeLock(join(dataDir.providers, "providers.lock"));
  if (lock === undefined) {
    throw new StackError(
      "providers_running",
      `the local providers of ${dataDir.root} are in use by another command`,
      "wait until it has ended, or use another --data-dir",
    );
  }
  parts.defer(() => lock.release());

  // Loaded here because most commands need neither and must start fast.
  const [{ runProvider }, { createSandbox }] = await Promise.all([
    import("@openagents/autopilot"),
    import("@openagents/sandbox"),
  ]);
  const sandbox = await untilAborted(createSandbox(), options.signal);
  const stopped = new AbortController();
  const signal = AbortSignal.any([options.signal, stopped.signal]);
  const started = OFFERS.map((offer, index) => {
    const registered = Promise.withResolvers<string>();
    const ended = runProvider({
      client: { baseUrl: options.runtimeUrl, token: tokenSource(keys, localProvider(index), nowMs) },
      ...offer,
      caps: CAPS,
      sandbox,
      toolchains: [nodeToolchain()],
      dataDir: join(dataDir.providers, localProvider(index).sub),
      signal,
      onEvent(event) {
        logEvent(log, offer.displayName, event);
        if (event.type === "registered") registered.resolve(event.workerId);
      },
    });
    ended.then(() => registered.reject(signal.reason), registered.reject);
    return { offer, registered: registered.promise, ended };
  });
  parts.defer(async () => {
    stopped.abort();
    await Promise.allSettled(started.map(({ ended }) => ended));
  });

  const workerIds = await Promise.all(started.map(({ registered }) => registered));
  const running = parts.move();
  return {
    providers: OFFERS.map((offer, index) => ({ ...offer, workerId: workerIds[index] ?? "" })),
    sandbox: sandbox.sandbox,
    stop: () => running.disposeAsync(),
  };
}

/** Ctrl-C must not wait for a machine that does not answer. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener("abort", abort));
}

/** The Node that runs us, which jobs may use too. */
function nodeToolchain() {
  return { name: "node", version: process.versions.node, prefix: dirname(dirname(process.execPath)) };
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

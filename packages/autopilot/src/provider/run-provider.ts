// A provider's life: register, say that it lives, take jobs, report them.
//
// PROV-1  Nothing is claimed before registration and after the signal.
// PROV-2  A job that fails, or a runtime that is away, never ends the loop.
// PROV-3  Every claimed job is reported, as a result or a failure, while its lease holds.
// PROV-4  A lost lease, a canceled job and a disabled worker stop the work at once.
// PROV-5  One that is told of its jobs also asks for them, so that one it was not told of only comes later.
// Held by tests/run-provider.test.ts.

import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ProblemError, type Job, type Lease, type PriceBand, type WorkerCaps } from "@openagents/contracts";
import { CODE_CHUNK_ANALYSIS, REPO_INDEX, RETRIEVAL_RERANK } from "@openagents/proof";
import { reading, runtimeClients, type ClientSettings, type RuntimeClients } from "../clients.ts";
import { pauseFor, type Pause } from "../pause.ts";
import type { LegRunner } from "../legs/index.ts";
import type { InstalledToolchain } from "../toolchains/index.ts";
import { createBell, type Bell } from "./bell.ts";
import { doJob, type JobReport } from "./do-job.ts";
import { isFinal, whileLeased } from "./lease.ts";
import { listenForPushes, type PushListener } from "./push-listener.ts";
import { findWorkerId, keepWorkerId } from "./worker-id.ts";

export type ProviderOptions = {
  readonly client: ClientSettings;
  /** Renew this worker; else the one that the data folder remembers, else a new one. */
  readonly workerId?: string | undefined;
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
  /** A folder with a program that answers what takes judgement; such work is not offered where undefined. */
  readonly opinions?: string | undefined;
  /** Be told of jobs, and ask for them seldom; else they are only asked for. */
  readonly listen?: ListenOptions | undefined;
  /** Work folders and the worker's id; must not be shared by two providers. */
  readonly dataDir: string;
  /** Stops the provider: nothing more is claimed, and a running job is given back as a failure. */
  readonly signal: AbortSignal;
  /** Stops it gently: nothing more is claimed, and a running job is finished first. */
  readonly drain?: AbortSignal;
  readonly onEvent?: (event: ProviderEvent) => void;
  /** For tests. */
  readonly clients?: ProviderClients;
  readonly pause?: Pause;
};

export type ListenOptions = {
  /** On loopback. */
  readonly port: number;
  /** What leads there from the runtime; the port itself when absent. */
  readonly endpointUrl?: string | undefined;
};

export type ProviderClients = Pick<RuntimeClients, "jobs" | "workers"> & {
  readonly receipts: Pick<RuntimeClients["receipts"], "getSigner">;
  readonly artifacts: Pick<RuntimeClients["artifacts"], "getArtifact" | "putArtifact">;
};

export type ProviderEvent =
  | { readonly type: "registered"; readonly workerId: string }
  | { readonly type: "job_claimed"; readonly job: Job }
  | {
      readonly type: "job_reported";
      readonly jobId: string;
      readonly outcome: "result" | "failure";
      readonly code?: string;
    }
  /** The lease was lost or the report refused: the work counts for nothing. */
  | { readonly type: "job_lost"; readonly jobId: string; readonly detail: string }
  /** The runtime could not be reached or did not answer well; the loop goes on after `retryMs`. */
  | { readonly type: "trouble"; readonly detail: string; readonly retryMs: number };

/** Why the runtime gives a worker no jobs any more, in its own words. */
const ENDINGS = ["worker_disabled", "worker_quarantined", "worker_stopped"] as const;

type Ending = (typeof ENDINGS)[number];

export type ProviderEnd = { readonly reason: "stopped" | Ending; readonly workerId: string };

const CAPABILITIES = ["oa.sandbox_run.v1", REPO_INDEX];
const CLAIM_WAIT_MS = 25_000;
/** Of one that is told: long enough that the runtime does not count it as asking again and again. */
const TOLD_WAIT_MS = 1_000;
/** How often one that is told asks all the same. */
const TOLD_POLL_MS = 60_000;
const HEARTBEAT_EVERY_MS = 30_000;
/** Short, so that a provider that is told to stop does not hang on a runtime that is gone. */
const REPORT_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 5_000;
const BACKOFF_MS_MIN = 200;
const BACKOFF_MS_MAX = 30_000;

/**
 * Sell sandboxed runs and indexes until the signal aborts or the runtime says that this worker
 * gets no more: disabled, quarantined, or stopped by its owner elsewhere. Rejects
 * only when the registration is refused (bad token, wrong settings); while the
 * runtime is away it waits.
 */
export async function runProvider(options: ProviderOptions): Promise<ProviderEnd> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  // What a killed provider left; nobody else works in this folder.
  await rm(join(options.dataDir, "jobs"), { recursive: true, force: true });
  const ended = new AbortController();
  let ending: Ending | undefined;
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const loop: Loop = {
    options,
    clients: options.clients ?? runtimeClients(options.client),
    pause: options.pause ?? pauseFor,
    signal,
    closing: options.drain === undefined ? signal : AbortSignal.any([signal, options.drain]),
    end: (reason) => {
      ending ??= reason;
      ended.abort();
    },
    tell: (event) => options.onEvent?.(event),
    told: options.listen === undefined ? undefined : createBell(),
  };
  await using listener = await listen(loop);
  const workerId = await register(loop, listener);
  if (workerId === undefined) return { reason: "stopped", workerId: options.workerId ?? "" };
  listener?.hear(workerId);
  loop.tell({ type: "registered", workerId });
  const claimers = Array.from({ length: options.caps.concurrentJobsMax }, () => claimLoop(loop, workerId));
  const idle = new AbortController();
  const working = Promise.all(claimers).finally(() => idle.abort());
  const alive = AbortSignal.any([signal, idle.signal]);
  await Promise.all([heartbeatLoop(loop, workerId, alive), sayStopped(loop, workerId), working]);
  return { reason: ending ?? "stopped", workerId };
}

type Loop = {
  readonly options: ProviderOptions;
  readonly clients: ProviderClients;
  readonly pause: Pause;
  /** Ends everything. */
  readonly signal: AbortSignal;
  /** Ends the claiming: with everything, or before it. */
  readonly closing: AbortSignal;
  readonly end: (reason: Ending) => void;
  readonly tell: (event: ProviderEvent) => void;
  /** Rings for each job that it is told of; undefined where it only asks. */
  readonly told: Bell | undefined;
};

/** Rejects when the port is taken. */
async function listen({ options, clients, told }: Loop): Promise<PushListener | undefined> {
  if (options.listen === undefined || told === undefined) return undefined;
  return listenForPushes({
    port: options.listen.port,
    findPublicKey: async (signal) => (await clients.receipts.getSigner({}, { signal })).publicKey,
    onPush: () => told.ring(),
  });
}

/** Undefined when it was stopped before the runtime answered. */
async function register(loop: Loop, listener: PushListener | undefined): Promise<string | undefined> {
  const { options, closing: signal } = loop;
  let known = options.workerId ?? (await findWorkerId(options.dataDir));
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      const { worker } = await loop.clients.workers.registerWorker(
        {
          workerId: known,
          displayName: options.displayName,
          roles: ["provider"],
          capabilities:
            options.opinions === undefined
              ? CAPABILITIES
              : [...CAPABILITIES, CODE_CHUNK_ANALYSIS, RETRIEVAL_RERANK],
          priceMsats: options.priceMsats,
          executionPriceMsats: options.executionPriceMsats,
          priceBands: options.priceBands ?? [],
          caps: options.caps,
          endpointUrl:
            listener === undefined
              ? undefined
              : (options.listen?.endpointUrl ?? `http://127.0.0.1:${listener.port}`),
          toolchains: options.toolchains.map(({ name, version }) => ({ name, version })),
        },
        { signal },
      );
      await keepWorkerId(options.dataDir, worker.workerId);
      return worker.workerId;
    } catch (cause) {
      if (signal.aborted) return undefined;
      // A remembered worker of another stack is no reason to stay away from this one.
      if (isUnknownWorker(cause) && known !== undefined && options.workerId === undefined) known = undefined;
      else if (isFinal(cause)) throw cause;
      else await backOff(loop, failures, cause);
    }
  }
  return undefined;
}

/**
 * Once the provider is told to stop: have the market offer nothing to it any
 * more. When the runtime cannot be told, the worker goes stale there by itself.
 */
async function sayStopped(loop: Loop, workerId: string): Promise<void> {
  const { clients, options, closing } = loop;
  await aborted(closing);
  if (!options.signal.aborted && options.drain?.aborted !== true) return;
  const bound = AbortSignal.timeout(STOP_TIMEOUT_MS);
  await clients.workers.stopWorker({ workerId }, { signal: bound }).catch(() => undefined);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function heartbeatLoop(loop: Loop, workerId: string, alive: AbortSignal): Promise<void> {
  while (await loop.pause(HEARTBEAT_EVERY_MS, alive)) {
    try {
      const { worker } = await loop.clients.workers.heartbeatWorker({ workerId }, { signal: alive });
      if (worker.status === "disabled") loop.end("worker_disabled");
    } catch (cause) {
      const ending = endingOf(cause);
      if (ending !== undefined) loop.end(ending);
      else if (!alive.aborted)
        loop.tell({ type: "trouble", detail: wordsOf(cause), retryMs: HEARTBEAT_EVERY_MS });
    }
  }
}

async function claimLoop(loop: Loop, workerId: string): Promise<void> {
  let failures = 0;
  let idempotencyKey = randomUUID();
  while (!loop.closing.aborted) {
    const told = loop.told?.next;
    try {
      const claim = { workerId, waitMs: told === undefined ? CLAIM_WAIT_MS : TOLD_WAIT_MS };
      const options = { idempotencyKey, signal: loop.closing };
      const { job, lease } = await loop.clients.jobs.claimJob(claim, options);
      failures = 0;
      idempotencyKey = randomUUID();
      if (job !== undefined && lease !== undefined) await serve(loop, job, lease);
      else if (told !== undefined) await loop.pause(TOLD_POLL_MS, AbortSignal.any([loop.closing, told]));
    } catch (cause) {
      const ending = endingOf(cause);
      if (ending !== undefined) loop.end(ending);
      if (loop.closing.aborted) return;
      // An answer that was lost may have leased a job, which only the same key finds again.
      if (isFinal(cause)) idempotencyKey = randomUUID();
      await backOff(loop, failures, cause);
      failures += 1;
    }
  }
}

/** Do one job and report it. Its own faults are told and swallowed: the next job is another buyer's. */
async function serve(loop: Loop, job: Job, lease: Lease): Promise<void> {
  const { clients, options } = loop;
  loop.tell({ type: "job_claimed", job });
  const deps = {
    artifacts: clients.artifacts,
    sandbox: options.sandbox,
    toolchains: options.toolchains,
    dataDir: options.dataDir,
    pause: loop.pause,
    opinions: options.opinions === undefined ? undefined : { program: options.opinions, caps: options.caps },
  };
  try {
    const report = await whileLeased(
      { jobs: clients.jobs, pause: loop.pause },
      job,
      lease,
      loop.signal,
      (signal) => doJob(deps, job, lease.leaseId, signal),
    ).catch((cause: unknown): JobReport => {
      if (!loop.signal.aborted) throw cause;
      return {
        failure: { code: "provider_stopped", detail: "The worker was stopped before the work was done." },
      };
    });
    // A fixed key: when the answer is lost, the repeat is the same report.
    const idempotencyKey = `${lease.leaseId}:result`;
    const submit = () =>
      clients.jobs.submitResult(
        { jobId: job.jobId, leaseId: lease.leaseId, ...report },
        { idempotencyKey, timeoutMs: REPORT_TIMEOUT_MS },
      );
    // Work that is done is not lost to a runtime that restarts; who is told to stop asks once.
    await reading(submit, loop.signal, loop.pause);
    if ("failure" in report) {
      loop.tell({ type: "job_reported", jobId: job.jobId, outcome: "failure", code: report.failure.code });
    } else {
      loop.tell({ type: "job_reported", jobId: job.jobId, outcome: "result" });
    }
  } catch (cause) {
    loop.tell({ type: "job_lost", jobId: job.jobId, detail: wordsOf(cause) });
  }
}

/** Doubling, with jitter, so that providers do not come back all at once. */
async function backOff(loop: Loop, failures: number, cause: unknown): Promise<void> {
  const ceilingMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(failures, 20));
  const asked = cause instanceof ProblemError ? (cause.retryAfterMs ?? 0) : 0;
  const retryMs = Math.min(
    BACKOFF_MS_MAX,
    Math.max(asked, Math.round(ceilingMs * (0.5 + Math.random() / 2))),
  );
  loop.tell({ type: "trouble", detail: wordsOf(cause), retryMs });
  await loop.pause(retryMs, loop.closing);
}

function endingOf(cause: unknown): Ending | undefined {
  return cause instanceof ProblemError ? ENDINGS.find((ending) => ending === cause.reason) : undefined;
}

function isUnknownWorker(cause: unknown): boolean {
  return cause instanceof ProblemError && cause.code === "worker_not_found";
}

function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

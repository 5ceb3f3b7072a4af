// The part of a runtime that a provider sees, in memory: it offers jobs, renews
// leases, keeps artifacts, and takes reports. Answers can be lost on purpose.

import {
  ProblemError,
  type CallOptions,
  type Job,
  type JobFailure,
  type SandboxRunResult,
  type Worker,
} from "@openagents/contracts";
import { publicKeyOf, sha256Hex } from "@openagents/receipts";
import type { ProviderClients } from "../src/index.ts";
import type { SmallJob } from "./small-project.ts";

/** Signs what this runtime says. */
export const RUNTIME_KEY = "11".repeat(32);

export type Report = {
  readonly jobId: string;
  readonly result?: SandboxRunResult | undefined;
  readonly failure?: JobFailure | undefined;
};

export type ProviderMarket = {
  readonly clients: ProviderClients;
  readonly workers: Map<string, Worker>;
  readonly artifacts: Map<string, Buffer>;
  readonly reports: Report[];
  /** Names of the methods called, in order. */
  readonly calls: string[];
  /** Of the claims, in order. */
  readonly claimKeys: (string | undefined)[];
  /** Offer a job; settles when it is reported. */
  offer(job: SmallJob, change?: Partial<Job>): Promise<Report>;
  /** Let the next `times` calls of a method fail with this error. */
  disturb(method: string, error: ProblemError, times?: number): void;
  /** Run before a method's body. */
  before(method: string, hook: () => void): void;
};

export function unreachable(): ProblemError {
  return new ProblemError({ status: 503, code: "unreachable", detail: "The runtime gave no answer." });
}

export function refused(status: number, reason: string): ProblemError {
  return new ProblemError({ status, code: "refused_state", reason, detail: `Refused: ${reason}.` });
}

export function createProviderMarket(): ProviderMarket {
  let ids = 0;
  const newId = (prefix: string) => `${prefix}_${(ids += 1).toString(16).padStart(32, "0")}`;
  const workers = new Map<string, Worker>();
  const artifacts = new Map<string, Buffer>();
  const queue: Job[] = [];
  const reports: Report[] = [];
  const waiting = new Map<string, (report: Report) => void>();
  const wakers = new Set<() => void>();
  const calls: string[] = [];
  const claimKeys: (string | undefined)[] = [];
  const disturbances = new Map<string, { error: ProblemError; times: number }>();
  const hooks = new Map<string, () => void>();

  const method = <I, O>(name: string, body: (input: I, signal?: AbortSignal) => O | Promise<O>) => {
    return async (input: I, { signal, idempotencyKey }: CallOptions = {}): Promise<O> => {
      signal?.throwIfAborted();
      // Lets timers and aborts in, as a network would.
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      calls.push(name);
      if (name === "claimJob") claimKeys.push(idempotencyKey);
      hooks.get(name)?.();
      const disturbance = disturbances.get(name);
      if (disturbance !== undefined && disturbance.times > 0) {
        disturbance.times -= 1;
        throw disturbance.error;
      }
      return body(input, signal);
    };
  };
  const unused = method("unused", (): never => {
    throw new Error("a provider does not call this");
  });
  const workerOf = (workerId: string): Worker => {
    const worker = workers.get(workerId);
    if (worker !== undefined) return worker;
    throw new ProblemError({ status: 404, code: "worker_not_found", detail: "There is no such worker." });
  };
  /** Until a job is offered, or the caller goes away. */
  const offered = (signal: AbortSignal | undefined) =>
    new Promise<void>((resolve) => {
      const wake = () => {
        wakers.delete(wake);
        resolve();
      };
      wakers.add(wake);
      signal?.addEventListener("abort", wake, { once: true });
    });

  const clients: ProviderClients = {
    artifacts: {
      putArtifact: method("putArtifact", async ({ sha256, content }) => {
        const bytes = content.data instanceof Uint8Array ? Buffer.from(content.data) : Buffer.alloc(0);
        if (sha256Hex(bytes) !== sha256)
          throw new ProblemError({ status: 400, code: "hash_mismatch", detail: "Other bytes." });
        artifacts.set(sha256, bytes);
        return { sha256, bytes: BigInt(bytes.length) };
      }),
      getArtifact: method("getArtifact", ({ sha256 }) => {
        const bytes = artifacts.get(sha256);
        if (bytes === undefined)
          throw new ProblemError({ status: 404, code: "artifact_not_found", detail: "There is none." });
        return { contentType: "application/octet-stream", data: new Uint8Array(bytes) };
      }),
    },
    receipts: {
      getSigner: method("getSigner", () => ({
        service: "runtime_service",
        scheme: "secp256k1_schnorr_no_aux_rand",
        publicKey: publicKeyOf(RUNTIME_KEY),
      })),
    },
    workers: {
      registerWorker: method("registerWorker", (input) => {
        const workerId = input.workerId ?? newId("wrk");
        if (input.workerId !== undefined) workerOf(workerId);
        const worker: Worker = {
          workerId,
          org: "org_provider",
          owner: "dev_provider",
          displayName: input.displayName,
          roles: input.roles,
          status: "running",
          liveness: "fresh",
          capabilities: input.capabilities,
          priceMsats: input.priceMsats,
          executionPriceMsats: input.executionPriceMsats,
          priceBands: input.priceBands,
          caps: input.caps,
          toolchains: input.toolchains,
          endpointUrl: input.endpointUrl,
          zoneTenths: 5,
          lastHeartbeatAt: 0,
          createdAt: 0,
          strikes: 0,
          quarantined: false,
        };
        workers.set(workerId, worker);
        return { worker, receiptId: "wreg_x" };
      }),
      heartbeatWorker: method("heartbeatWorker", ({ workerId }) => ({ worker: workerOf(workerId) })),
      stopWorker: method("stopWorker", ({ workerId }) => {
        const worker: Worker = { ...workerOf(workerId), status: "stopped" };
        workers.set(workerId, worker);
        return { worker };
      }),
      disableWorker: unused,
      reinstateWorker: unused,
      getWorker: unused,
      listWorkers: unused,
    },
    jobs: {
      claimJob: method("claimJob", async ({ waitMs }, signal) => {
        if (queue.length === 0 && waitMs > 1_000) await offered(signal);
        signal?.throwIfAborted();
        const job = queue.shift();
        const lease = { leaseId: newId("lease"), expiresAt: 30_000, renewEveryMs: 10_000n };
        return job === undefined ? {} : { job, lease };
      }),
      renewLease: method("renewLease", ({ leaseId }) => ({
        lease: { leaseId, expiresAt: 30_000, renewEveryMs: 10_000n },
      })),
      submitResult: method("submitResult", ({ jobId, result, failure }) => {
        const report = { jobId, result, failure };
        reports.push(report);
        waiting.get(jobId)?.(report);
        const job = jobOf(jobId);
        return { job, receiptId: "jcmp_x" };
      }),
      getJob: unused,
      sweepLeases: unused,
      listWorkerJobs: unused,
    },
  };

  const jobs = new Map<string, Job>();
  const jobOf = (jobId: string): Job => {
    const job = jobs.get(jobId);
    if (job === undefined) throw refused(409, "job_unknown");
    return job;
  };
  return {
    clients,
    workers,
    artifacts,
    reports,
    calls,
    claimKeys,
    offer({ spec, inputs }, change = {}) {
      for (const [sha256, bytes] of inputs) artifacts.set(sha256, bytes);
      const job: Job = {
        jobId: newId("job"),
        runId: `run_${"1".repeat(32)}`,
        jobHash: "0".repeat(64),
        status: "queued",
        quoteId: `qte_${"1".repeat(32)}`,
        reservationId: `rsv_${"1".repeat(32)}`,
        providerWorkerId: [...workers.keys()][0] ?? "",
        spec,
        createdAt: 0,
        updatedAt: 0,
        purpose: "work",
        repeats: 1,
        ...change,
      };
      jobs.set(job.jobId, job);
      queue.push(job);
      const { promise, resolve } = Promise.withResolvers<Report>();
      waiting.set(job.jobId, resolve);
      for (const wake of wakers) wake();
      return promise;
    },
    disturb: (name, error, times = 1) => void disturbances.set(name, { error, times }),
    before: (name, hook) => void hooks.set(name, hook),
  };
}

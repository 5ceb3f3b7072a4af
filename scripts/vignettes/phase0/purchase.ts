// A buyer's steps over HTTP: open a run as its executor, order work, wait, have
// it verified by two, settle, and end the run.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import {
  ProblemError,
  type Fallback,
  type Job,
  type JsonObject,
  type Quote,
  type Reservation,
  type SandboxRunSpec,
  type Settlement,
  type VerificationResult,
} from "@openagents/contracts";
import type { Stage } from "./stage.ts";

export type OpenRun = {
  readonly runId: string;
  append(eventType: string, payload: JsonObject): Promise<void>;
  finish(status: "succeeded" | "failed"): Promise<void>;
};

export type Order = { readonly quote: Quote; readonly reservation: Reservation; readonly job: Job };

const POLL_MS = 100;
const POLLS_MAX = 900;
const VERIFICATIONS_MAX = 4;

export async function openRun({ buyer, forge, orders, signal }: Stage): Promise<OpenRun> {
  const { run } = await buyer.runs.createRun(
    { issue: orders.issue, metadata: { vignette: "phase0" } },
    { signal },
  );
  const { runId } = run;
  const executorId = `exe_${randomBytes(16).toString("hex")}`;
  const { lease } = await buyer.runs.acquireExecutor({ runId, executorId }, { signal });
  const append = async (eventType: string, payload: JsonObject) => {
    // Stories wait for longer than a lease holds.
    await buyer.runs.renewExecutor({ runId, executorId, epoch: lease.epoch }, { signal });
    await buyer.runs.appendRunEvent({ runId, eventType, payload, executorEpoch: lease.epoch }, { signal });
  };
  await append("issue.claimed", { title: orders.issue.title, url: forge.issueUrl });
  return {
    runId,
    append,
    async finish(status) {
      await append("run.finished", { status });
    },
  };
}

export async function reserve(
  { buyer, signal }: Stage,
  runId: string,
  spec: SandboxRunSpec,
  ttlMs?: bigint,
): Promise<Omit<Order, "job">> {
  // The repository is no secret: everyone who sells may have it.
  const { quote } = await buyer.marketplace.quoteSandboxRun({ runId, spec, market: true }, { signal });
  const { quoteId, totalPriceMsats: amountMsats } = quote;
  const { reservation } = await buyer.treasury.reserveCompute(
    { amountMsats, runId, quoteId, ttlMs },
    { signal },
  );
  return { quote, reservation };
}

export async function order(
  stage: Stage,
  runId: string,
  spec: SandboxRunSpec,
  fallback: Fallback = "market",
  ttlMs?: bigint,
): Promise<Order> {
  const { quote, reservation } = await reserve(stage, runId, spec, ttlMs);
  const { quoteId } = quote;
  const { reservationId } = reservation;
  const { job } = await stage.buyer.marketplace.dispatchSandboxRun(
    { quoteId, reservationId, fallback },
    { signal: stage.signal },
  );
  return { quote, reservation, job };
}

/** Wait until the job is with nobody any more. */
export async function awaitReport({ buyer, signal }: Stage, jobId: string): Promise<Job> {
  for (let polls = 0; polls < POLLS_MAX; polls += 1) {
    const { job } = await buyer.jobs.getJob({ jobId }, { signal });
    if (job.status !== "queued" && job.status !== "leased") return job;
    await pause(POLL_MS, undefined, { signal });
  }
  throw new Error(`${jobId} was not reported in ${(POLL_MS * POLLS_MAX) / 1000} s`);
}

/** Have a reported job verified, through the second opinion where one is asked for. */
export async function verify(stage: Stage, jobId: string): Promise<VerificationResult> {
  for (let asked = 0; asked < VERIFICATIONS_MAX; asked += 1) {
    const { verification, secondJob } = await stage.buyer.verification.verifySandboxRun(
      { jobId },
      { signal: stage.signal },
    );
    if (verification.status === "final") return verification;
    assert.ok(secondJob, "an awaited second opinion names its job");
    await awaitReport(stage, secondJob.jobId);
  }
  throw new Error(`${jobId} has no final verdict after ${VERIFICATIONS_MAX} verifications`);
}

export async function settle({ buyer, signal }: Stage, jobId: string): Promise<Settlement> {
  return (await buyer.treasury.settleSandboxRun({ jobId }, { signal })).settlement;
}

/** The reason of the refusal that `call` must end in. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (cause) {
    if (cause instanceof ProblemError && cause.reason !== undefined) return cause.reason;
    throw cause;
  }
  throw new assert.AssertionError({ message: "the command was done; it should have been refused" });
}

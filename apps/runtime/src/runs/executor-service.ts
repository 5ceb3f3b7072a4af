// The commands of a run's executor: lock the run, decide, write. A renewal
// changes the lease alone; the run's own time and log stay as they were.

import type { Outcome } from "@openagents/authority";
import type {
  AcquireExecutorRequest,
  AcquireExecutorResponse,
  CommandCall,
  CommandReply,
  ExecutorLease,
  RecordLostExecutorRequest,
  RecordLostExecutorResponse,
  ReleaseExecutorRequest,
  ReleaseExecutorResponse,
  RenewExecutorRequest,
  RenewExecutorResponse,
} from "@openagents/contracts";
import { notFound } from "@openagents/service";
import {
  RENEW_EVERY_MS,
  decideAcquire,
  decideLost,
  decideRelease,
  decideRenew,
  type ExecutorDecision,
  type ExecutorRefusal,
} from "./executor.ts";
import type { Executor, Run } from "./run.ts";
import { extendRun, requireLockedRun, type RunsDeps } from "./service.ts";
import { findRunOrg, updateRun } from "./store.ts";
import { runMessage } from "./wire.ts";

/** Take the lease, or renew one's own. A repeat under the key answers the lease as it was then. */
export function acquireExecutor(
  deps: RunsDeps,
  call: CommandCall,
  request: AcquireExecutorRequest,
): Promise<CommandReply> {
  return deps.authority.execute<AcquireExecutorResponse>(call, request, async (command) => {
    const run = await requireLockedRun(command.tx, call.principal.org, request.runId);
    const nowMs = command.nowMs();
    return outcomeOf(run, decideAcquire(run, request.executorId, nowMs), nowMs);
  });
}

/** Hold the lease for another period, counted from now. */
export function renewExecutor(
  deps: RunsDeps,
  call: CommandCall,
  request: RenewExecutorRequest,
): Promise<CommandReply> {
  return deps.authority.perform<RenewExecutorResponse>(call, async (command) => {
    const run = await requireLockedRun(command.tx, call.principal.org, request.runId);
    const nowMs = command.nowMs();
    return outcomeOf(run, decideRenew(run, request.executorId, request.epoch, nowMs), nowMs);
  });
}

/** Give the lease back; its epoch stays as a fence against what its holder still writes. */
export function releaseExecutor(
  deps: RunsDeps,
  call: CommandCall,
  request: ReleaseExecutorRequest,
): Promise<CommandReply> {
  return deps.authority.perform<ReleaseExecutorResponse>(call, async (command) => {
    const run = await requireLockedRun(command.tx, call.principal.org, request.runId);
    const executor = decideRelease(run, request.executorId, request.epoch);
    return {
      kind: "answer",
      output: { runId: run.runId },
      writes: executor === undefined ? [] : [updateRun({ ...run, executor })],
    };
  });
}

/** Of any organisation's run. Nothing is written when the executor is there, or its loss is told. */
export function recordLostExecutor(
  deps: RunsDeps,
  call: CommandCall,
  { runId }: RecordLostExecutorRequest,
): Promise<CommandReply> {
  return deps.authority.perform<RecordLostExecutorResponse>(call, async (command) => {
    const org = await findRunOrg(command.tx, runId);
    if (org === undefined) throw notFound("run", runId);
    const run = await requireLockedRun(command.tx, org, runId);
    const nowMs = command.nowMs();
    const lost = decideLost(run, nowMs);
    if (lost === undefined) return { kind: "nothing", output: { run: runMessage(run), recorded: false } };
    const { appended, writes } = extendRun({ ...run, executor: lost.executor }, lost.drafts, nowMs);
    return { kind: "answer", output: { run: runMessage(appended), recorded: true }, writes };
  });
}

function outcomeOf(
  run: Run,
  decision: ExecutorDecision,
  nowMs: number,
): Outcome<{ readonly lease: ExecutorLease }> {
  if ("refused" in decision) {
    const reason = decision.refused;
    return { kind: "refused", rule: "state", reason, detail: DETAILS[reason](run) };
  }
  const { executor, drafts } = decision;
  const changed: Run = { ...run, executor };
  return {
    kind: "answer",
    output: { lease: leaseMessage(executor) },
    writes: drafts.length === 0 ? [updateRun(changed)] : extendRun(changed, drafts, nowMs).writes,
  };
}

function leaseMessage({ epoch, lease }: Executor): ExecutorLease {
  if (lease === undefined) throw new Error("nobody holds the lease");
  const { executorId, expiresAtMs } = lease;
  return { executorId, epoch, expiresAt: expiresAtMs, renewEveryMs: BigInt(RENEW_EVERY_MS) };
}

const DETAILS: Readonly<Record<ExecutorRefusal, (run: Run) => string>> = {
  run_finished: (run) => `The run is ${run.status}; there is nothing left to execute.`,
  executor_held: ({ executor: { lease } }) =>
    `Another executor holds the run until ${new Date(lease?.expiresAtMs ?? 0).toISOString()}, and longer if it renews. Try again then, with a fresh key.`,
  executor_fenced: ({ executor }) =>
    `The lease is not the caller's any more: the run is at epoch ${executor.epoch}. Stop, and acquire again to go on.`,
};

// A worker is disabled while it holds a job and another is on its way to it: from
// the answer on it gets nothing, what it held is called off, and it is told.

import assert from "node:assert/strict";
import { enrol } from "./hand-provider.ts";
import { openRun, order, refusalOf, reserve } from "./purchase.ts";
import type { Vignette } from "./vignette.ts";

export const emergencyDisable: Vignette = {
  name: "emergency-disable",
  shows: "a disabled worker gets no job after the answer, and the money of the job that it held goes back",
  expected: [
    "DeviceEnrolled",
    "CapsSet",
    "RunCreated",
    "IssueClaimed",
    "BudgetReserved",
    "JobDispatched",
    "ProviderDisabled",
    "JobRejected",
  ],
  async play(stage, cast) {
    const { buyer, signal } = stage;
    const rogue = await enrol(stage, "rogue", 2);
    const { workerId, clients } = rogue;
    cast.workers.push(rogue);
    const run = await openRun(stage);
    const other = await openRun(stage);
    cast.runIds.push(run.runId, other.runId);
    const before = await buyer.treasury.getComputeSummary({}, { signal });

    const { quote, job } = await order(stage, run.runId, stage.orders.mended);
    assert.equal(quote.providerWorkerId, workerId);
    const { lease } = await rogue.claim();
    // Quoted and paid for while the worker was good, but not ordered yet.
    const pending = await reserve(stage, other.runId, stage.orders.mended);
    assert.equal(pending.quote.providerWorkerId, workerId);

    const waiting = refusalOf(rogue.claim(20_000));
    waiting.catch(() => "looked at below");
    const answer = await clients.workers.disableWorker({ workerId, reason: "taken over" }, { signal });
    assert.equal(answer.worker.status, "disabled");
    assert.deepEqual(answer.canceledJobIds, [job.jobId]);

    assert.equal(await waiting, "worker_disabled", "a claim that waits is told");
    assert.equal(await refusalOf(rogue.claim()), "worker_disabled");
    const held = { jobId: job.jobId, leaseId: lease.leaseId };
    assert.equal(await refusalOf(clients.jobs.renewLease(held, { signal })), "job_canceled");
    const late = { ...held, failure: { code: "provider_error", detail: "too late" } };
    assert.equal(await refusalOf(clients.jobs.submitResult(late, { signal })), "job_canceled");
    assert.equal((await buyer.jobs.getJob({ jobId: job.jobId }, { signal })).job.status, "canceled");

    const { quoteId } = pending.quote;
    const { reservationId } = pending.reservation;
    const ordered = buyer.marketplace.dispatchSandboxRun({ quoteId, reservationId }, { signal });
    assert.equal(await refusalOf(ordered), "provider_unavailable");
    await buyer.treasury.voidReservation({ reservationId }, { signal });
    const after = await buyer.treasury.getComputeSummary({}, { signal });
    assert.equal(after.availableMsats, before.availableMsats, "all the money is back");
    assert.equal(after.reservedMsats, 0n);

    const next = await buyer.marketplace.quoteSandboxRun(
      { runId: other.runId, spec: stage.orders.mended },
      { signal },
    );
    assert.notEqual(next.quote.providerWorkerId, workerId, "who is disabled is not selected");
    assert.notEqual(next.quote.secondOpinion?.providerWorkerId, workerId);
    await run.finish("failed");
    await other.finish("failed");
  },
};

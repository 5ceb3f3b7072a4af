// A provider takes jobs and is never heard of again. Its leases lapse, it is
// quarantined, and each order goes on as its buyer allowed: to another provider
// for the same money, or back to the buyer.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { enrol } from "./hand-provider.ts";
import { awaitReport, openRun, order, refusalOf, settle, verify } from "./purchase.ts";
import type { Vignette } from "./vignette.ts";

/** As many lapsed leases quarantine a worker. */
const JOBS = 5;
const LOOK_MS = 500;
/** A lease and the runtime's own looks, with room for a slow machine. */
const LOOKS_MAX = 240;

export const providerOffline: Vignette = {
  name: "provider-offline",
  shows:
    "a provider that goes offline in the middle of its jobs is quarantined, and another one does the work for the same money",
  expected: [
    "DeviceEnrolled",
    "CapsSet",
    "RunCreated",
    "IssueClaimed",
    "BudgetReserved",
    "JobDispatched",
    "LeaseLapsed",
    "FallbackProviderUsed",
    "JobCompleted",
    "SecondOpinionCompleted",
    "VerificationPassed",
    "PaymentReleased",
  ],
  expectedOfOthers: [
    "RunCreated",
    "IssueClaimed",
    "BudgetReserved",
    "JobDispatched",
    "LeaseLapsed",
    "BudgetReturned",
  ],
  async play(stage, cast) {
    const { buyer, signal } = stage;
    const offline = await enrol(stage, "offline", JOBS);
    const { workerId, clients } = offline;
    cast.workers.push(offline);
    const before = await buyer.treasury.getComputeSummary({}, { signal });
    const orders = [];
    for (let n = 0; n < JOBS; n += 1) {
      const run = await openRun(stage);
      cast.runIds.push(run.runId);
      const ordered = await order(stage, run.runId, stage.orders.mended, n === 0 ? "market" : "none");
      assert.equal(ordered.quote.providerWorkerId, workerId);
      orders.push({ ...ordered, run });
    }
    const leases = new Map<string, string>();
    for (const { job } of orders) {
      const claimed = await offline.claim();
      leases.set(claimed.job.jobId, claimed.lease.leaseId);
      assert.ok(
        orders.some((each) => each.job.jobId === claimed.job.jobId),
        job.jobId,
      );
    }

    // Nothing more is heard of it. The runtime looks by itself, and the operator may ask it to.
    await untilQuarantined();
    const { worker } = await clients.workers.getWorker({ workerId }, { signal });
    assert.equal(worker.strikes, JOBS, "a strike for each lapsed lease, and no more");
    await buyer.jobs.sweepLeases({}, { signal });
    const later = await clients.workers.getWorker({ workerId }, { signal });
    assert.equal(later.worker.strikes, JOBS, "another look strikes nobody again");
    assert.equal(await refusalOf(offline.claim()), "worker_quarantined");

    const [passedOn, ...others] = orders;
    assert.ok(passedOn);
    const moved = await buyer.jobs.getJob({ jobId: passedOn.job.jobId }, { signal });
    assert.notEqual(moved.job.providerWorkerId, workerId, "another provider has the job");
    assert.equal(moved.job.priceMsats, passedOn.quote.providerPriceMsats, "for what was quoted");
    const leaseOf = (jobId: string) => ({ jobId, leaseId: leases.get(jobId) ?? "" });
    const late = { ...leaseOf(passedOn.job.jobId), failure: { code: "provider_error", detail: "too late" } };
    assert.equal(await refusalOf(clients.jobs.submitResult(late, { signal })), "job_reassigned");

    for (const { job, reservation, run } of others) {
      assert.equal(await refusalOf(clients.jobs.renewLease(leaseOf(job.jobId), { signal })), "lease_lapsed");
      const { reservationId } = reservation;
      await buyer.treasury.voidReservation({ reservationId }, { signal });
      assert.equal((await buyer.jobs.getJob({ jobId: job.jobId }, { signal })).job.status, "canceled");
      await run.finish("failed");
    }
    await awaitReport(stage, passedOn.job.jobId);
    const verification = await verify(stage, passedOn.job.jobId);
    assert.equal(verification.verdict, "proven", verification.because);
    const settlement = await settle(stage, passedOn.job.jobId);
    assert.equal(settlement.status, "released");
    await passedOn.run.finish("succeeded");

    const earned = await clients.treasury.getComputeSummary({}, { signal });
    assert.equal(earned.earnedMsats, 0n, "who went offline is paid nothing");
    const after = await buyer.treasury.getComputeSummary({}, { signal });
    assert.equal(before.availableMsats - after.availableMsats, passedOn.quote.totalPriceMsats);
    assert.equal(after.reservedMsats, before.reservedMsats);

    async function untilQuarantined(): Promise<void> {
      for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
        const { worker } = await clients.workers.getWorker({ workerId }, { signal });
        if (worker.quarantined) return;
        await pause(LOOK_MS, undefined, { signal });
        await buyer.jobs.sweepLeases({}, { signal });
      }
      throw new Error("the leases did not lapse");
    }
  },
};

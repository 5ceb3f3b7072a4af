// An order whose answer is lost is sent again and stays one order; and work that
// its provider could not do is ordered again from another. The forge then refuses
// the pull request, which is on record too.

import assert from "node:assert/strict";
import { exportPullRequest } from "./forge.ts";
import { enrol } from "./hand-provider.ts";
import { awaitReport, openRun, order, refusalOf, reserve, settle, verify } from "./purchase.ts";
import type { Vignette } from "./vignette.ts";

export const dispatchRetry: Vignette = {
  name: "dispatch-retry",
  shows: "an order sent again is the same order, and failed work is ordered again from another provider",
  expected: [
    "DeviceEnrolled",
    "CapsSet",
    "RunCreated",
    "IssueClaimed",
    "BudgetReserved",
    "JobDispatched",
    "JobFailed",
    "VerificationFailed",
    "PaymentWithheld",
    "BudgetReserved",
    "JobDispatched",
    "JobCompleted",
    "SecondOpinionCompleted",
    "VerificationPassed",
    "PaymentReleased",
    "ForgeSkipped",
  ],
  async play(stage, cast) {
    const { buyer, signal } = stage;
    const broken = await enrol(stage, "broken", 1);
    cast.workers.push(broken);
    const run = await openRun(stage);
    cast.runIds.push(run.runId);

    const { quote, reservation } = await reserve(stage, run.runId, stage.orders.mended);
    assert.equal(quote.providerWorkerId, broken.workerId, "the cheapest is selected");
    const { quoteId } = quote;
    const { reservationId } = reservation;
    // Nobody else may do it in its place, so that the buyer orders again itself.
    const request = { quoteId, reservationId, fallback: "none" } as const;
    const idempotencyKey = `${run.runId}:dispatch`;
    const first = await buyer.marketplace.dispatchSandboxRun(request, { idempotencyKey, signal });
    let replayed = false;
    const again = await buyer.marketplace.dispatchSandboxRun(request, {
      idempotencyKey,
      signal,
      onAnswer: (answer) => (replayed = answer.replayed),
    });
    assert.ok(replayed, "the order sent again is answered from the record");
    assert.equal(again.job.jobId, first.job.jobId);
    const fresh = buyer.marketplace.dispatchSandboxRun(request, { signal });
    assert.equal(await refusalOf(fresh), "already_dispatched");

    const { job, lease } = await broken.claim();
    assert.equal(job.jobId, first.job.jobId);
    const more = await refusalOf(broken.claim());
    assert.equal(more, "concurrent_jobs_max");
    cast.capProbes.push({ cap: "concurrent_jobs_max", refusedBy: more });
    const failure = { code: "provider_error", detail: "The worker failed for a reason of its own." };
    await broken.clients.jobs.submitResult({ jobId: job.jobId, leaseId: lease.leaseId, failure }, { signal });
    await broken.stop();
    const verification = await verify(stage, job.jobId);
    assert.notEqual(verification.verdict, "proven");
    assert.equal((await settle(stage, job.jobId)).status, "withheld");

    const retry = await order(stage, run.runId, stage.orders.mended);
    assert.notEqual(retry.quote.providerWorkerId, broken.workerId, "who stopped is not selected");
    await awaitReport(stage, retry.job.jobId);
    const proven = await verify(stage, retry.job.jobId);
    assert.equal(proven.verdict, "proven", proven.because);
    assert.equal((await settle(stage, retry.job.jobId)).status, "released");

    // Its branch was never pushed.
    const exported = await exportPullRequest(stage, run.runId, `openagents/${run.runId}`);
    assert.equal(exported.status, "failed");
    assert.match(exported.detail ?? "", /^the forge answered 422/);
    await run.finish("succeeded");
  },
};

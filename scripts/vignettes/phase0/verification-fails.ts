// A patch that mends nothing: the provider reports honestly, nobody is paid, and
// the buyer has the money back.

import assert from "node:assert/strict";
import { awaitReport, openRun, order, settle, verify } from "./purchase.ts";
import type { Vignette } from "./vignette.ts";

export const verificationFails: Vignette = {
  name: "verification-fails",
  shows: "a check that still fails withholds the money, and costs the provider nothing but the work",
  expected: [
    "RunCreated",
    "IssueClaimed",
    "BudgetReserved",
    "JobDispatched",
    "JobCompleted",
    "VerificationFailed",
    "PaymentWithheld",
  ],
  async play(stage, cast) {
    const run = await openRun(stage);
    cast.runIds.push(run.runId);
    const { buyer, signal } = stage;
    const before = await buyer.treasury.getComputeSummary({}, { signal });
    const { quote, job } = await order(stage, run.runId, stage.orders.unmended);
    await awaitReport(stage, job.jobId);
    const verification = await verify(stage, job.jobId);
    assert.equal(verification.verdict, "failed", verification.because);
    assert.deepEqual(verification.violations, []);
    const settlement = await settle(stage, job.jobId);
    assert.equal(settlement.status, "withheld");
    assert.equal(settlement.providerMsats, 0n);
    const after = await buyer.treasury.getComputeSummary({}, { signal });
    assert.equal(after.availableMsats, before.availableMsats);

    const seller = stage.providers.find(({ workerId }) => workerId === quote.providerWorkerId);
    assert.ok(seller, `${quote.providerWorkerId} is one of the real providers`);
    const { worker } = await seller.clients.workers.getWorker({ workerId: seller.workerId }, { signal });
    assert.equal(worker.strikes, 0, "an honest failing check is nobody's fault");
    await run.finish("failed");
  },
};

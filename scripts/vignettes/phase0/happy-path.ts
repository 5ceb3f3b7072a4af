// From an issue to a pull request: two owners' workers run the check, both see it
// proven test by test, both are paid, and the forge has the patch once.

import assert from "node:assert/strict";
import { exportPullRequest } from "./forge.ts";
import { awaitReport, openRun, order, refusalOf, settle, verify } from "./purchase.ts";
import type { Stage } from "./stage.ts";
import type { Cast, Vignette } from "./vignette.ts";

export const happyPath: Vignette = {
  name: "happy-path",
  shows:
    "a patch that mends the issue is proven by two owners' runs, paid for, and becomes one pull request on a stand-in of a forge",
  expected: [
    "DeviceEnrolled",
    "CapsSet",
    "DeviceEnrolled",
    "CapsSet",
    "RunCreated",
    "IssueClaimed",
    "BudgetReserved",
    "JobDispatched",
    "JobCompleted",
    "SecondOpinionRequested",
    "SecondOpinionCompleted",
    "VerificationPassed",
    "PaymentReleased",
    "ForgeUpdated",
  ],
  async play(stage, cast) {
    cast.workers.push(...stage.providers);
    const run = await openRun(stage);
    cast.runIds.push(run.runId);
    await probeCaps(stage, cast, run.runId);

    const before = await stage.buyer.treasury.getComputeSummary({}, { signal: stage.signal });
    const { quote, job } = await order(stage, run.runId, stage.orders.mended);
    const reported = await awaitReport(stage, job.jobId);
    assert.equal(
      reported.failure,
      undefined,
      `the provider could not do the job: ${reported.failure?.detail}`,
    );
    const verification = await verify(stage, job.jobId);
    assert.equal(verification.verdict, "proven", verification.because);
    assert.equal(verification.proof, "by_tests");
    assert.equal(verification.assurance, quote.secondOpinion?.assurance);

    assert.equal(await refusalOf(verify(stage, job.jobId)), "already_verified");
    const settlement = await settle(stage, job.jobId);
    assert.equal(settlement.status, "released");
    assert.equal(settlement.providerMsats, quote.providerPriceMsats);
    assert.equal(settlement.secondOpinionMsats, quote.secondOpinion?.providerPriceMsats);
    assert.equal(await refusalOf(settle(stage, job.jobId)), "already_settled");
    const after = await stage.buyer.treasury.getComputeSummary({}, { signal: stage.signal });
    assert.equal(before.availableMsats - after.availableMsats, quote.totalPriceMsats);
    assert.equal(after.reservedMsats, 0n);

    const { forge } = stage;
    const branch = `openagents/${run.runId}`;
    await forge.pushPatched(branch);
    const exported = await exportPullRequest(stage, run.runId, branch);
    assert.equal(exported.status, "succeeded", exported.detail);
    const { exportId } = exported;
    const again = stage.buyer.exports.beginExport({ runId: run.runId, exportId }, { signal: stage.signal });
    assert.equal(await refusalOf(again), "export_succeeded");
    assert.deepEqual(
      forge.pullRequests.map(({ head, body }) => [head, body]),
      [[branch, exported.marker]],
      "there is one pull request, and it names the run's export",
    );
    await run.finish("succeeded");
  },
};

/** Each asks for more than any worker's caps allow, so nobody may take it. */
async function probeCaps(
  { buyer, orders, signal }: Stage,
  { capProbes }: Cast,
  runId: string,
): Promise<void> {
  const { limits } = orders.mended;
  for (const [cap, excess] of [
    ["memory_mib_max", { ...limits, memoryMib: 1_048_576 }],
    ["disk_mib_max", { ...limits, diskMib: 1_048_576 }],
    ["wall_ms_max", { ...limits, wallMs: 3_600_000n }],
  ] as const) {
    const spec = { ...orders.mended, limits: excess };
    const reason = await refusalOf(buyer.marketplace.quoteSandboxRun({ runId, spec }, { signal }));
    assert.equal(reason, "no_eligible_provider");
    capProbes.push({ cap, refusedBy: reason });
  }
}

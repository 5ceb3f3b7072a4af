// What the market tells of itself: counts that move with what they count.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FIXED, order, settle, startMarket, verify, work, workAndVerify } from "./market.ts";

const TELEMETRY = "/internal/v1/marketplace/telemetry/compute";
const FAILING = { baseExit: 1, patchedExit: 1 };

test("a buyer and a provider see what they traded, within the days that they ask for", async (t) => {
  let nowMs = Date.UTC(2026, 0, 10, 12);
  const market = await startMarket(t, { nowMs: () => nowMs });
  const { job } = await workAndVerify(market, FIXED);
  assert.equal((await settle(market, job)).json.settlement.status, "released");
  const grant = { amount_msats: 100_000, memo: "a test" };
  await market.runtime.post("/internal/v1/treasury/demo-grants", grant);
  await order(market.runtime);
  nowMs += 8_000;
  const failing = await work(market, market.first, FAILING);
  await verify(market, failing);
  assert.equal((await settle(market, failing)).json.settlement.status, "withheld");
  await market.runtime.post("/internal/v1/marketplace/compute/quote/sandbox-run", {
    run_id: market.runId,
    spec: market.spec,
    pay_on: "execution",
  });

  const buyer = (await market.runtime.get(TELEMETRY)).json;
  assert.deepEqual(
    [buyer.quoted, buyer.unfilled, buyer.dispatched, buyer.released, buyer.withheld],
    [2, 1, 2, 1, 1],
  );
  assert.equal(buyer.latency_samples, 3, "second runs included");
  assert.ok(buyer.latency_p95_ms >= 8_000 && buyer.latency_p95_ms <= 9_600, String(buyer.latency_p95_ms));
  assert.deepEqual([buyer.providers_own, buyer.providers_reserve, buyer.providers_total], [1, 0, 2]);

  const path = `${TELEMETRY}?provider_worker_id=${market.first.workerId}`;
  const provider = (await market.runtime.get(path)).json;
  assert.deepEqual([provider.quoted, provider.dispatched, provider.released], [0, 2, 1]);
  assert.equal(provider.provider.jobs_done, 2);
  assert.equal(provider.provider.jobs_faulty, 0, "an honest failing check is no fault");
  assert.equal(provider.provider.jobs_released, 1);

  nowMs += 86_400_000;
  const token = await market.runtime.token();
  assert.equal((await market.runtime.get(`${TELEMETRY}?days=1`, { token })).json.quoted, 0);
  assert.equal((await market.runtime.get(`${TELEMETRY}?days=2`, { token })).json.quoted, 2);
  const missing = await market.runtime.get(`${TELEMETRY}?provider_worker_id=wrk_${"0".repeat(32)}`, {
    token,
  });
  assert.equal(missing.status, 404);
});

test("of a provider that could not do its job the fault is counted, and it counts in the next choice", async (t) => {
  const market = await startMarket(t);
  const { runtime, first } = market;
  const claimed = await runtime.post(
    "/internal/v1/jobs/claim",
    { worker_id: first.workerId, wait_ms: 0 },
    { token: first.token },
  );
  const { job, lease } = claimed.json;
  await runtime.post(
    `/internal/v1/jobs/${job.job_id}/result`,
    { lease_id: lease.lease_id, failure: { code: "sandbox_broken", detail: "" } },
    { token: first.token },
  );
  await verify(market, job);
  assert.equal((await settle(market, job)).json.settlement.status, "withheld");
  const catalog = await runtime.get("/internal/v1/marketplace/catalog/providers");
  const record = catalog.json.records.find(
    (each: { provider_worker_id: string }) => each.provider_worker_id === first.workerId,
  );
  assert.equal(record.jobs_faulty, 1);
  assert.equal(record.tier, "qualified");
  assert.equal(record.reliability_bps, Math.floor((19 * 10_000) / 21));
});

test("what can be bought is listed", async (t) => {
  const market = await startMarket(t, { dispatch: false });
  const { json } = await market.runtime.get("/internal/v1/marketplace/catalog/job-types");
  assert.deepEqual(
    json.job_types.map((type: { job_type: string }) => type.job_type),
    ["oa.code_chunk_analysis.v1", "oa.retrieval_rerank.v1", "oa.sandbox_run.v1", "oa.repo_index.v1"],
  );
});

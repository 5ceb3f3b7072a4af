import assert from "node:assert/strict";
import { test } from "node:test";
import { computeMetrics, jobRecords } from "./metrics.ts";
import type { Happening } from "./milestones.ts";

const happening = (atMs: number, what: string, facts: Happening["facts"]): Happening => ({
  atMs,
  what,
  facts,
});

const REWORKED: Happening[] = [
  happening(0, "job.dispatched", { job_id: "job_1", provider_worker_id: "wrk_c", purpose: "work" }),
  happening(10, "job.reported", { job_id: "job_1", outcome: "failed" }),
  happening(11, "verification.recorded", { job_id: "job_1", verdict: "inconclusive" }),
  happening(12, "payment.withheld", { job_id: "job_1", amount_msats: 0 }),
  happening(20, "job.dispatched", { job_id: "job_2", provider_worker_id: "wrk_a", purpose: "work" }),
  happening(50, "job.reported", { job_id: "job_2", outcome: "reported" }),
  happening(50, "job.dispatched", {
    job_id: "job_3",
    provider_worker_id: "wrk_b",
    purpose: "second_opinion",
  }),
  happening(70, "job.reported", { job_id: "job_3", outcome: "reported" }),
  happening(71, "verification.recorded", { job_id: "job_2", verdict: "proven" }),
  happening(72, "payment.released", {
    job_id: "job_2",
    amount_msats: 100,
    second_opinion_msats: 50,
    operator_fee_msats: 2,
  }),
];

const CANCELED: Happening[] = [
  happening(0, "job.dispatched", { job_id: "job_4", provider_worker_id: "wrk_c" }),
  happening(5, "job.canceled", { job_id: "job_4" }),
];

test("each number is what the logs say", () => {
  const jobs = [...jobRecords("run_1", REWORKED), ...jobRecords("run_2", CANCELED)];
  const probes = [{ cap: "memory_mib_max", refusedBy: "no_eligible_provider" }];
  assert.deepEqual(computeMetrics(jobs, probes), {
    jobs: { work: 3, repeated: 1, runs: 2 },
    fill_rate: 1 / 3,
    median_job_latency_ms: 20,
    effective_cost_msats: 152,
    provider_breadth: 2,
    verification_pass_rate: 1 / 2,
    verification_pass_rate_by_provider: { wrk_a: 1, wrk_c: 0 },
    rework_rate: 1 / 2,
    fallbacks: 0,
    caps_enforced: true,
    cap_probes: [{ cap: "memory_mib_max", refused_by: "no_eligible_provider" }],
  });
});

test("of nothing there is no rate, and what was not tried is not enforced", () => {
  const metrics = computeMetrics([], []);
  assert.equal(metrics.fill_rate, null);
  assert.equal(metrics.median_job_latency_ms, null);
  assert.equal(metrics.effective_cost_msats, null);
  assert.equal(metrics.caps_enforced, false);
  const missed = computeMetrics([], [{ cap: "memory_mib_max", refusedBy: undefined }]);
  assert.equal(missed.caps_enforced, false);
});

test("an even number of latencies has the middle of both in the middle", () => {
  const logs = [10, 20].map((reportedMs, n) =>
    jobRecords(`run_${n}`, [
      happening(0, "job.dispatched", { job_id: "job_1" }),
      happening(reportedMs, "job.reported", { job_id: "job_1", outcome: "reported" }),
    ]),
  );
  assert.equal(computeMetrics(logs.flat(), []).median_job_latency_ms, 15);
});

test("a job that went to another provider is that one's, and counted as one job", () => {
  const [job, ...others] = jobRecords("run_1", [
    happening(0, "job.dispatched", { job_id: "job_1", provider_worker_id: "wrk_a" }),
    happening(5, "job.reassigned", { job_id: "job_1", provider_worker_id: "wrk_b" }),
    happening(9, "job.reported", { job_id: "job_1", outcome: "reported" }),
    happening(10, "verification.recorded", { job_id: "job_1", verdict: "proven" }),
  ]);
  assert.ok(job);
  assert.equal(others.length, 0);
  const metrics = computeMetrics([job], []);
  assert.equal(metrics.fallbacks, 1);
  assert.equal(metrics.fill_rate, 1);
  assert.deepEqual(metrics.verification_pass_rate_by_provider, { wrk_b: 1 });
});

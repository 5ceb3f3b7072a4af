import assert from "node:assert/strict";
import { test } from "node:test";
import type { Job, VerificationResult } from "@openagents/contracts";
import { decidePayment } from "./payment.ts";

test("a provider is told credited only for what is settled in its favour", () => {
  const cases: [Partial<Job>, Partial<VerificationResult> | undefined, string, RegExp][] = [
    [{ status: "leased" }, undefined, "pending", /not reported/],
    [{ status: "reported" }, undefined, "pending", /not verified it yet/],
    [{ status: "reported" }, { status: "awaiting_second_opinion" }, "pending", /runs it again/],
    [{ status: "verified" }, { verdict: "needs_review" }, "pending", /a person/],
    [{ status: "verified" }, { verdict: "proven" }, "pending", /proven; the buyer has not settled/],
    [{ status: "verified" }, DISAGREED, "pending", /third run/],
    [{ status: "settled" }, { verdict: "proven" }, "credited", /./],
    [{ status: "settled" }, { verdict: "needs_review", review: "accepted" }, "credited", /./],
    [{ status: "settled" }, { verdict: "needs_review", review: "rejected" }, "not_paid", /needs_review/],
    [{ status: "settled" }, { verdict: "passed_only" }, "not_paid", /passed_only: the rule/],
    [{ status: "settled" }, DISAGREED, "not_paid", /another result/],
    [{ status: "settled" }, undefined, "pending", /cannot be read/],
    [{ status: "settled", purpose: "second_opinion" }, { verdict: "failed" }, "credited", /second opinion/],
    [{ status: "reported", purpose: "second_opinion" }, undefined, "pending", /not settled/],
    [{ status: "canceled" }, undefined, "not_paid", /called off/],
    [
      { status: "settled", failure: { code: "toolchain_missing", detail: "" } },
      undefined,
      "not_paid",
      /toolchain_missing/,
    ],
  ];
  for (const [jobPart, verdictPart, state, because] of cases) {
    const verification = verdictPart === undefined ? undefined : { ...verdict, ...verdictPart };
    const payment = decidePayment({ ...job, ...jobPart }, verification);
    assert.equal(payment.state, state, JSON.stringify([jobPart.status, jobPart.purpose, verdictPart]));
    assert.match(payment.because, because);
  }
});

test("whom a second run contradicted is told credited when the third one bore it out in time, and only then", () => {
  const verification = { ...verdict, ...DISAGREED };
  const settledJob: Job = { ...job, status: "settled", updatedAt: 5 };
  for (const [outcome, decidedAt, state] of [
    ["second_struck", 5, "credited"],
    ["second_struck", 6, "not_paid"],
    ["first_struck", 5, "not_paid"],
    ["flaky", 5, "not_paid"],
  ] as const)
    assert.equal(decidePayment(settledJob, verification, { outcome, decidedAt }).state, state, outcome);
});

const DISAGREED = { verdict: "inconclusive", disagreement: true } as const;

const verdict: VerificationResult = {
  jobId: "job_1",
  verdict: "failed",
  assurance: "provider",
  proof: "by_exit_code",
  violations: [],
  because: "the rule",
  status: "final",
  disagreement: false,
  reviewPaths: [],
};

const job: Job = {
  jobId: "job_1",
  runId: "run_1",
  jobHash: "",
  status: "reported",
  quoteId: "",
  reservationId: "",
  providerWorkerId: "wrk_1",
  spec: {
    baseBundleSha256: "",
    baseCommit: "",
    baseTree: "",
    patchSha256: "",
    patchTestPaths: [],
    guardPaths: [],
    checkPaths: [],
    layers: [],
    commands: ["true"],
    limits: { wallMs: 1n, cpuMs: 1n, memoryMib: 1, pids: 1, diskMib: 1, outputBytes: 1n },
    toolchains: [],
  },
  createdAt: 0,
  updatedAt: 0,
  purpose: "work",
  repeats: 1,
};

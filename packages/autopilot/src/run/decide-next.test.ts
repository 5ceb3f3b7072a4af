import assert from "node:assert/strict";
import { test } from "node:test";
import type { Settlement, VerificationResult } from "@openagents/contracts";
import { decideNext } from "./decide-next.ts";
import type { Attempt } from "./journal.ts";

function verdict(changes: Partial<VerificationResult>): VerificationResult {
  return {
    jobId: "job_x",
    verdict: "proven",
    assurance: "self",
    proof: "by_tests",
    violations: [],
    because: "a rule",
    status: "final",
    disagreement: false,
    reviewPaths: [],
    ...changes,
  };
}

function settled(status: Settlement["status"]): Settlement {
  return {
    jobId: "job_x",
    reservationId: "rsv_x",
    status,
    payOn: "outcome",
    providerMsats: 1n,
    operatorFeeMsats: 1n,
    verificationReceiptId: "ver_x",
    settledAt: 0,
    secondOpinionMsats: 0n,
  };
}

function earlier(...verdicts: readonly VerificationResult["verdict"][]): readonly Attempt[] {
  return verdicts.map((one) => ({ orders: [{ verification: verdict({ verdict: one }) }] }));
}

test("what follows a verdict", () => {
  const [released, withheld] = [settled("released"), settled("withheld")];
  for (const [what, changes, settlement, before, kind] of [
    ["proven and paid", {}, released, [], "succeeded"],
    ["proven and not paid", {}, withheld, [], "failed"],
    ["to be reviewed", { verdict: "needs_review" }, undefined, [], "needs_review"],
    ["accepted", { verdict: "needs_review", review: "accepted" }, released, [], "succeeded"],
    ["rejected", { verdict: "needs_review", review: "rejected" }, withheld, [], "failed"],
    ["failed", { verdict: "failed" }, withheld, [], "again"],
    ["failed twice", { verdict: "failed" }, withheld, earlier("failed"), "again"],
    ["failed at the last attempt", { verdict: "failed" }, withheld, earlier("failed", "failed"), "failed"],
    ["shows nothing", { verdict: "passed_only" }, withheld, [], "again"],
    ["shows nothing again", { verdict: "passed_only" }, withheld, earlier("inconclusive"), "failed"],
    ["undecided after a failure", { verdict: "inconclusive" }, withheld, earlier("failed"), "again"],
    ["disagreed about", { verdict: "inconclusive", disagreement: true }, withheld, [], "failed"],
  ] as const) {
    assert.equal(decideNext(verdict(changes), settlement, before, 3).kind, kind, what);
  }
});

test("a failure names its rule, and a disagreement its incident", () => {
  const next = decideNext(
    verdict({ verdict: "inconclusive", disagreement: true, incidentId: "inc_1" }),
    settled("withheld"),
    [],
    3,
  );
  assert.ok(next.kind === "failed");
  assert.equal(next.problem.code, "verdict_disagreement");
  assert.match(next.problem.detail, /inc_1/);
});

test("what a disagreement came to is told as the money went", () => {
  const disagreed = verdict({ verdict: "inconclusive", disagreement: true });
  for (const [settlement, told] of [
    [settled("released"), /contradicts the second one, and the first provider was credited/],
    [
      { ...settled("withheld"), secondOpinionMsats: 1n },
      /contradicts the first one, and the second provider/,
    ],
    [{ ...settled("withheld"), withheldReason: "incident_undecided" }, /nobody decided in time/],
    [{ ...settled("withheld"), withheldReason: "disagreement" }, /bears out neither/],
  ] as const) {
    const next = decideNext(disagreed, settlement, [], 3);
    assert.match(next.kind === "failed" ? next.problem.detail : "", told);
  }
});

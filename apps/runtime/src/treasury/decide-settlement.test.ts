import assert from "node:assert/strict";
import { test } from "node:test";
import { assuranceValues, reviewDecisionValues, verdictValues } from "@openagents/contracts";
import { decideSettlement, type Verified } from "./decide-settlement.ts";

const PRICE = {
  providerPriceMsats: 1_000n,
  operatorFeeMsats: 5n,
  secondOpinion: { priceMsats: 100n, feeMsats: 1n },
};

test("only a confirmed proof, or a confirmed result that a person accepted, releases", () => {
  for (const verdict of verdictValues) {
    for (const assurance of assuranceValues) {
      for (const review of [undefined, ...reviewDecisionValues]) {
        const { withheldReason } = decideSettlement(verified({ verdict, assurance }), review, PRICE);
        const good = verdict === "proven" || (verdict === "needs_review" && review === "accepted");
        const released = good && assurance !== "provider";
        assert.equal(withheldReason === undefined, released, `${verdict} ${assurance} ${review}`);
      }
    }
  }
});

test("a proof on the provider's word releases when its buyer chose sampling and it was not drawn, and then only", () => {
  const reported = (decision: "required" | "drawn" | "not_drawn", verdict: Verified["verdict"]) =>
    decideSettlement(verified({ assurance: "provider", rerun: { decision }, verdict }), undefined, PRICE);
  assert.deepEqual(reported("not_drawn", "proven"), {
    withheldReason: undefined,
    providerMsats: 1_000n,
    secondOpinionMsats: 0n,
    operatorFeeMsats: 5n,
  });
  assert.equal(reported("drawn", "proven").withheldReason, "not_confirmed");
  assert.equal(reported("required", "proven").withheldReason, "not_confirmed");
  for (const verdict of verdictValues.filter((each) => each !== "proven"))
    assert.equal(reported("not_drawn", verdict).withheldReason, `verdict_${verdict}`);
});

test("a second run that agreed is paid with its fee, and nothing else is when a person rejects the patch", () => {
  assert.deepEqual(decideSettlement(verified({ verdict: "needs_review" }), "rejected", PRICE), {
    withheldReason: "review_rejected",
    providerMsats: 0n,
    secondOpinionMsats: 100n,
    operatorFeeMsats: 1n,
  });
});

test("what breaks rules or is disputed is withheld by that reason first, though the verdict be proven", () => {
  const broken = verified({ violations: ["trees_equal"], disagreement: true });
  assert.equal(decideSettlement(broken, undefined, PRICE).withheldReason, "violations");
  const disputed = verified({ disagreement: true, assurance: "provider" });
  assert.deepEqual(decideSettlement(disputed, "accepted", PRICE), {
    withheldReason: "disagreement",
    providerMsats: 0n,
    secondOpinionMsats: 0n,
    operatorFeeMsats: 0n,
  });
});

test("no settlement is more than the quoted price", () => {
  const decision = decideSettlement(verified({}), undefined, PRICE);
  assert.equal(
    decision.providerMsats + decision.secondOpinionMsats + decision.operatorFeeMsats,
    1_106n,
    "both runs and both fees",
  );
});

function verified(changes: Partial<Verified>): Verified {
  return {
    verdict: "proven",
    assurance: "independent",
    violations: [],
    disagreement: false,
    rerun: { decision: "required" },
    ...changes,
  };
}

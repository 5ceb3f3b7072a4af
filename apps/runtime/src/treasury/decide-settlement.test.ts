import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decideSettlement,
  waitsForReview,
  type Charged,
  type Price,
  type Verified,
} from "./decide-settlement.ts";
import {
  assuranceValues,
  incidentOutcomeValues,
  payOnValues,
  reviewDecisionValues,
  verdictValues,
  type IncidentKind,
  type IncidentOutcome,
} from "@openagents/contracts";

const PRICE: Price = {
  payOn: "outcome",
  priced: { priceMsats: 1_000n, feeMsats: 5n, adderMsats: 0n },
  secondOpinion: { priceMsats: 100n, feeMsats: 1n },
};

/** What a second run can confirm; the others are of copies on a panel. */
const CONFIRMABLE = verdictValues.filter((each) => each !== "agreed" && each !== "outvoted");

const AS_QUOTED: Charged = { firstMsats: undefined, secondMsats: undefined };

test("only a confirmed proof, or a confirmed result that a person accepted, releases", () => {
  for (const verdict of CONFIRMABLE) {
    for (const assurance of assuranceValues) {
      for (const review of [undefined, ...reviewDecisionValues]) {
        const { withheldReason } = decideSettlement(
          verified({ verdict, assurance }),
          review,
          PRICE,
          AS_QUOTED,
        );
        const good = verdict === "proven" || (verdict === "needs_review" && review === "accepted");
        const released = good && assurance !== "provider";
        assert.equal(withheldReason === undefined, released, `${verdict} ${assurance} ${review}`);
      }
    }
  }
});

test("a proof on the provider's word releases when its buyer chose sampling and it was not drawn, and then only", () => {
  const reported = (decision: "required" | "drawn" | "not_drawn", verdict: Verified["verdict"]) =>
    decideSettlement(
      verified({ assurance: "provider", rerun: { decision }, verdict }),
      undefined,
      PRICE,
      AS_QUOTED,
    );
  assert.deepEqual(reported("not_drawn", "proven"), {
    withheldReason: undefined,
    providerMsats: 1_000n,
    secondWithheldReason: "no_answer",
    secondOpinionMsats: 0n,
    operatorFeeMsats: 5n,
    secondFeeMsats: 0n,
  });
  assert.equal(reported("drawn", "proven").withheldReason, "not_confirmed");
  assert.equal(reported("required", "proven").withheldReason, "not_confirmed");
  for (const verdict of CONFIRMABLE.filter((each) => each !== "proven"))
    assert.notEqual(reported("not_drawn", verdict).withheldReason, undefined, verdict);
});

test("a second run that agreed is paid with its fee, and nothing else is when a person rejects the patch", () => {
  assert.deepEqual(decideSettlement(verified({ verdict: "needs_review" }), "rejected", PRICE, AS_QUOTED), {
    withheldReason: "review_rejected",
    providerMsats: 0n,
    secondWithheldReason: undefined,
    secondOpinionMsats: 100n,
    operatorFeeMsats: 1n,
    secondFeeMsats: 1n,
  });
});

test("what breaks rules or is disputed is withheld by that reason first, though the verdict be proven", () => {
  const broken = verified({ violations: ["trees_equal"], disagreement: true });
  assert.equal(decideSettlement(broken, undefined, PRICE, AS_QUOTED).withheldReason, "violations");
  const disputed = verified({ disagreement: true, assurance: "provider" });
  assert.deepEqual(decideSettlement(disputed, "accepted", PRICE, AS_QUOTED), {
    withheldReason: "incident_undecided",
    providerMsats: 0n,
    secondWithheldReason: "incident_undecided",
    secondOpinionMsats: 0n,
    operatorFeeMsats: 0n,
    secondFeeMsats: 0n,
  });
});

test("a disagreement that the operator decided is withheld as one, whoever was wrong", () => {
  const disagreed = verified({ disagreement: true, assurance: "provider" });
  for (const outcome of ["both_struck", "flaky", "undecided"] as const) {
    const incident = { kind: "disagreement", outcome } as const;
    const decision = decideSettlement(disagreed, undefined, PRICE, AS_QUOTED, incident);
    assert.deepEqual(
      [decision.withheldReason, decision.secondWithheldReason],
      ["disagreement", "disagreement"],
    );
  }
});

test("where the operator has decided, whoever told the truth is paid for the run and nobody else", () => {
  const disagreed = verified({ verdict: "inconclusive", disagreement: true, assurance: "provider" });
  const paid = (outcome: IncidentOutcome, of: Verified, kind: IncidentKind) => {
    const decision = decideSettlement(of, undefined, PRICE, AS_QUOTED, { kind, outcome });
    return [decision.providerMsats, decision.secondOpinionMsats, decision.operatorFeeMsats];
  };
  const nobody = [0n, 0n, 0n];
  for (const outcome of incidentOutcomeValues) {
    const expected = { first_struck: [0n, 100n, 1n], second_struck: [1_000n, 0n, 5n] };
    const wronged = outcome === "first_struck" || outcome === "second_struck" ? expected[outcome] : nobody;
    assert.deepEqual(paid(outcome, disagreed, "disagreement"), wronged, outcome);
    const broken = verified({ verdict: "inconclusive", violations: ["x"], assurance: "provider" });
    assert.deepEqual(paid(outcome, broken, "violation"), nobody, outcome);
  }
  assert.deepEqual(paid("both_struck", verified({}), "dispute"), nobody);
  assert.deepEqual(paid("report_confirmed", verified({}), "dispute"), [1_000n, 100n, 6n]);
  assert.deepEqual(paid("flaky", verified({}), "dispute"), [1_000n, 100n, 6n]);
});

test("no settlement is more than the quoted price", () => {
  const decision = decideSettlement(verified({}), undefined, PRICE, AS_QUOTED);
  assert.equal(
    decision.providerMsats + decision.secondOpinionMsats + decision.operatorFeeMsats,
    1_106n,
    "both runs and both fees",
  );
});

test("paid by execution, every confirmed answer releases at once, and nothing that is disputed, broken or unclear does", () => {
  const price: Price = { ...PRICE, payOn: "execution" };
  for (const verdict of CONFIRMABLE) {
    assert.equal(waitsForReview({ verdict }, "execution"), false);
    for (const assurance of assuranceValues) {
      for (const review of [undefined, ...reviewDecisionValues]) {
        const honest = decideSettlement(verified({ verdict, assurance }), review, price, AS_QUOTED);
        const pays = verdict !== "inconclusive" && assurance !== "provider";
        assert.equal(honest.withheldReason === undefined, pays, `${verdict} ${assurance} ${review}`);
        for (const bad of [{ violations: ["trees_equal"] }, { disagreement: true }]) {
          const { providerMsats } = decideSettlement(
            verified({ verdict, assurance, ...bad }),
            review,
            price,
            AS_QUOTED,
          );
          assert.equal(providerMsats, 0n);
        }
      }
    }
  }
});

test("of a panel's copies the answer that was decided on is paid, and by execution every answer", () => {
  const price: Price = { ...PRICE, secondOpinion: undefined };
  const why = (verdict: Verified["verdict"], payOn: Price["payOn"]) =>
    decideSettlement(verified({ verdict, assurance: "provider" }), undefined, { ...price, payOn }, AS_QUOTED)
      .withheldReason;
  assert.deepEqual([why("agreed", "outcome"), why("agreed", "execution")], [undefined, undefined]);
  assert.deepEqual(
    [why("outvoted", "outcome"), why("outvoted", "execution")],
    ["verdict_outvoted", undefined],
  );
  assert.equal(why("inconclusive", "execution"), "verdict_inconclusive");
});

test("who charges less is paid less, who charges more is paid the quote, and the operator's part is as quoted", () => {
  const amounts = fc.bigInt({ min: 0n, max: 10n ** 15n });
  fc.assert(
    fc.property(amounts, amounts, amounts, (quoted, firstMsats, secondMsats) => {
      const part = { priceMsats: quoted, feeMsats: 5n };
      const price: Price = {
        payOn: "outcome",
        priced: { ...part, adderMsats: 500n },
        secondOpinion: part,
      };
      const paid = decideSettlement(verified({}), undefined, price, { firstMsats, secondMsats });
      assert.equal(paid.providerMsats, firstMsats < quoted ? firstMsats : quoted);
      assert.equal(paid.secondOpinionMsats, secondMsats < quoted ? secondMsats : quoted);
      assert.equal(paid.operatorFeeMsats, 510n);
    }),
  );
});

test("for any quote, charge and verdict, each party gets its own part or nothing, and what is left is never below nothing", () => {
  const amount = fc.bigInt({ min: 0n, max: 10n ** 15n });
  const charge = fc.option(amount, { nil: undefined });
  const part = fc.record({ priceMsats: amount, feeMsats: amount });
  const quote = fc.record({
    payOn: fc.constantFrom(...payOnValues),
    priced: fc.record({ priceMsats: amount, feeMsats: amount, adderMsats: amount }),
    secondOpinion: fc.option(part, { nil: undefined }),
  });
  const result = fc.record({
    verdict: fc.constantFrom(...verdictValues),
    assurance: fc.constantFrom(...assuranceValues),
    violations: fc.constantFrom([], ["trees_equal"]),
    disagreement: fc.boolean(),
    rerun: fc.constantFrom(undefined, { decision: "not_drawn" as const }),
  });
  const reviewed = fc.constantFrom(undefined, "expired" as const, ...reviewDecisionValues);
  const incident = fc.option(
    fc.record({
      kind: fc.constantFrom("dispute" as const, "disagreement" as const, "violation" as const),
      outcome: fc.constantFrom(undefined, ...incidentOutcomeValues),
    }),
    { nil: undefined },
  );
  fc.assert(
    fc.property(
      result,
      reviewed,
      quote,
      charge,
      charge,
      incident,
      (of, review, price, firstMsats, secondMsats, about) => {
        const paid = decideSettlement(of, review, price, { firstMsats, secondMsats }, about);
        const { priced, secondOpinion } = price;
        const second = secondOpinion ?? { priceMsats: 0n, feeMsats: 0n };
        const reserved =
          priced.priceMsats + priced.feeMsats + priced.adderMsats + second.priceMsats + second.feeMsats;
        const returned = reserved - paid.providerMsats - paid.secondOpinionMsats - paid.operatorFeeMsats;
        assert.ok(returned >= 0n);
        const firstFee = paid.operatorFeeMsats - paid.secondFeeMsats;
        if (paid.withheldReason === undefined) {
          assert.equal(paid.providerMsats, least(priced.priceMsats, firstMsats));
          assert.equal(firstFee, priced.feeMsats + priced.adderMsats);
        } else assert.deepEqual([paid.providerMsats, firstFee], [0n, 0n]);
        if (paid.secondWithheldReason === undefined) {
          assert.equal(paid.secondOpinionMsats, least(second.priceMsats, secondMsats));
          assert.equal(paid.secondFeeMsats, second.feeMsats);
        } else assert.deepEqual([paid.secondOpinionMsats, paid.secondFeeMsats], [0n, 0n]);
      },
    ),
    { numRuns: 2_000 },
  );
});

function least(quoted: bigint, charged: bigint | undefined): bigint {
  return charged !== undefined && charged < quoted ? charged : quoted;
}

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

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  artifactShare,
  heldZone,
  isOperator,
  mayReceiveSource,
  mayShareArtifacts,
  rerunRateBps,
} from "./zones.ts";

const BUYER = "org_buyer";

// zone, whose account; then: source by default, source by the market, shares artifacts, decides disputes
const TABLE: readonly (readonly [number, string, boolean, boolean, boolean, boolean])[] = [
  [0, "org_operator", true, true, true, true],
  [5, BUYER, true, true, true, false],
  [5, "org_other", false, true, true, false],
  [10, BUYER, false, true, false, false],
  [10, "org_other", false, true, false, false],
  // No zone of ours: never more than everyone else.
  [1, BUYER, false, true, false, false],
  [-1, BUYER, false, true, false, false],
  [Number.NaN, BUYER, false, true, false, false],
];

test("what each zone may do, for the buyer's own account and for another one", () => {
  for (const [zoneTenths, account, own, market, shares, decides] of TABLE) {
    const party = { zoneTenths, account };
    const label = `zone ${zoneTenths} of ${account}`;
    assert.equal(mayReceiveSource(party, { buyerOrg: BUYER, market: false }), own, label);
    assert.equal(mayReceiveSource(party, { buyerOrg: BUYER, market: true }), market, label);
    assert.equal(mayShareArtifacts(party), shares, label);
    assert.equal(isOperator(party), decides, label);
  }
});

test("who is trusted less is looked at more often and has less room", () => {
  const inputs = [0, 5, 10, 7].map((zoneTenths) => [
    rerunRateBps({ zoneTenths }),
    artifactShare({ zoneTenths }),
  ]);
  assert.deepEqual(inputs, [
    [1_000, 1],
    [2_000, 1],
    [5_000, 0.1],
    [5_000, 0.1],
  ]);
});

test("of two statements about a zone the less trusted one holds", () => {
  assert.equal(heldZone(0, 5), 5);
  assert.equal(heldZone(10, 5), 10);
  assert.equal(heldZone(5, 5), 5);
});

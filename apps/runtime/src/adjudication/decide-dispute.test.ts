import assert from "node:assert/strict";
import { test } from "node:test";
import { DISPUTE_WINDOW_MS, decideDispute, type DisputeFacts } from "./decide-dispute.ts";

const GOOD: DisputeFacts = {
  purpose: "work",
  isOpinion: false,
  verifiedAtMs: 0,
  hasResult: true,
  hasIncident: false,
  disputesOpen: 0,
  standing: { settledJobs: 0, disputedJobs: 0, disputesLost: 0 },
};

test("a dispute that several rules forbid is refused by the first of them", () => {
  const rules: readonly (readonly [string, Partial<DisputeFacts>])[] = [
    ["job_not_work", { purpose: "second_opinion" }],
    ["job_not_verified", { verifiedAtMs: undefined }],
    ["nothing_reported", { hasResult: false }],
    ["incident_exists", { hasIncident: true }],
    ["dispute_window_over", {}],
    ["disputes_open_max", { disputesOpen: 3 }],
    ["disputes_lost_max", { standing: { settledJobs: 39, disputedJobs: 9, disputesLost: 3 } }],
  ];
  for (const [index, [reason]] of rules.entries()) {
    const broken = Object.assign(
      {},
      GOOD,
      ...rules
        .slice(index)
        .map(([, facts]) => facts)
        .toReversed(),
    );
    const nowMs = index <= 4 ? DISPUTE_WINDOW_MS : DISPUTE_WINDOW_MS - 1;
    assert.equal(decideDispute(broken, nowMs), reason);
  }
  assert.equal(decideDispute(GOOD, DISPUTE_WINDOW_MS - 1), undefined);
});

test("who settles much may lose more disputes", () => {
  const standing = { settledJobs: 40, disputedJobs: 9, disputesLost: 3 };
  assert.equal(decideDispute({ ...GOOD, standing }, 0), undefined);
});

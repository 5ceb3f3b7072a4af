import assert from "node:assert/strict";
import { test } from "node:test";
import { GRACE_MS, decideStep, type Undecided } from "./decide-step.ts";

const LATE_MS = 100 * 86_400_000;
const REPORTED: Undecided = {
  jobId: "job_1",
  status: "reported",
  updatedAtMs: 0,
  seconds: 0,
  secondUpdatedAtMs: undefined,
  awaitsReview: false,
  disagreement: false,
  reviewedAtMs: undefined,
  incident: undefined,
  panel: undefined,
};
const VERIFIED: Undecided = { ...REPORTED, status: "verified" };
const DISPUTE = { kind: "dispute", status: "open", decidedAtMs: undefined } as const;

const step = (job: Undecided, nowMs: number) => decideStep(job, nowMs);

test("nothing is done before the grace is over, counted from whatever happened last", () => {
  assert.equal(step(REPORTED, GRACE_MS - 1).kind, "wait");
  assert.equal(step(REPORTED, GRACE_MS).kind, "verify");
  assert.equal(step({ ...REPORTED, secondUpdatedAtMs: 5 }, GRACE_MS + 4).kind, "wait");
  assert.equal(step({ ...VERIFIED, reviewedAtMs: 5 }, GRACE_MS + 4).kind, "wait");
  const decided = { ...DISPUTE, status: "decided", decidedAtMs: 5 } as const;
  assert.equal(step({ ...VERIFIED, incident: decided }, GRACE_MS + 4).kind, "wait");
  assert.equal(step({ ...VERIFIED, incident: decided }, GRACE_MS + 5).kind, "settle");
});

test("a step's key follows from the job's state and nothing else, so that it is taken once", () => {
  assert.deepEqual(step(REPORTED, GRACE_MS), step({ ...REPORTED, updatedAtMs: 7 }, 10 * GRACE_MS));
  assert.notDeepEqual(step(REPORTED, GRACE_MS), step({ ...REPORTED, seconds: 1 }, GRACE_MS));
});

test("what waits for a person, a dispute or a disagreement's decision is not settled here", () => {
  assert.equal(step({ ...VERIFIED, awaitsReview: true }, LATE_MS).kind, "wait");
  assert.equal(step({ ...VERIFIED, incident: DISPUTE }, LATE_MS).kind, "wait");
  const disagreed: Undecided = {
    ...VERIFIED,
    disagreement: true,
    incident: { ...DISPUTE, kind: "disagreement" },
  };
  assert.equal(step(disagreed, LATE_MS).kind, "wait");
  const violation: Undecided = {
    ...disagreed,
    disagreement: false,
    incident: { ...DISPUTE, kind: "violation" },
  };
  assert.equal(step(violation, GRACE_MS).kind, "settle", "nobody is paid for it whatever is decided");
});

test("a copy waits for its panel's time, or for the last copy, and after a tie for a person", () => {
  const panel = {
    panelId: "pnl_1",
    status: "open",
    outstanding: 1,
    decideByMs: LATE_MS,
    reviewByMs: undefined,
  } as const;
  const copy = (change: object) => ({ ...REPORTED, panel: { ...panel, ...change } });
  assert.equal(step(copy({}), LATE_MS).kind, "wait", "its buyer has some time then");
  assert.equal(step(copy({}), LATE_MS + GRACE_MS).kind, "decide");
  assert.equal(step(copy({ outstanding: 0 }), GRACE_MS).kind, "decide");
  const tied = copy({ status: "needs_review", outstanding: 0, reviewByMs: 2 * LATE_MS });
  assert.equal(step(tied, LATE_MS + GRACE_MS).kind, "wait");
  assert.equal(step(tied, 2 * LATE_MS + GRACE_MS).kind, "decide");
  assert.equal(step({ ...copy({ status: "decided" }), status: "verified" }, GRACE_MS).kind, "settle");
});

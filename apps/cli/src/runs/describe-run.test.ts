import assert from "node:assert/strict";
import { test } from "node:test";
import type { Run, RunSummary } from "@openagents/contracts";
import { executorWords, moneyWords, nextCommands, statusWords, verdictWords } from "./describe-run.ts";

const ID = "run_1";
const EXECUTOR = { executorId: "exe_1", epoch: 1n, expiresAt: 0, lost: false };

test("what to type next goes by who executes the run, what it waits for, and how it ended", () => {
  const next = (changes: Partial<Run>, summary: Partial<RunSummary> = {}, repo?: string) =>
    nextCommands({ run: runOf(changes), summary: summaryOf(summary), branch: madeIn(repo) });
  const cancel = `openagents runs cancel ${ID}`;
  const resume = `openagents run --resume ${ID}`;
  assert.deepEqual(next({ executor: EXECUTOR }), [cancel]);
  assert.deepEqual(next({ executor: { ...EXECUTOR, lost: true } }), [resume, cancel]);
  assert.deepEqual(next({}), [resume, cancel]);
  assert.deepEqual(next({ status: "canceling" }), [cancel]);
  assert.deepEqual(next({ forkedFrom: "run_0" }), [cancel], "a fork has nothing to be resumed from");
  assert.deepEqual(next({}, { waitsForReview: true }), [
    `openagents runs accept ${ID}`,
    `openagents runs reject ${ID}`,
  ]);
  assert.deepEqual(next({ status: "failed" }, { reservedMsats: 5_000n }), [cancel]);
  assert.deepEqual(next({ status: "failed" }, { waitsForReview: true }), []);
  assert.deepEqual(next({ status: "succeeded" }, {}, "/srv/a"), ["git -C /srv/a merge openagents/x"]);
  assert.deepEqual(next({ status: "succeeded" }, {}, "/srv/it's"), [
    "git -C '/srv/it'\\''s' merge openagents/x",
  ]);
  assert.deepEqual(next({ status: "succeeded" }), []);
});

test("the words say what waits, what is lost, what is spent, and never call a report verified", () => {
  const standing = (changes: Partial<Run>, summary?: Partial<RunSummary>) => ({
    run: runOf(changes),
    summary: summary === undefined ? undefined : summaryOf(summary),
  });
  assert.equal(statusWords(standing({}, { waitsForReview: true })), "waits for review");
  assert.equal(statusWords(standing({ executor: { ...EXECUTOR, lost: true } })), "running, executor lost");
  assert.equal(statusWords(standing({ status: "failed" }, { waitsForReview: true })), "failed");
  assert.equal(verdictWords(standing({})), "none yet");
  const reported = { verdict: "proven", assurance: "provider" } as const;
  assert.equal(verdictWords(standing({}, reported)), "proven, reported by the provider");
  assert.equal(verdictWords(standing({}, { ...reported, assurance: "self" })), "proven, verified (self)");
  assert.equal(moneyWords(standing({})), "not known yet");
  const money = { spentMsats: 2_000n, budgetMsats: 5_000n, reservedMsats: 1_000n };
  assert.match(moneyWords(standing({}, money)), /^2 sat of 5 sat, 1 sat set aside$/);
  assert.match(executorWords(standing({ executor: { ...EXECUTOR, lost: true } })), /^lost: not heard from/);
  assert.equal(executorWords(standing({ status: "failed", executor: EXECUTOR })), "none, it has ended");
});

function madeIn(repo: string | undefined) {
  return repo === undefined ? undefined : { name: "openagents/x", repo };
}

function runOf(changes: Partial<Run>): Run {
  return {
    runId: ID,
    org: "org_a",
    createdBy: "usr_a",
    status: "running",
    metadata: {},
    latestSeq: 1n,
    trajectoryHash: "",
    createdAt: 0,
    updatedAt: 0,
    ...changes,
  };
}

function summaryOf(changes: Partial<RunSummary>): RunSummary {
  return {
    runId: ID,
    status: "running",
    lastSeq: 1n,
    eventCount: 1n,
    lastEventType: "",
    attempts: 1,
    waitsForReview: false,
    reservedMsats: 0n,
    spentMsats: 0n,
    projectionHash: "",
    ...changes,
  };
}

import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunOutcome } from "@openagents/autopilot";
import { reportLines } from "../demo/report.ts";
import { noStyle } from "../terminal/index.ts";
import { endLines, runJson, runLines } from "./report.ts";

const OUTCOME: RunOutcome = {
  runId: "run_1",
  state: "failed",
  attempts: 1,
  agentName: "scripted",
  verification: undefined,
  settlement: undefined,
  providerWorkerId: undefined,
  spentMsats: 0n,
  budgetMsats: 5_000_000n,
  openMsats: 0n,
  unseen: false,
  bundleDir: undefined,
  branch: undefined,
  branchRepo: undefined,
  pullRequestUrl: undefined,
  patchFile: undefined,
  problem: undefined,
};

const text = (outcome: Partial<RunOutcome>) => runLines({ ...OUTCOME, ...outcome }, noStyle).join("\n");

test("money that is set aside is named with what ends that", () => {
  for (const [state, words] of [
    ["failed", /set aside +7 sat until the provider has ended.*openagents runs cancel run_1/],
    ["canceled", /set aside +7 sat until the provider has ended.*openagents runs cancel run_1/],
    ["needs_review", /set aside +7 sat until you accept or reject the patch/],
    ["stopped", /set aside +7 sat until the run goes on or is canceled/],
  ] as const) {
    assert.match(text({ state, openMsats: 7_000n }), words);
    assert.doesNotMatch(text({ state }), /set aside/);
  }
  assert.match(text({ openMsats: 7_000n }), /\nopenagents runs cancel run_1$/);
  assert.equal(JSON.parse(runJson({ ...OUTCOME, openMsats: 7_000n })).reserved_msats, 7_000);
});

test("a rejection is a person's only when a person rejected", () => {
  const verification = {
    jobId: "job_1",
    verdict: "needs_review",
    assurance: "self",
    proof: "by_tests",
    violations: [],
    because: "a rule",
    status: "final",
    disagreement: false,
    reviewPaths: [],
    review: "rejected",
  } as const;
  assert.match(text({ verification }), /rejected by a person/);
  assert.match(
    text({ verification, unseen: true }),
    /rejected when the run was ended, before a person looked/,
  );
});

test("money that went to the second run is not told as given back", () => {
  const settlement = {
    jobId: "job_1",
    reservationId: "rsv_1",
    status: "withheld",
    payOn: "outcome",
    providerMsats: 0n,
    operatorFeeMsats: 1_000n,
    secondOpinionMsats: 8_000n,
    verificationReceiptId: "vrfy_1",
    settledAt: 0,
  } as const;
  const report = { ok: false, outcome: { ...OUTCOME, settlement }, address: undefined };
  assert.match(
    reportLines(report, noStyle).join("\n"),
    /nothing to the provider, 8 sat for the second run, 1 sat to the operator; the rest was given back/,
  );
});

test("a word that came too late says so, and one that did its work does not", () => {
  const head = (outcome: Partial<RunOutcome>, word: "accepted" | "rejected" | "canceled") =>
    endLines({ ...OUTCOME, ...outcome }, word, noStyle)[1];
  assert.equal(head({ state: "succeeded" }, "canceled"), "– it already succeeded; nothing was canceled");
  assert.equal(head({ state: "failed" }, "canceled"), "– it already failed; nothing was canceled");
  assert.equal(head({ state: "canceled" }, "canceled"), "✓ canceled");
  assert.equal(head({ state: "failed" }, "rejected"), "✗ not proven");
});

test("what was asked to be canceled and is, is no failure, unless money is set aside still", () => {
  const canceled: RunOutcome = {
    ...OUTCOME,
    state: "canceled",
    problem: { step: "executor", code: "canceled", detail: "The run was canceled." },
  };
  assert.match(text(canceled), /^\n✗ canceled\n[^]*problem/);
  const ended = endLines(canceled, "canceled", noStyle).join("\n");
  assert.match(ended, /^\n✓ canceled\n/);
  assert.doesNotMatch(ended, /problem/);
  const fork = { ...canceled, problem: { ...canceled.problem, code: "run_not_here", detail: "No journal." } };
  const told = endLines({ ...canceled, ...fork } as RunOutcome, "canceled", noStyle).join("\n");
  assert.match(told, /✓ canceled\n[^]*note +No journal\./);
  const open = endLines({ ...canceled, openMsats: 7_000n }, "canceled", noStyle).join("\n");
  assert.match(open, /– canceled, and not all of its money is back[^]*7 sat[^]*runs cancel run_1$/);
});

test("the merge works from any folder, and a person reads sats in a problem", () => {
  const done = { state: "succeeded", branch: "openagents/x", branchRepo: "/srv/my repo" } as const;
  assert.match(text(done), /\ngit -C '\/srv\/my repo' merge openagents\/x$/);
  const problem = {
    step: "reserve",
    code: "budget_exceeded",
    detail: "The check costs 180500 msats, and 10000 msats are left.",
  } as const;
  assert.match(text({ problem }), /The check costs 180\.500 sat, and 10 sat are left\. \(budget_exceeded\)/);
  assert.match(JSON.parse(runJson({ ...OUTCOME, problem })).problem.detail, /180500 msats/);
});

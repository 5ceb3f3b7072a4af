// What a run came to: for a machine as one JSON object, for a person in a few
// lines, for a script as an exit code.

import { join } from "node:path";
import type { RunOutcome } from "@openagents/autopilot";
import { EXIT } from "../cli-error.ts";
import { mergeCommand } from "./describe-run.ts";
import type { Word } from "./end-run.ts";
import { formatSats, inSats, printable, renderPairs, type Style } from "../terminal/index.ts";

/** Only what someone else reproduced is called verified. */
export function isVerified({ verification }: RunOutcome): boolean {
  return verification?.assurance === "self" || verification?.assurance === "independent";
}

/** `interrupted`: by Ctrl-C. */
export function runExitCode(outcome: RunOutcome, interrupted: boolean): number {
  switch (outcome.state) {
    case "succeeded":
      return isVerified(outcome) ? EXIT.ok : EXIT.failed;
    case "needs_review":
      return EXIT.needsReview;
    case "failed":
    case "canceled":
      return EXIT.failed;
    case "stopped":
      return interrupted ? EXIT.interrupted : EXIT.failed;
  }
}

/** Members that have no value are null. */
export function runJson(outcome: RunOutcome): string {
  const { verification, settlement, problem } = outcome;
  return JSON.stringify({
    ok: outcome.state === "succeeded" && isVerified(outcome),
    run_id: outcome.runId,
    state: outcome.state,
    attempts: outcome.attempts,
    agent: outcome.agentName,
    job_id: verification?.jobId ?? null,
    second_job_id: verification?.secondJobId ?? null,
    provider_id: outcome.providerWorkerId ?? null,
    verdict: verification?.verdict ?? null,
    assurance: verification?.assurance ?? null,
    proof: verification?.proof ?? null,
    review: verification?.review ?? null,
    review_paths: verification?.reviewPaths ?? [],
    incident_id: verification?.incidentId ?? null,
    base_exit_code: verification?.baseExitCode ?? null,
    patched_exit_code: verification?.patchedExitCode ?? null,
    guard_exit_code: verification?.guardExitCode ?? null,
    tests_fixed: verification?.testsFixed ?? null,
    tests_kept: verification?.testsKept ?? null,
    settlement_status: settlement?.status ?? null,
    spent_msats: Number(outcome.spentMsats),
    budget_msats: Number(outcome.budgetMsats),
    reserved_msats: Number(outcome.openMsats),
    bundle_dir: outcome.bundleDir ?? null,
    branch: outcome.branch ?? null,
    pull_request_url: outcome.pullRequestUrl ?? null,
    patch_file: outcome.patchFile ?? null,
    problem: problem ?? null,
  });
}

export function runLines(outcome: RunOutcome, style: Style): string[] {
  return linesUnder(headline(outcome, style), outcome, style);
}

/** After a person's word; one that came too late changed nothing, and that is said first. */
export function endLines(outcome: RunOutcome, word: Word, style: Style): string[] {
  const tooLate = whyTooLate(outcome, word);
  if (tooLate !== undefined)
    return linesUnder(style.yellow(`– ${tooLate}; nothing was ${word}`), outcome, style);
  if (word !== "canceled" || outcome.state !== "canceled") return runLines(outcome, style);
  // What was asked for is done: the run's own problem, that it was canceled, is none of the command's.
  const { problem, openMsats } = outcome;
  const head =
    openMsats > 0n
      ? style.yellow("– canceled, and not all of its money is back yet")
      : style.green("✓ canceled");
  const note =
    problem === undefined || problem.code === "canceled"
      ? []
      : [["note", printable(problem.detail)] as const];
  return linesUnder(head, { ...outcome, problem: undefined }, style, note);
}

function whyTooLate({ state, verification }: RunOutcome, word: Word): string | undefined {
  if (word === "canceled")
    return state === "succeeded" || state === "failed" ? `it already ${state}` : undefined;
  const review = verification?.review;
  if (review === undefined || review === word) return undefined;
  return `it was ${state === "canceled" ? state : review} already`;
}

function linesUnder(
  head: string,
  outcome: RunOutcome,
  style: Style,
  notes: readonly (readonly [string, string])[] = [],
): string[] {
  const { verification, problem } = outcome;
  const pairs: (readonly [string, string])[] = [];
  if (verification !== undefined) {
    const { verdict, proof, because } = verification;
    const whose = isVerified(outcome) ? `verified (${verification.assurance})` : "reported by the provider";
    pairs.push(["verdict", `${words(verdict)} (${words(proof)}), ${whose}`]);
    pairs.push(["because", printable(because)]);
  }
  if (verification?.review !== undefined) pairs.push(["review", reviewOf(verification.review, outcome)]);
  pairs.push(["spent", `${formatSats(outcome.spentMsats)} of ${formatSats(outcome.budgetMsats)}`]);
  if (outcome.openMsats > 0n)
    pairs.push(["set aside", `${formatSats(outcome.openMsats)} ${untilWhen(outcome)}`]);
  if (problem !== undefined)
    pairs.push(["problem", printable(`${inSats(problem.detail)} (${problem.code})`)]);
  pairs.push(...notes);
  if (verification?.verdict === "needs_review" && verification.reviewPaths.length > 0)
    pairs.push(["look at", printable(verification.reviewPaths.slice(0, 20).join(", "))]);
  if (verification?.verdict === "failed" && outcome.bundleDir !== undefined)
    pairs.push(["output", `of the check: the end of it is in ${join(outcome.bundleDir, "PR_SUMMARY.md")}`]);
  pairs.push(["run", outcome.runId]);
  if (outcome.bundleDir !== undefined) pairs.push(["bundle", outcome.bundleDir]);
  if (outcome.pullRequestUrl !== undefined) pairs.push(["pull request", outcome.pullRequestUrl]);
  if (outcome.branch !== undefined) pairs.push(["branch", outcome.branch]);
  else if (outcome.patchFile !== undefined) pairs.push(["patch", outcome.patchFile]);
  return ["", head, ...renderPairs(pairs, style), ...nextSteps(outcome, style)];
}

function reviewOf(review: string, { unseen }: RunOutcome): string {
  return unseen ? `${review} when the run was ended, before a person looked at it` : `${review} by a person`;
}

/** How long money stays set aside, and what ends it. */
export function untilWhen({ state, runId }: RunOutcome): string {
  switch (state) {
    case "needs_review":
      return "until you accept or reject the patch";
    case "stopped":
      return "until the run goes on or is canceled";
    case "succeeded":
    case "failed":
    case "canceled":
      return `until the provider has ended its work; then settle it with openagents runs cancel ${runId}`;
  }
}

function headline(outcome: RunOutcome, style: Style): string {
  switch (outcome.state) {
    case "succeeded": {
      const how = outcome.verification?.review === undefined ? "proven" : "accepted";
      return isVerified(outcome)
        ? style.green(`✓ ${how} and verified`)
        : style.yellow(`– ${how}, and reported only`);
    }
    case "needs_review":
      return style.yellow("– it passes, and it waits for your review");
    case "canceled":
      return style.red("✗ canceled");
    case "failed":
      return style.red("✗ not proven");
    case "stopped":
      return style.yellow("– stopped; nothing of it is lost");
  }
}

function nextSteps(
  { state, runId, branch, branchRepo, pullRequestUrl, patchFile, openMsats }: RunOutcome,
  style: Style,
): string[] {
  if (state === "needs_review")
    return [style.dim(`openagents runs accept ${runId}`), style.dim(`openagents runs reject ${runId}`)];
  if (state === "stopped")
    return [style.dim(`openagents run --resume ${runId}`), style.dim(`openagents runs cancel ${runId}`)];
  if (state !== "succeeded") return openMsats > 0n ? [style.dim(`openagents runs cancel ${runId}`)] : [];
  if (pullRequestUrl !== undefined) return [];
  if (branch !== undefined && branchRepo !== undefined)
    return [style.dim(mergeCommand({ name: branch, repo: branchRepo }))];
  return patchFile === undefined ? [] : [style.dim(`git apply ${patchFile}`)];
}

function words(value: string): string {
  return value.replaceAll("_", " ");
}

// What a run came to, as its journal tells it.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { patchFile } from "./run-files.ts";
import { openMsats, spentMsats, type Journal, type RunProblem } from "./journal.ts";
import { bundledAttempt } from "./result.ts";
import type { RunDeps, RunOutcome, RunState } from "./run.ts";
import { runFolder } from "./session.ts";

/** `trouble` is what kept this process from going on to its end. */
export function outcomeOf(deps: RunDeps, journal: Journal, trouble: RunProblem | undefined): RunOutcome {
  const { runId, request, attempts, ending } = journal;
  const checked = attempts
    .flatMap(({ orders }) => orders)
    .findLast(({ verification }) => verification !== undefined);
  const last = attempts.at(-1)?.orders.at(-1);
  const attempt = bundledAttempt(journal);
  return {
    runId,
    state: stateOf(journal, trouble),
    attempts: attempts.length,
    agentName: deps.agentOf(request.agent).name,
    verification: checked?.verification,
    settlement: checked?.settlement,
    providerWorkerId: (checked ?? last)?.quote?.providerWorkerId,
    spentMsats: spentMsats(journal),
    budgetMsats: request.budgetMsats,
    openMsats: openMsats(journal),
    unseen: checked?.unseen === true,
    bundleDir: journal.bundleDir,
    branch: journal.branch,
    branchRepo: journal.branch === undefined ? undefined : journal.base?.origin?.repo,
    pullRequestUrl: journal.pullRequestUrl,
    patchFile: attempt === undefined ? undefined : placeOf(deps, journal, attempt),
    problem: trouble ?? ending?.problem,
  };
}

function stateOf(journal: Journal, trouble: RunProblem | undefined): RunState {
  const { ending, attempts } = journal;
  // A run whose provider is at work still has ended all the same; its money is named.
  if (ending !== undefined) return journal.done === true || trouble === undefined ? ending.status : "stopped";
  if (trouble !== undefined) return "stopped";
  const verification = attempts.at(-1)?.orders.at(-1)?.verification;
  return verification?.verdict === "needs_review" ? "needs_review" : "stopped";
}

function placeOf(deps: RunDeps, { runId, bundleDir }: Journal, attempt: number): string {
  const bundled = bundleDir === undefined ? undefined : join(bundleDir, "patch.diff");
  return bundled !== undefined && existsSync(bundled) ? bundled : patchFile(runFolder(deps, runId), attempt);
}

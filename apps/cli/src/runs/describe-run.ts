// How a run stands, for a person: its verdict, its money, who executes it, and
// what to type next. Pure.

import type { MadeBranch } from "@openagents/autopilot";
import type { Run, RunSummary } from "@openagents/contracts";
import { formatSats, formatTime } from "../terminal/index.ts";

export type Standing = {
  readonly run: Run;
  /** Absent when nothing was derived from it yet. */
  readonly summary: RunSummary | undefined;
  readonly branch?: MadeBranch | undefined;
};

const FINISHED = ["succeeded", "failed", "canceled"];

/** The status, or what it waits for. */
export function statusWords({ run, summary }: Standing): string {
  if (FINISHED.includes(run.status)) return run.status;
  if (run.executor?.lost === true) return `${run.status}, executor lost`;
  return run.status === "running" && summary?.waitsForReview === true ? "waits for review" : run.status;
}

export function verdictWords({ summary }: Standing): string {
  if (summary?.verdict === undefined) return "none yet";
  const { assurance } = summary;
  const isVerified = assurance === "self" || assurance === "independent";
  const whose = isVerified ? `verified (${assurance})` : "reported by the provider";
  return `${summary.verdict.replaceAll("_", " ")}, ${whose}`;
}

/** What was spent of what it may spend, and what is set aside. */
export function moneyWords({ summary }: Standing): string {
  if (summary === undefined) return "not known yet";
  const { spentMsats, budgetMsats, reservedMsats } = summary;
  const budget = budgetMsats === undefined ? "" : ` of ${formatSats(budgetMsats)}`;
  const held = reservedMsats === 0n ? "" : `, ${formatSats(reservedMsats)} set aside`;
  return `${formatSats(spentMsats)}${budget}${held}`;
}

export function executorWords({ run }: Standing): string {
  if (FINISHED.includes(run.status)) return "none, it has ended";
  const { executor } = run;
  if (executor === undefined) return "none";
  const until = `${formatTime(executor.expiresAt)} UTC`;
  return executor.lost
    ? `lost: not heard from since before ${until}`
    : `${executor.executorId}, until ${until} or longer`;
}

/** Commands that take it further, the likeliest first. */
export function nextCommands({ run, summary, branch }: Standing): string[] {
  const { runId, status, executor } = run;
  const cancel = `openagents runs cancel ${runId}`;
  if (FINISHED.includes(status)) {
    if ((summary?.reservedMsats ?? 0n) > 0n) return [cancel];
    return status === "succeeded" && branch !== undefined ? [mergeCommand(branch)] : [];
  }
  if (status === "canceling") return [cancel];
  if (summary?.waitsForReview === true)
    return [`openagents runs accept ${runId}`, `openagents runs reject ${runId}`];
  const isExecuted = executor !== undefined && !executor.lost;
  // A fork has a log and no workspace: there is nothing here to resume it from.
  return isExecuted || run.forkedFrom !== undefined ? [cancel] : [`openagents run --resume ${runId}`, cancel];
}

/** From whatever folder it is typed in. */
export function mergeCommand({ repo, name }: MadeBranch): string {
  return `git -C ${quoted(repo)} merge ${name}`;
}

/** As a shell takes it. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

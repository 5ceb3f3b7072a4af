// What a panel's decision says of each of its copies: a verification with its
// receipt and event, upon which the copy settles like any other job.
//
// PNL-4  To judge otherwise than the panel is no fault: nobody is struck, and no incident is opened.

import type { Command } from "@openagents/authority";
import type { Assurance, Proof, Verdict } from "@openagents/contracts";
import type { Write } from "@openagents/postgres";
import { resultFacts, settleJob, updateJob, type Job } from "../jobs/index.ts";
import type { EventDraft } from "../runs/index.ts";
import { insertVerification } from "../verification/index.ts";
import { answerOf, type Panel } from "./panel.ts";

export type CopyVerdicts = { readonly events: readonly EventDraft[]; readonly writes: readonly Write[] };

/** `panel` as it was decided; `jobs` are those of its copies that were handed in. */
export function recordVerdicts(
  command: Command,
  panel: Panel,
  jobs: readonly Job[],
  byPerson: boolean,
  nowMs: number,
): CopyVerdicts {
  const parts = jobs.map((job) => recordVerdict(command, panel, jobs, job, byPerson, nowMs));
  return { events: parts.map(({ event }) => event), writes: parts.flatMap(({ writes }) => writes) };
}

function recordVerdict(
  command: Command,
  panel: Panel,
  jobs: readonly Job[],
  job: Job,
  byPerson: boolean,
  nowMs: number,
) {
  const answer = answerOf(job);
  const verdict = verdictOf(panel, answer);
  const because = becauseOf(panel, verdict, job);
  const assurance = verdict === "agreed" ? assuranceOf(panel, jobs, job, byPerson) : "provider";
  const proof: Proof = byPerson ? "by_person" : "by_majority";
  const facts = {
    run_id: job.runId,
    job_id: job.jobId,
    job_hash: job.jobHash,
    panel_id: panel.panelId,
    panel_receipt_id: panel.receiptId,
    dispatch_receipt_id: job.dispatchReceiptId,
    completed_receipt_id: job.completedReceiptId ?? null,
    provider_worker_id: job.providerWorkerId,
    verdict,
    because,
    assurance,
    proof,
    violations: [],
    ...(job.result === undefined
      ? { failure_code: job.failure?.code ?? "" }
      : { answer_sha256: answer ?? "", result: resultFacts(job.result) }),
  };
  const receipt = command.seal("openagents.runtime.verification.v2", job.runId, facts, nowMs, job.org);
  const verification = insertVerification({
    jobId: job.jobId,
    verdict,
    assurance,
    proof,
    because,
    violations: [],
    reviewPaths: [],
    baseExitCode: undefined,
    patchedExitCode: undefined,
    guardExitCode: undefined,
    testsFixed: undefined,
    testsKept: undefined,
    secondJobId: undefined,
    disagreement: false,
    incidentId: undefined,
    rerun: undefined,
    receiptId: receipt.receipt_id,
    receiptSha256: receipt.canonical_json_sha256,
    verifiedAtMs: nowMs,
  });
  return {
    event: { eventType: "verification.recorded", payload: { ...facts, receipt_id: receipt.receipt_id } },
    writes: [verification, updateJob(settleJob(job, "verified", nowMs))],
  };
}

function verdictOf({ answerSha256 }: Panel, answer: string | undefined): Verdict {
  if (answer === undefined) return "inconclusive";
  return answer === answerSha256 ? "agreed" : "outvoted";
}

function becauseOf(panel: Panel, verdict: Verdict, { failure }: Job): string {
  if (verdict === "inconclusive") return `the provider reported ${failure?.code ?? "nothing"}`;
  return panel.because ?? "";
}

/** Who else says so: the buyer's own people and devices are not independent of it. */
function assuranceOf({ org }: Panel, jobs: readonly Job[], job: Job, byPerson: boolean): Assurance {
  const others = jobs.filter((each) => each !== job && answerOf(each) === answerOf(job));
  if (!byPerson && others.some((other) => other.providerOrg !== org)) return "independent";
  return byPerson || others.length > 0 ? "self" : "provider";
}

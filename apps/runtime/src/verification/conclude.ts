// Making a verdict final: the verification with its receipt and event, the jobs
// that it closes, and the incident that it opens when results cannot all be true.

import { newId, type Command, type Outcome } from "@openagents/authority";
import type { Assurance, IncidentKind, Rerun, VerifySandboxRunResponse } from "@openagents/contracts";
import type { Write } from "@openagents/postgres";
import type { JsonObject } from "@openagents/receipts";
import { insertIncident, type Incident } from "../fraud/index.ts";
import { isOpinionSpec, isRepoIndex, resultFacts, settleJob, updateJob, type Job } from "../jobs/index.ts";
import { extendRun, type EventDraft, type Run } from "../runs/index.ts";
import type { Decision } from "./decide-verification.ts";
import { countAgreeing } from "../standings/index.ts";
import { rerunFacts } from "./rerun.ts";
import { insertVerification, type Verification } from "./store.ts";
import { verificationMessage } from "./wire.ts";

export type Conclusion = {
  readonly run: Run;
  readonly job: Job;
  readonly first: Decision;
  /** The job that repeated the work, or should have. */
  readonly second?: Job;
  readonly assurance?: Assurance;
  readonly disagreement?: boolean;
  /** Why the result was run a second time, or was not; undefined where it would not be paid for. */
  readonly rerun?: Rerun | undefined;
};

/** Make the verdict final. */
export function conclude(command: Command, conclusion: Conclusion): Outcome<VerifySandboxRunResponse> {
  const { run, job, first, second, assurance = "provider", disagreement = false } = conclusion;
  const nowMs = command.nowMs();
  const kind = disagreement ? "disagreement" : first.violations.length > 0 ? "violation" : undefined;
  const incident = kind === undefined ? undefined : openIncident(command, conclusion, kind, nowMs);
  const facts = verificationFacts(conclusion, assurance, incident?.incidentId);
  const receipt = command.seal("openagents.runtime.verification.v2", run.runId, facts, nowMs);
  const verification: Verification = {
    jobId: job.jobId,
    verdict: first.verdict,
    assurance,
    proof: first.proof,
    because: first.because,
    violations: first.violations,
    reviewPaths: first.reviewPaths,
    baseExitCode: first.exitCodes.get("base"),
    patchedExitCode: first.exitCodes.get("patched"),
    guardExitCode: first.exitCodes.get("guard"),
    testsFixed: first.testsFixed,
    testsKept: first.testsKept,
    secondJobId: second?.jobId,
    disagreement,
    incidentId: incident?.incidentId,
    rerun: conclusion.rerun,
    receiptId: receipt.receipt_id,
    receiptSha256: receipt.canonical_json_sha256,
    verifiedAtMs: nowMs,
  };
  const event: EventDraft = {
    eventType: "verification.recorded",
    payload: { ...facts, receipt_id: receipt.receipt_id },
  };
  return {
    kind: "answer",
    output: { verification: verificationMessage(verification, undefined), receiptId: receipt.receipt_id },
    writes: [
      insertVerification(verification),
      updateJob(settleJob(job, "verified", nowMs)),
      ...closeSecond(second, nowMs),
      // A disputed or unconfirmed job says nothing for its provider.
      ...(assurance === "provider" ? [] : [countAgreeing(job.providerOrg)]),
      ...(incident === undefined ? [] : [insertIncident(incident)]),
      ...extendRun(run, [event], nowMs).writes,
    ],
  };
}

/** One that is still open is called off with the verdict; one that was called off stays so. */
function closeSecond(second: Job | undefined, nowMs: number): Write[] {
  if (second === undefined || second.status === "canceled") return [];
  return [updateJob(settleJob(second, second.status === "reported" ? "verified" : "canceled", nowMs))];
}

function openIncident(
  command: Command,
  { run, job, first, second }: Conclusion,
  kind: IncidentKind,
  nowMs: number,
): Incident {
  const incidentId = newId("inc", nowMs);
  const detail = kind === "violation" ? first.violations.join(", ").slice(0, 2_000) : first.because;
  const facts = {
    incident_id: incidentId,
    kind,
    run_id: run.runId,
    job_id: job.jobId,
    job_hash: job.jobHash,
    first_worker_id: job.providerWorkerId,
    ...(second === undefined
      ? {}
      : { second_job_id: second.jobId, second_worker_id: second.providerWorkerId }),
    detail,
  };
  // Listed by its own id: an incident goes on after its run, whose receipts are complete at its end.
  const receipt = command.seal("openagents.fraud.incident.v1", incidentId, facts, nowMs);
  return {
    incidentId,
    kind,
    status: "open",
    org: job.org,
    runId: run.runId,
    jobId: job.jobId,
    firstWorkerId: job.providerWorkerId,
    secondJobId: second?.jobId,
    secondWorkerId: second?.providerWorkerId,
    thirdJobId: undefined,
    outcome: undefined,
    detail,
    receiptId: receipt.receipt_id,
    openedAtMs: nowMs,
    decidedAtMs: undefined,
  };
}

function verificationFacts(
  { job, first, second, disagreement = false, rerun }: Conclusion,
  assurance: Assurance,
  incidentId: string | undefined,
): JsonObject {
  const guardExitCode = first.exitCodes.get("guard");
  const { spec } = job;
  if (isOpinionSpec(spec)) throw new Error(`${job.jobId} is decided by its panel`);
  return {
    run_id: job.runId,
    job_id: job.jobId,
    job_hash: job.jobHash,
    dispatch_receipt_id: job.dispatchReceiptId,
    completed_receipt_id: job.completedReceiptId ?? null,
    provider_worker_id: job.providerWorkerId,
    base_bundle_sha256: spec.baseBundleSha256,
    base_commit: spec.baseCommit,
    base_tree: spec.baseTree,
    ...(isRepoIndex(spec) ? {} : { patch_sha256: spec.patchSha256 }),
    verdict: first.verdict,
    because: first.because,
    assurance,
    proof: first.proof,
    violations: [...first.violations],
    review_paths: [...first.reviewPaths],
    disagreement,
    ...(guardExitCode === undefined ? {} : { guard_exit_code: guardExitCode }),
    ...(first.testsFixed === undefined ? {} : { tests_fixed: first.testsFixed }),
    ...(first.testsKept === undefined ? {} : { tests_kept: first.testsKept }),
    ...(job.result === undefined
      ? { failure_code: job.failure?.code ?? "" }
      : { result: resultFacts(job.result) }),
    ...(second === undefined ? {} : secondFacts(second)),
    ...(rerun === undefined ? {} : { rerun: rerunFacts(rerun) }),
    ...(incidentId === undefined ? {} : { incident_id: incidentId }),
  };
}

function secondFacts(second: Job): JsonObject {
  return {
    second_job_id: second.jobId,
    second_worker_id: second.providerWorkerId,
    ...(second.completedReceiptId === undefined
      ? {}
      : { second_completed_receipt_id: second.completedReceiptId }),
    ...(second.result === undefined
      ? { second_failure_code: second.failure?.code ?? "not_run" }
      : { second_result: resultFacts(second.result) }),
  };
}

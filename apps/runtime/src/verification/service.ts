import type { Authority, Outcome } from "@openagents/authority";
import {
  ProblemError,
  type CommandCall,
  type CommandReply,
  type VerifySandboxRunRequest,
  type VerifySandboxRunResponse,
} from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import type { JsonObject } from "@openagents/receipts";
import type { ArtifactDisk } from "../artifacts/index.ts";
import { listGranted, readPatch } from "../artifacts/index.ts";
import { findJob, lockJob, outputsOf, resultFacts, updateJob, type Job } from "../jobs/index.ts";
import { notFound } from "../problems.ts";
import { extendRun, requireLockedRun } from "../runs/index.ts";
import { decideVerification, type Decision, type Evidence } from "./decide-verification.ts";
import { insertVerification, type Verification } from "./store.ts";

export type VerificationDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly disk: ArtifactDisk;
};

/** Record the verdict on a reported job. Refused: `job_not_reported`, `already_verified`. */
export async function verifySandboxRun(
  deps: VerificationDeps,
  call: CommandCall,
  request: VerifySandboxRunRequest,
): Promise<CommandReply> {
  // Reading and hashing takes as long as the disk takes, so it happens before
  // the transaction. A reported result and stored bytes never change again.
  const seen = await findJob(deps.db, request.jobId);
  if (seen === undefined || seen.org !== call.principal.org) throw notFound("job", request.jobId);
  const evidence = seen.status === "reported" ? await gatherEvidence(deps, seen) : undefined;

  return deps.authority.execute<VerifySandboxRunResponse>(call, request, async (command) => {
    const run = await requireLockedRun(command.tx, seen.org, seen.runId);
    const job = await lockJob(command.tx, request.jobId);
    if (job.status !== "reported") return refuse(job);
    // Reported since we looked: nothing is decided, and the caller asks again with the same key.
    if (evidence === undefined) throw notYet();

    const nowMs = command.nowMs();
    const decision = decideVerification(job, evidence);
    const facts = verificationFacts(job, decision);
    const receipt = command.seal("openagents.runtime.verification.v1", run.runId, facts, nowMs);
    const verification: Verification = {
      jobId: job.jobId,
      verdict: decision.verdict,
      assurance: "provider",
      proof: "by_exit_code",
      because: decision.because,
      violations: decision.violations,
      baseExitCode: decision.baseExitCode,
      patchedExitCode: decision.patchedExitCode,
      receiptId: receipt.receipt_id,
      receiptSha256: receipt.canonical_json_sha256,
      verifiedAtMs: nowMs,
    };
    const event = {
      eventType: "verification.recorded",
      payload: { ...facts, receipt_id: receipt.receipt_id },
    };
    return {
      kind: "answer",
      output: { verification, receiptId: receipt.receipt_id },
      writes: [
        insertVerification(verification),
        updateJob({ ...job, status: "verified", updatedAtMs: nowMs }),
        ...extendRun(run, [event], nowMs).writes,
      ],
    };
  });
}

/** Read the patch and hash every output again. An output that the buyer was never granted counts as missing. */
async function gatherEvidence(deps: VerificationDeps, job: Job): Promise<Evidence> {
  const named = job.result === undefined ? [] : outputsOf(job.result);
  const granted = await listGranted(deps.db, job.org, named);
  const outputs = new Map<string, string>();
  for (const sha256 of named) {
    outputs.set(sha256, granted.has(sha256) ? ((await deps.disk.rehash(sha256)) ?? "") : "");
  }
  // Read only when it is still what its hash says: the verdict rests on it.
  const { patchSha256 } = job.spec;
  const intact = (await deps.disk.rehash(patchSha256)) === patchSha256;
  return { patch: intact ? await readPatch(deps.disk, patchSha256) : undefined, outputs };
}

function verificationFacts(job: Job, decision: Decision): JsonObject {
  return {
    run_id: job.runId,
    job_id: job.jobId,
    job_hash: job.jobHash,
    dispatch_receipt_id: job.dispatchReceiptId,
    completed_receipt_id: job.completedReceiptId ?? null,
    provider_worker_id: job.providerWorkerId,
    base_bundle_sha256: job.spec.baseBundleSha256,
    base_commit: job.spec.baseCommit,
    base_tree: job.spec.baseTree,
    patch_sha256: job.spec.patchSha256,
    verdict: decision.verdict,
    because: decision.because,
    assurance: "provider",
    proof: "by_exit_code",
    violations: [...decision.violations],
    ...(job.result === undefined
      ? { failure_code: job.failure?.code ?? "" }
      : { result: resultFacts(job.result) }),
  };
}

function notYet(): ProblemError {
  return new ProblemError({
    status: 503,
    code: "job_just_reported",
    detail: "The provider handed in its result this moment. Send the same request again.",
    retryAfterMs: 100,
  });
}

function refuse(job: Job): Outcome<never> {
  const open = job.status === "queued" || job.status === "leased";
  return {
    kind: "refused",
    rule: "state",
    reason: open ? "job_not_reported" : "already_verified",
    detail: open
      ? "The provider has not handed in a result yet. Ask again when the job is `reported`."
      : `The job is ${job.status}; a job has one verdict.`,
  };
}

// A person's word on a patch that changes what decides whether it passes.

import type { Authority } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  PayOn,
  ReviewVerificationRequest,
  ReviewVerificationResponse,
} from "@openagents/contracts";
import { notFound } from "@openagents/service";
import { lockJob, findJob, type Job } from "../jobs/index.ts";
import { findQuote } from "../marketplace/index.ts";
import { extendRun, requireLockedRun } from "../runs/index.ts";
import { findReview, findVerification, insertReview, type Review, type Verification } from "./store.ts";
import { verificationMessage } from "./wire.ts";

export type ReviewDeps = { readonly authority: Authority };

/** In order of precedence. */
type ReviewRefusal = "job_not_verified" | "review_not_needed" | "already_reviewed" | "already_settled";

/** Accept or reject a job whose verdict is `needs_review`, once. */
export function reviewVerification(
  deps: ReviewDeps,
  call: CommandCall,
  request: ReviewVerificationRequest,
): Promise<CommandReply> {
  return deps.authority.execute<ReviewVerificationResponse>(call, request, async (command) => {
    const { org, id } = call.principal;
    const seen = await findJob(command.tx, request.jobId);
    if (seen === undefined || seen.org !== org) throw notFound("job", request.jobId);
    const run = await requireLockedRun(command.tx, org, seen.runId);
    const job = await lockJob(command.tx, request.jobId);
    const verification = await findVerification(command.tx, job.jobId);
    const earlier = await findReview(command.tx, job.jobId);
    const quote = await findQuote(command.tx, org, job.quoteId ?? "");
    const refused = refuseReview(job, quote?.payOn ?? "outcome", verification, earlier);
    if (refused !== undefined || verification === undefined) {
      const reason = refused ?? "job_not_verified";
      return { kind: "refused", rule: "state", reason, detail: REVIEW_DETAILS[reason] };
    }
    const nowMs = command.nowMs();
    const facts = {
      run_id: run.runId,
      job_id: job.jobId,
      job_hash: job.jobHash,
      verification_receipt_id: verification.receiptId,
      review_paths: [...verification.reviewPaths],
      decision: request.decision,
      note: request.note,
    };
    const receipt = command.seal("openagents.runtime.review.v1", run.runId, facts, nowMs);
    const review: Review = {
      jobId: job.jobId,
      decision: request.decision,
      note: request.note,
      reviewedBy: id,
      receiptId: receipt.receipt_id,
      reviewedAtMs: nowMs,
    };
    const event = {
      eventType: "verification.reviewed",
      payload: { ...facts, receipt_id: receipt.receipt_id },
    };
    return {
      kind: "answer",
      output: { verification: verificationMessage(verification, review), receiptId: receipt.receipt_id },
      writes: [insertReview(review), ...extendRun(run, [event], nowMs).writes],
    };
  });
}

function refuseReview(
  job: Job,
  payOn: PayOn,
  verification: Verification | undefined,
  earlier: Review | undefined,
): ReviewRefusal | undefined {
  if (verification === undefined) return "job_not_verified";
  if (verification.verdict !== "needs_review") return "review_not_needed";
  if (earlier !== undefined) return "already_reviewed";
  if (job.status === "verified") return undefined;
  // Paid for whatever the verdict: the word is about the patch, and the money has not waited for it.
  return job.status === "settled" && payOn === "execution" ? undefined : "already_settled";
}

const REVIEW_DETAILS: Readonly<Record<ReviewRefusal, string>> = {
  job_not_verified: "The job has no final verdict yet. Verify it first.",
  review_not_needed: "Only a verdict of `needs_review` is reviewed; this one decides by itself.",
  already_reviewed: "The job was reviewed already; a review is not taken back.",
  already_settled: "The job is settled; its money has moved already.",
};

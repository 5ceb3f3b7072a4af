// A provider is paid what it was quoted, or less when it asks for less, and never more.

import type { Command, Outcome } from "@openagents/authority";
import type { SubmitResultRequest } from "@openagents/contracts";
import { recordPriceViolation } from "../workers/index.ts";
import type { Job } from "./job.ts";

/** An adjudication has no price, so that nothing can be charged for it. */
export function isOvercharged(job: Job, { chargedMsats }: SubmitResultRequest): boolean {
  return chargedMsats !== undefined && chargedMsats > (job.priceMsats ?? 0n);
}

/** The lease stays, so that the provider can hand in the same result at its price. */
export function refuseOvercharge(
  command: Command,
  job: Job,
  { chargedMsats = 0n }: SubmitResultRequest,
  nowMs: number,
): Outcome<never> {
  const quotedMsats = job.priceMsats ?? 0n;
  const receipt = command.seal(
    "openagents.marketplace.price_integrity_failed.v1",
    job.jobId,
    {
      job_id: job.jobId,
      job_hash: job.jobHash,
      provider_worker_id: job.providerWorkerId,
      quoted_price_msats: Number(quotedMsats),
      charged_msats: Number(chargedMsats),
      variance_msats: Number(chargedMsats - quotedMsats),
    },
    nowMs,
  );
  return {
    kind: "refused",
    rule: "policy",
    reason: "charged_more_than_quoted",
    detail: `The job was ordered for ${quotedMsats} msats, and ${chargedMsats} msats were asked for it. Hand the result in again for at most the quoted price.`,
    receiptId: receipt.receipt_id,
    writes: [recordPriceViolation(job.providerWorkerId)],
  };
}

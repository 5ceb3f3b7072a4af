// Whether a job was paid for, as far as its provider may know. Pure.

import type { Job, VerificationResult } from "@openagents/contracts";

export type Payment = {
  readonly state: "pending" | "credited" | "not_paid";
  /** Why not, or what it waits for. */
  readonly because: string;
};

/** The job as the runtime shows it, and its verdict when there is one. */
export function decidePayment(job: Job, verification: VerificationResult | undefined): Payment {
  if (job.failure !== undefined) {
    return { state: "not_paid", because: `given back: ${job.failure.code}` };
  }
  switch (job.status) {
    case "queued":
    case "leased":
      return { state: "pending", because: "not reported yet" };
    case "canceled":
      return { state: "not_paid", because: "the order was called off" };
    case "reported":
    case "verified":
      return { state: "pending", because: waitsFor(job, verification) };
    case "settled":
      return settled(job, verification);
  }
}

function waitsFor(job: Job, verification: VerificationResult | undefined): string {
  if (job.purpose !== "work") return "the buyer has not settled yet";
  if (verification === undefined) return "the buyer has not verified it yet";
  if (verification.status === "awaiting_second_opinion") return "somebody else runs it again";
  if (verification.verdict === "needs_review" && verification.review === undefined)
    return "a person has to look at it";
  return `the verdict is ${verification.verdict}; the buyer has not settled yet`;
}

function settled(job: Job, verification: VerificationResult | undefined): Payment {
  // A second opinion is paid for whatever it says; an adjudication is the operator's own.
  if (job.purpose === "second_opinion") return { state: "credited", because: "a second opinion" };
  if (job.purpose === "adjudication") return { state: "not_paid", because: "the operator's own run" };
  if (verification === undefined) return { state: "pending", because: "settled; the verdict cannot be read" };
  const { verdict, because, disagreement, review } = verification;
  if (disagreement) return { state: "not_paid", because: "a second run had another result" };
  if (verdict === "proven" || review === "accepted") return { state: "credited", because };
  return { state: "not_paid", because: `${verdict}: ${because}` };
}

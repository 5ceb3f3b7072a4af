// Whether a job was paid for, as far as its provider may know. Pure.

import type { Incident, Job, VerificationResult } from "@openagents/contracts";

export type Payment = {
  readonly state: "pending" | "credited" | "not_paid";
  /** Why not, or what it waits for. */
  readonly because: string;
};

/** The job as the runtime shows it, and its verdict and the incident about it when there are any. */
export function decidePayment(
  job: Job,
  verification: VerificationResult | undefined,
  incident?: Decided,
): Payment {
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
      return settled(job, verification, incident);
  }
}

function waitsFor(job: Job, verification: VerificationResult | undefined): string {
  if (job.purpose !== "work") return "the buyer has not settled yet";
  if (verification === undefined) return "the buyer has not verified it yet";
  if (verification.status === "awaiting_second_opinion") return "somebody else runs it again";
  if (verification.disagreement) return "a second run had another result; it waits for a third run";
  if (verification.verdict === "needs_review" && verification.review === undefined)
    return "a person has to look at it";
  return `the verdict is ${verification.verdict}; the buyer has not settled yet`;
}

type Decided = Pick<Incident, "outcome" | "decidedAt"> | undefined;

function settled(job: Job, verification: VerificationResult | undefined, incident: Decided): Payment {
  // A second opinion is paid for whatever it says; an adjudication is the operator's own.
  if (job.purpose === "second_opinion") return { state: "credited", because: "a second opinion" };
  if (job.purpose === "adjudication") return { state: "not_paid", because: "the operator's own run" };
  if (verification === undefined) return { state: "pending", because: "settled; the verdict cannot be read" };
  const { verdict, because, disagreement, review } = verification;
  if (disagreement) {
    // What is decided after the money moved does not move it again.
    const inTime = (incident?.decidedAt ?? Infinity) <= job.updatedAt;
    return inTime && incident?.outcome === "second_struck"
      ? { state: "credited", because: "a third run contradicts the second one" }
      : { state: "not_paid", because: "a second run had another result" };
  }
  if (verdict === "proven" || review === "accepted") return { state: "credited", because };
  return { state: "not_paid", because: `${verdict}: ${because}` };
}

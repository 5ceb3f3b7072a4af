// What happened in a vignette, in the words of its story. Pure: receipts of
// workers and events of runs become milestones; the order that a vignette
// expects must be among them.

import type { JsonObject } from "@openagents/contracts";

export type Milestone =
  | "DeviceEnrolled"
  | "CapsSet"
  | "RunCreated"
  | "IssueClaimed"
  | "BudgetReserved"
  | "BudgetReturned"
  | "JobDispatched"
  | "JobCompleted"
  | "JobFailed"
  | "JobRejected"
  | "SecondOpinionRequested"
  | "SecondOpinionDispatched"
  | "SecondOpinionCompleted"
  | "VerificationPassed"
  | "VerificationFailed"
  | "PaymentReleased"
  | "PaymentWithheld"
  | "ForgeSkipped"
  | "ProviderDisabled";

/** One thing that happened: an event of a run, or a receipt about a worker. */
export type Happening = {
  readonly atMs: number;
  /** An event's type or a receipt's schema. */
  readonly what: string;
  readonly facts: JsonObject;
};

/** `happenings` are in order for each source; they are merged by time, receipts of workers first. */
export function milestonesOf(
  workers: readonly Happening[],
  events: readonly Happening[],
): readonly Milestone[] {
  const seconds = new Set(
    events
      .filter(({ what, facts }) => what === "job.dispatched" && facts["purpose"] === "second_opinion")
      .map(({ facts }) => facts["job_id"]),
  );
  return [...workers, ...events]
    .toSorted((a, b) => a.atMs - b.atMs)
    .flatMap((happening) => milestonesAt(happening, seconds.has(happening.facts["job_id"] ?? null)));
}

function milestonesAt({ what, facts }: Happening, isSecond: boolean): readonly Milestone[] {
  switch (what) {
    case "openagents.runtime.worker_registered.v1":
      return facts["caps"] === undefined ? ["DeviceEnrolled"] : ["DeviceEnrolled", "CapsSet"];
    case "openagents.runtime.worker_disabled.v1":
      return ["ProviderDisabled"];
    case "run.started":
      return ["RunCreated"];
    case "issue.claimed":
      return ["IssueClaimed"];
    case "budget.reserved":
      return ["BudgetReserved"];
    case "budget.voided":
      return ["BudgetReturned"];
    case "job.dispatched":
      return [isSecond ? "SecondOpinionDispatched" : "JobDispatched"];
    case "job.reported":
      if (isSecond) return ["SecondOpinionCompleted"];
      return [facts["outcome"] === "reported" ? "JobCompleted" : "JobFailed"];
    case "job.canceled":
      return ["JobRejected"];
    case "verification.second_opinion_requested":
      return ["SecondOpinionRequested"];
    case "verification.recorded":
      return [facts["verdict"] === "proven" ? "VerificationPassed" : "VerificationFailed"];
    case "payment.released":
      return ["PaymentReleased"];
    case "payment.withheld":
      return ["PaymentWithheld"];
    case "forge.skipped":
      return ["ForgeSkipped"];
    default:
      return [];
  }
}

/** The first expected milestone that is not there in its place; undefined when all are, in order. */
export function firstMissing(
  happened: readonly Milestone[],
  expected: readonly Milestone[],
): Milestone | undefined {
  let at = 0;
  for (const milestone of expected) {
    const found = happened.indexOf(milestone, at);
    if (found < 0) return milestone;
    at = found + 1;
  }
  return undefined;
}

/** A member that is a text; empty when it is absent or something else. */
export function textOf(facts: JsonObject, name: string): string {
  const value = facts[name];
  return typeof value === "string" ? value : "";
}

// What happened in a vignette, in the words of its story. Pure: receipts of
// workers and events of runs become milestones by one table; the order that a
// vignette expects must be among them.

import type { JsonObject } from "@openagents/contracts";

export type Milestone = (typeof STORY)[number]["milestone"];

/** One thing that happened: an event of a run, or a receipt about a worker. */
export type Happening = {
  readonly atMs: number;
  /** An event's type or a receipt's schema. */
  readonly what: string;
  readonly facts: JsonObject;
};

type Line = {
  readonly milestone: string;
  /** The event's type; for workers, the receipt's schema. */
  readonly what: string;
  /** What the event's receipt must be; absent: there is none, and `remark` says so. */
  readonly schema?: string;
  readonly when?: (facts: JsonObject) => boolean;
  /** Where the record is not one receipt of that name. */
  readonly remark?: string;
};

const is = (name: string, value: string) => (facts: JsonObject) => facts[name] === value;
const isNot = (name: string, value: string) => (facts: JsonObject) => facts[name] !== value;
const isWork = isNot("purpose", "second_opinion");
const isSecond = is("purpose", "second_opinion");

const COMPLETED = "openagents.runtime.job_completed.v1";
const DISPATCHED = "openagents.runtime.job_dispatched.v1";
const REGISTERED = "openagents.runtime.worker_registered.v1";
const STRUCK = "openagents.runtime.worker_struck.v1";
const VERIFIED = "openagents.runtime.verification.v2";
const PAID = "openagents.treasury.payment_receipt.v2";

/** The words of the story, and what of the record each stands for. */
export const STORY = [
  { milestone: "DeviceEnrolled", what: REGISTERED, schema: REGISTERED },
  {
    milestone: "CapsSet",
    what: REGISTERED,
    schema: REGISTERED,
    when: (facts) => facts["caps"] !== undefined,
    remark: "no receipt of its own: caps are part of the worker's registration",
  },
  { milestone: "ProviderStruck", what: STRUCK, schema: STRUCK },
  {
    milestone: "ProviderQuarantined",
    what: STRUCK,
    schema: STRUCK,
    when: (facts) => facts["quarantined"] === true,
    remark: "no receipt of its own: the strike that quarantines says so",
  },
  {
    milestone: "ProviderDisabled",
    what: "openagents.runtime.worker_disabled.v1",
    schema: "openagents.runtime.worker_disabled.v1",
  },
  { milestone: "RunCreated", what: "run.started", schema: "openagents.runtime.run_created.v1" },
  {
    milestone: "IssueClaimed",
    what: "issue.claimed",
    remark: "no receipt: an event that the run's executor writes",
  },
  { milestone: "BudgetReserved", what: "budget.reserved", schema: "openagents.treasury.budget_reserved.v1" },
  {
    milestone: "BudgetReturned",
    what: "budget.voided",
    schema: "openagents.treasury.reservation_voided.v1",
  },
  {
    milestone: "BudgetExpired",
    what: "budget.expired",
    schema: "openagents.treasury.reservation_expired.v1",
  },
  { milestone: "JobDispatched", what: "job.dispatched", schema: DISPATCHED, when: isWork },
  { milestone: "SecondOpinionDispatched", what: "job.dispatched", schema: DISPATCHED, when: isSecond },
  {
    milestone: "LeaseLapsed",
    what: "job.lease_lapsed",
    remark: "no receipt for the buyer's run: the strike about the worker names the lease",
  },
  {
    milestone: "FallbackProviderUsed",
    what: "job.reassigned",
    schema: "openagents.runtime.fallback_provider_used.v1",
  },
  {
    milestone: "JobCompleted",
    what: "job.reported",
    schema: COMPLETED,
    when: (facts) => isWork(facts) && facts["outcome"] === "reported",
  },
  {
    milestone: "JobFailed",
    what: "job.reported",
    schema: COMPLETED,
    when: (facts) => isWork(facts) && facts["outcome"] !== "reported",
    remark: "no receipt of its own: the receipt of the job's end says that it failed",
  },
  { milestone: "SecondOpinionCompleted", what: "job.reported", schema: COMPLETED, when: isSecond },
  { milestone: "JobRejected", what: "job.canceled", schema: "openagents.runtime.job_canceled.v1" },
  {
    milestone: "SecondOpinionRequested",
    what: "verification.second_opinion_requested",
    schema: "openagents.runtime.second_opinion.v1",
  },
  {
    milestone: "VerificationPassed",
    what: "verification.recorded",
    schema: VERIFIED,
    when: is("verdict", "proven"),
  },
  {
    milestone: "VerificationFailed",
    what: "verification.recorded",
    schema: VERIFIED,
    when: isNot("verdict", "proven"),
  },
  { milestone: "PaymentReleased", what: "payment.released", schema: PAID },
  { milestone: "PaymentWithheld", what: "payment.withheld", schema: PAID },
  { milestone: "ForgeUpdated", what: "forge.updated", schema: "openagents.runtime.forge_updated.v1" },
  {
    milestone: "ForgeSkipped",
    what: "forge.skipped",
    schema: "openagents.runtime.forge_skipped.v1",
    remark: "only where an export was intended and not made: a run that ends without a result intends none",
  },
] as const satisfies readonly Line[];

const LINES: readonly (Line & { readonly milestone: Milestone })[] = STORY;

/** `happenings` are in order for each source; they are merged by time, receipts of workers first. */
export function milestonesOf(
  workers: readonly Happening[],
  events: readonly Happening[],
): readonly Milestone[] {
  return [...workers, ...events]
    .toSorted((a, b) => a.atMs - b.atMs)
    .flatMap(({ what, facts }) =>
      LINES.filter((line) => line.what === what && line.when?.(facts) !== false).map(
        ({ milestone }) => milestone,
      ),
    );
}

/** The schema of the receipt that an event of this type must have; undefined when it needs none. */
export function receiptSchemaOf(eventType: string): string | undefined {
  return LINES.find(({ what }) => what === eventType)?.schema;
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

// What a run's events come to: a fold, one event at a time. Pure, and without an
// opinion on whether an event is well formed: what it cannot read it leaves out.
//
// PRJ-1  The same events give the same summary and hash, however they are paged.
// PRJ-2  No event makes it throw.
// Held by summary.test.ts and tests/projections.pg.test.ts.

import {
  assuranceValues,
  runStatusValues,
  verdictValues,
  type Assurance,
  type RunStatus,
  type Verdict,
} from "@openagents/contracts";
import { canonicalize, sha256Hex, type JsonObject, type JsonValue } from "@openagents/receipts";
import type { Run, RunEvent } from "../runs/index.ts";

/** As it is kept and hashed: amounts as numbers, members that have no value absent. */
export type Summary = {
  readonly run_id: string;
  readonly status: RunStatus;
  readonly last_seq: number;
  readonly event_count: number;
  readonly last_event_type: string;
  readonly attempts: number;
  readonly verdict?: Verdict;
  readonly assurance?: Assurance;
  readonly waits_for_review: boolean;
  readonly reserved_msats: number;
  readonly spent_msats: number;
  readonly budget_msats?: number;
  readonly forge_url?: string;
  /** Amounts that are set aside, by reservation. */
  readonly held: Readonly<Record<string, number>>;
};

/** Before the first event of the run's own; a fork begins after those that it shares. */
export function emptySummary({ runId, fork, metadata }: Pick<Run, "runId" | "fork" | "metadata">): Summary {
  const budget = metadata["budget_msats"];
  return {
    run_id: runId,
    status: fork === undefined ? "created" : "running",
    last_seq: Number(fork?.seq ?? 0n),
    event_count: 0,
    last_event_type: "",
    attempts: 0,
    waits_for_review: false,
    reserved_msats: 0,
    spent_msats: 0,
    ...(typeof budget === "number" ? { budget_msats: budget } : {}),
    held: {},
  };
}

/** The summary with the next event in it. */
export function applyEvent(before: Summary, event: Pick<RunEvent, "seq" | "eventType" | "payload">): Summary {
  const { eventType, payload } = event;
  const attempt = numberOf(payload, "attempt");
  return {
    ...before,
    last_seq: Number(event.seq),
    event_count: before.event_count + 1,
    last_event_type: eventType,
    attempts: Math.max(before.attempts, isOfExecutor(eventType) ? attempt : 0),
    ...changeOf(before, eventType, payload),
  };
}

export function summaryHash(summary: Summary): string {
  return `sha256:${sha256Hex(canonicalize(summary))}`;
}

function isOfExecutor(eventType: string): boolean {
  return eventType.startsWith("agent.") || eventType === "patch.made";
}

function changeOf(before: Summary, eventType: string, payload: JsonObject): Partial<Summary> {
  switch (eventType) {
    case "run.started":
      return before.status === "created" ? { status: "running" } : {};
    case "run.cancel_requested":
      return { status: "canceling" };
    case "run.finished":
      return { status: wordOf(runStatusValues, payload["status"]) ?? before.status };
    case "budget.reserved":
      return holding({
        ...before.held,
        [textOf(payload, "reservation_id")]: numberOf(payload, "amount_msats"),
      });
    case "budget.voided":
      return holding(without(before.held, textOf(payload, "reservation_id")));
    case "verification.recorded":
      return verdictOf(payload);
    case "verification.reviewed":
      return { waits_for_review: false };
    case "payment.released":
    case "payment.withheld":
      return {
        ...holding(without(before.held, textOf(payload, "reservation_id"))),
        waits_for_review: false,
        spent_msats: before.spent_msats + spentOf(payload),
      };
    case "forge.updated": {
      const url = textOf(payload, "url");
      return url === "" ? {} : { forge_url: url };
    }
    default:
      return {};
  }
}

function verdictOf(payload: JsonObject): Partial<Summary> {
  const verdict = wordOf(verdictValues, payload["verdict"]);
  const assurance = wordOf(assuranceValues, payload["assurance"]);
  return {
    ...(verdict === undefined ? {} : { verdict }),
    ...(assurance === undefined ? {} : { assurance }),
    waits_for_review: verdict === "needs_review",
  };
}

function holding(held: Readonly<Record<string, number>>): Partial<Summary> {
  return { held, reserved_msats: Object.values(held).reduce((sum, msats) => sum + msats, 0) };
}

function without(held: Readonly<Record<string, number>>, id: string): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(held).filter(([key]) => key !== id));
}

/** As the run receipt counts it. */
function spentOf(payload: JsonObject): number {
  return (
    numberOf(payload, "amount_msats") +
    numberOf(payload, "second_opinion_msats") +
    numberOf(payload, "operator_fee_msats")
  );
}

function numberOf(payload: JsonObject, name: string): number {
  const value = payload[name];
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function textOf(payload: JsonObject, name: string): string {
  const value = payload[name];
  return typeof value === "string" ? value : "";
}

function wordOf<T extends string>(words: readonly T[], value: JsonValue | undefined): T | undefined {
  return words.find((word) => word === value);
}

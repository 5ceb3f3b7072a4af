// What a run is: an ordered event log and a status that three event types move.
// Pure; it may not read a clock or a database.
//
// RUN-1  Events are numbered from 1 without a gap.
// RUN-2  A terminal status never changes.
// RUN-3  Every event extends the hash chain, so the head names the whole log.
// RUN-4  A run that ever had an executor takes events of its latest lease only.
// RUN-5  A fork's numbers and chain continue those of the run that it came from.
// Held by run.test.ts, tests/main-job.pg.test.ts, tests/executor.pg.test.ts and tests/fork.pg.test.ts.

import type { Issue, RunStatus } from "@openagents/contracts";
import { chainEvent, payloadHash, type JsonObject } from "@openagents/receipts";

export type Run = {
  readonly runId: string;
  readonly org: string;
  readonly createdBy: string;
  readonly status: RunStatus;
  readonly issue: Issue | undefined;
  readonly metadata: JsonObject;
  /** Makes the run receipt's hash a commitment. */
  readonly nonce: string;
  readonly latestSeq: bigint;
  /** Head of the chain, 64 hex digits; 64 zeros before the first event. */
  readonly trajectoryHash: string;
  readonly bundleReceiptId: string | undefined;
  readonly executor: Executor;
  /** Absent for a run that began by itself. */
  readonly fork: Fork | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

/** Who may write a run's log. The epoch stays when the lease is given back, as a fence. */
export type Executor = {
  /** Number of the latest lease; 0 for a run that never had one. */
  readonly epoch: bigint;
  /** Absent before the first lease and after a release. A lapsed one is there until it is taken over. */
  readonly lease: ExecutorLease | undefined;
};

export type ExecutorLease = {
  readonly executorId: string;
  readonly expiresAtMs: number;
  /** The log says that it was not heard from any more. */
  readonly lost: boolean;
};

/** Where a fork's log begins: after the first `seq` events of another run. */
export type Fork = {
  readonly fromRunId: string;
  readonly seq: bigint;
  /** How many runs lie behind it. */
  readonly depth: number;
};

export const NO_EXECUTOR: Executor = { epoch: 0n, lease: undefined };

export type RunEvent = {
  readonly seq: bigint;
  readonly eventType: string;
  readonly payload: JsonObject;
  readonly payloadHash: string;
  readonly chainHash: string;
  readonly recordedAtMs: number;
};

export type EventDraft = { readonly eventType: string; readonly payload: JsonObject };

export const EMPTY_TRAJECTORY = "0".repeat(64);

/** Event types that only the runtime's own commands write, by their first word. */
const RESERVED_WORDS = new Set([
  "budget",
  "export",
  "forge",
  "job",
  "payment",
  "quote",
  "receipt",
  "verification",
]);

/** Of the types under `run`, callers write the lifecycle; executor and lineage are the runtime's. */
const RESERVED_TYPES = /^run\.(?:executor_|forked$)/;

const FINISHED_STATUSES = ["succeeded", "failed", "canceled"] as const;

type FinishedStatus = (typeof FINISHED_STATUSES)[number];

export type AppendRefusal =
  | "event_type_reserved"
  | "run_finished"
  | "executor_fenced"
  | "transition_not_allowed"
  | "expected_previous_seq_mismatch";

/** Where each lifecycle event leads from each status; absent means refused. */
const TRANSITIONS: Readonly<Record<RunStatus, Readonly<Partial<Record<Lifecycle, RunStatus>>>>> = {
  created: { started: "running", cancel_requested: "canceling", failed: "failed", canceled: "canceled" },
  running: {
    started: "running",
    cancel_requested: "canceling",
    succeeded: "succeeded",
    failed: "failed",
    canceled: "canceled",
  },
  canceling: { cancel_requested: "canceling", failed: "failed", canceled: "canceled" },
  succeeded: {},
  failed: {},
  canceled: {},
};

type Lifecycle = "started" | "cancel_requested" | FinishedStatus;

/**
 * Whether a caller may append this event, and the status after it. Reasons in
 * order of precedence, as `AppendRefusal` lists them.
 */
export function decideAppend(
  run: Run,
  draft: EventDraft,
  expectedPreviousSeq: bigint | undefined,
  executorEpoch?: bigint,
): { readonly status: RunStatus } | { readonly refused: AppendRefusal } {
  if (isReserved(draft.eventType)) return { refused: "event_type_reserved" };
  if (isFinished(run.status)) return { refused: "run_finished" };
  if (isFenced(run.executor, draft, executorEpoch)) return { refused: "executor_fenced" };
  const lifecycle = lifecycleOf(draft);
  const status = lifecycle === undefined ? run.status : TRANSITIONS[run.status][lifecycle];
  if (status === undefined) return { refused: "transition_not_allowed" };
  if (expectedPreviousSeq !== undefined && expectedPreviousSeq !== run.latestSeq) {
    return { refused: "expected_previous_seq_mismatch" };
  }
  return { status };
}

export function isFinished(status: RunStatus): boolean {
  return FINISHED_STATUSES.some((finished) => finished === status);
}

function isReserved(eventType: string): boolean {
  return RESERVED_WORDS.has(eventType.split(".", 1)[0] ?? "") || RESERVED_TYPES.test(eventType);
}

/**
 * Fencing goes by epoch and not by the clock: an executor whose lease lapsed may
 * write until somebody takes over, because until then nobody else has.
 */
function isFenced({ epoch, lease }: Executor, draft: EventDraft, executorEpoch: bigint | undefined): boolean {
  if (executorEpoch === undefined) {
    // To ask for an end is for those who do not execute the run.
    return epoch > 0n && draft.eventType !== "run.cancel_requested";
  }
  return lease === undefined || executorEpoch !== epoch;
}

/** Whether a `run.finished` says how; without, it is no event of any run. */
export function saysHowItFinished({ eventType, payload: { status } }: EventDraft): boolean {
  return eventType !== "run.finished" || FINISHED_STATUSES.some((finished) => finished === status);
}

function lifecycleOf(draft: EventDraft): Lifecycle | undefined {
  if (draft.eventType === "run.started") return "started";
  if (draft.eventType === "run.cancel_requested") return "cancel_requested";
  if (draft.eventType !== "run.finished") return undefined;
  const { status } = draft.payload;
  return FINISHED_STATUSES.find((finished) => finished === status);
}

/** Extend a run by events that were already decided; also after its end, where the runtime's own commands may. */
export function appendEvents(
  run: Run,
  drafts: readonly EventDraft[],
  nowMs: number,
): { readonly run: Run; readonly events: readonly RunEvent[] } {
  const events: RunEvent[] = [];
  let { latestSeq, trajectoryHash } = run;
  for (const { eventType, payload } of drafts) {
    latestSeq += 1n;
    trajectoryHash = chainEvent(trajectoryHash, {
      seq: Number(latestSeq),
      event_type: eventType,
      payload,
      recorded_at: new Date(nowMs).toISOString(),
    });
    events.push({
      seq: latestSeq,
      eventType,
      payload,
      payloadHash: payloadHash(payload),
      chainHash: trajectoryHash,
      recordedAtMs: nowMs,
    });
  }
  return { run: { ...run, latestSeq, trajectoryHash, updatedAtMs: nowMs }, events };
}

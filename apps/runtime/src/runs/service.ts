import { randomBytes } from "node:crypto";
import { newId, type Authority, type Outcome } from "@openagents/authority";
import type {
  AppendRunEventRequest,
  AppendRunEventResponse,
  CommandCall,
  CommandReply,
  CreateRunRequest,
  CreateRunResponse,
} from "@openagents/contracts";
import type { Tx, Write } from "@openagents/postgres";
import type { JsonValue } from "@openagents/receipts";
import { invalidField, notFound } from "@openagents/service";
import { artifactsKeptBy } from "./kept-journal.ts";
import {
  EMPTY_TRAJECTORY,
  NO_EXECUTOR,
  appendEvents,
  decideAppend,
  saysHowItFinished,
  type AppendRefusal,
  type EventDraft,
  type Run,
} from "./run.ts";
import { insertEvents, insertRun, lockRun, updateRun } from "./store.ts";
import { eventMessage, runMessage } from "./wire.ts";

const METADATA_DEPTH_MAX = 16;

function depthOf(value: JsonValue): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Object.values(value).reduce((deepest: number, inner) => Math.max(deepest, depthOf(inner)), 0);
}

export type RunsDeps = { readonly authority: Authority };

export type AppendDeps = RunsDeps & {
  /** Keeps what a run left for another machine from being collected. */
  readonly keepArtifacts: (tx: Tx, org: string, hashes: readonly string[], nowMs: number) => Promise<unknown>;
};

/** Open a run; its first event says what it is about. */
export function createRun(
  deps: RunsDeps,
  call: CommandCall,
  request: CreateRunRequest,
): Promise<CommandReply> {
  return deps.authority.execute<CreateRunResponse>(call, request, async (command) => {
    // The first event wraps the metadata once, and it must be answerable too.
    if (depthOf(request.metadata) > METADATA_DEPTH_MAX) {
      throw invalidField("metadata", "too_deep", `Metadata nests at most ${METADATA_DEPTH_MAX} levels.`);
    }
    const nowMs = command.nowMs();
    const opened: Run = {
      runId: newId("run", nowMs),
      org: call.principal.org,
      createdBy: call.principal.id,
      status: "running",
      issue: request.issue,
      metadata: request.metadata,
      nonce: randomBytes(16).toString("hex"),
      latestSeq: 0n,
      trajectoryHash: EMPTY_TRAJECTORY,
      bundleReceiptId: undefined,
      executor: NO_EXECUTOR,
      fork: undefined,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    };
    const payload = { issue: issueFacts(request.issue), metadata: request.metadata };
    const { run, events } = appendEvents(opened, [{ eventType: "run.started", payload }], nowMs);
    const receipt = command.seal(
      "openagents.runtime.run_created.v1",
      run.runId,
      { run_id: run.runId, first_event_payload_hash: events[0]?.payloadHash ?? "" },
      nowMs,
    );
    return {
      kind: "answer",
      output: { run: runMessage(run), receiptId: receipt.receipt_id },
      writes: [insertRun(run), ...insertEvents(run, events)],
    };
  });
}

/** Append one event of the caller's own to a run. */
export function appendRunEvent(
  deps: AppendDeps,
  call: CommandCall,
  request: AppendRunEventRequest,
): Promise<CommandReply> {
  return deps.authority.execute<AppendRunEventResponse>(call, request, async (command) => {
    const draft: EventDraft = { eventType: request.eventType, payload: request.payload };
    if (!saysHowItFinished(draft)) {
      throw invalidField(
        "payload.status",
        "finish_status_invalid",
        "A `run.finished` event needs `status` in its payload: succeeded, failed or canceled.",
      );
    }
    const run = await requireLockedRun(command.tx, call.principal.org, request.runId);
    const decision = decideAppend(run, draft, request.expectedPreviousSeq, request.executorEpoch);
    if ("refused" in decision) return refuseAppend(run, decision.refused);

    const nowMs = command.nowMs();
    const kept = artifactsKeptBy(draft);
    if (kept.length > 0) await deps.keepArtifacts(command.tx, run.org, kept, nowMs);
    const { writes, appended, events } = extendRun({ ...run, status: decision.status }, [draft], nowMs);
    const [event] = events;
    if (event === undefined) throw new Error("one draft makes one event");
    return {
      kind: "answer",
      output: {
        event: eventMessage(event),
        status: appended.status,
        trajectoryHash: `sha256:${appended.trajectoryHash}`,
      },
      writes,
    };
  });
}

/** Lock a run of the organisation, or 404. The first lock of every command that touches a run. */
export async function requireLockedRun(tx: Tx, org: string, runId: string): Promise<Run> {
  const run = await lockRun(tx, org, runId);
  if (run === undefined) throw notFound("run", runId);
  return run;
}

/** Append events to a locked run on behalf of one of the runtime's own commands. */
export function extendRun(run: Run, drafts: readonly EventDraft[], nowMs: number): ExtendedRun {
  const { run: appended, events } = appendEvents(run, drafts, nowMs);
  return { appended, events, writes: [updateRun(appended), ...insertEvents(run, events)] };
}

export type ExtendedRun = {
  readonly appended: Run;
  readonly events: ReturnType<typeof appendEvents>["events"];
  readonly writes: readonly Write[];
};

const APPEND_DETAILS: Readonly<Record<AppendRefusal, (run: Run) => string>> = {
  event_type_reserved: () => "Events of this type are written by the runtime's own commands only.",
  run_finished: (run) => `The run is ${run.status}; its log is closed.`,
  executor_fenced: (run) =>
    `The run takes events of its latest executor only, and the lease of epoch ${run.executor.epoch} is not the caller's. Acquire the executor first.`,
  transition_not_allowed: (run) => `A run that is ${run.status} cannot take this event.`,
  expected_previous_seq_mismatch: (run) =>
    `The run's last event is number ${run.latestSeq}. Read it, then decide whether to append again.`,
};

function refuseAppend(run: Run, reason: AppendRefusal): Outcome<AppendRunEventResponse> {
  return {
    kind: "refused",
    rule: reason === "event_type_reserved" ? "policy" : "state",
    reason,
    detail: APPEND_DETAILS[reason](run),
  };
}

function issueFacts(issue: CreateRunRequest["issue"]) {
  if (issue === undefined) return null;
  return { title: issue.title, body: issue.body, ...(issue.url === undefined ? {} : { url: issue.url }) };
}

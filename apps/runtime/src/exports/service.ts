// The commands of exports. Each holds the run's lock, which is what makes one of a
// kind to a target, and one begin at a time.

import { newId, type Authority, type Command, type Outcome } from "@openagents/authority";
import type {
  BeginExportRequest,
  BeginExportResponse,
  CommandCall,
  CommandReply,
  RecordExportOutcomeRequest,
  RecordExportOutcomeResponse,
  RequestExportRequest,
  RequestExportResponse,
} from "@openagents/contracts";
import { canonicalize, sha256Hex, type JsonObject } from "@openagents/receipts";
import { notFound } from "@openagents/service";
import { extendRun, requireLockedRun, type Run } from "../runs/index.ts";
import {
  decideBegin,
  decideOutcome,
  exportMessage,
  markerOf,
  type BeginRefusal,
  type Export,
  type OutcomeRefusal,
} from "./export.ts";
import { findExport, insertExport, listExports, updateExport } from "./store.ts";

export type ExportsDeps = { readonly authority: Authority };

/** A run that wants more is not one change any more. */
export const EXPORTS_MAX = 50;

/** Intend an export, or find the one that is there. */
export function requestExport(
  deps: ExportsDeps,
  call: CommandCall,
  request: RequestExportRequest,
): Promise<CommandReply> {
  return deps.authority.execute<RequestExportResponse>(call, request, async (command) => {
    const run = await requireLockedRun(command.tx, call.principal.org, request.runId);
    const { kind, target, content } = request;
    const exports = await listExports(command.tx, run.runId, EXPORTS_MAX);
    const there = exports.find((each) => each.kind === kind && each.target === target);
    if (there !== undefined) {
      if (canonicalize(there.content) !== canonicalize(content)) return refuse("export_differs", there);
      return { kind: "answer", output: { export: exportMessage(there) }, writes: [] };
    }
    if (exports.length >= EXPORTS_MAX) return refuse("exports_max");

    const nowMs = command.nowMs();
    const exportId = newId("exp", nowMs);
    const facts = factsOf({ runId: run.runId, exportId, kind, target, content });
    const receipt = command.seal("openagents.runtime.export_requested.v1", run.runId, facts, nowMs);
    const made: Export = {
      exportId,
      org: run.org,
      runId: run.runId,
      kind,
      target,
      content,
      status: "pending",
      attempts: 0,
      url: undefined,
      detail: undefined,
      receiptId: receipt.receipt_id,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    };
    const event = { eventType: "export.requested", payload: { ...facts, receipt_id: receipt.receipt_id } };
    return {
      kind: "answer",
      output: { export: exportMessage(made) },
      writes: [insertExport(made), ...extendRun(run, [event], nowMs).writes],
    };
  });
}

/** Let one caller send it; its outcome is unknown from here. */
export function beginExport(
  deps: ExportsDeps,
  call: CommandCall,
  request: BeginExportRequest,
): Promise<CommandReply> {
  return deps.authority.execute<BeginExportResponse>(call, request, async (command) => {
    const { run, found } = await requireExport(command, request.runId, request.exportId);
    const refused = decideBegin(found);
    if (refused !== undefined) return refuse(refused, found);
    const nowMs = command.nowMs();
    const begun: Export = {
      ...found,
      status: "unknown",
      attempts: found.attempts + 1,
      url: undefined,
      detail: undefined,
      updatedAtMs: nowMs,
    };
    const event = { eventType: "export.begun", payload: { ...factsOf(found), attempt: begun.attempts } };
    return {
      kind: "answer",
      output: { export: exportMessage(begun) },
      writes: [updateExport(begun), ...extendRun(run, [event], nowMs).writes],
    };
  });
}

/** Say what came of it, as seen on the forge. */
export function recordExportOutcome(
  deps: ExportsDeps,
  call: CommandCall,
  request: RecordExportOutcomeRequest,
): Promise<CommandReply> {
  return deps.authority.execute<RecordExportOutcomeResponse>(call, request, async (command) => {
    const { run, found } = await requireExport(command, request.runId, request.exportId);
    const { outcome, url, detail } = request;
    const decision = decideOutcome(found, { outcome, url, detail });
    if (decision.kind === "refused") return refuse(decision.reason, found);
    if (decision.kind === "same") {
      const receiptId = outcome === "absent" ? undefined : found.receiptId;
      return { kind: "answer", output: { export: exportMessage(found), receiptId }, writes: [] };
    }
    const nowMs = command.nowMs();
    const facts = {
      ...factsOf(found),
      attempts: found.attempts,
      ...(url === undefined ? {} : { url }),
      ...(detail === undefined ? {} : { detail }),
    };
    const told = TOLD[decision.status];
    const receipt =
      told.schema === undefined ? undefined : command.seal(told.schema, run.runId, facts, nowMs);
    const changed: Export = {
      ...found,
      status: decision.status,
      url,
      detail,
      receiptId: receipt?.receipt_id ?? found.receiptId,
      updatedAtMs: nowMs,
    };
    const payload = receipt === undefined ? facts : { ...facts, receipt_id: receipt.receipt_id };
    return {
      kind: "answer",
      output: { export: exportMessage(changed), receiptId: receipt?.receipt_id },
      writes: [
        updateExport(changed),
        ...extendRun(run, [{ eventType: told.eventType, payload }], nowMs).writes,
      ],
    };
  });
}

const TOLD = {
  pending: { eventType: "export.absent", schema: undefined },
  unknown: { eventType: "export.begun", schema: undefined },
  succeeded: { eventType: "forge.updated", schema: "openagents.runtime.forge_updated.v1" },
  failed: { eventType: "forge.skipped", schema: "openagents.runtime.forge_skipped.v1" },
} as const;

async function requireExport(
  command: Command,
  runId: string,
  exportId: string,
): Promise<{ readonly run: Run; readonly found: Export }> {
  const run = await requireLockedRun(command.tx, command.call.principal.org, runId);
  const found = await findExport(command.tx, run.runId, exportId);
  if (found === undefined) throw notFound("export", exportId);
  return { run, found };
}

function factsOf(facts: Pick<Export, "runId" | "exportId" | "kind" | "target" | "content">): JsonObject {
  return {
    run_id: facts.runId,
    export_id: facts.exportId,
    kind: facts.kind,
    target: facts.target,
    marker: markerOf(facts),
    content_sha256: sha256Hex(canonicalize(facts.content)),
  };
}

type Refusal = "export_differs" | "exports_max" | BeginRefusal | OutcomeRefusal;

function refuse(reason: Refusal, found?: Export): Outcome<never> {
  return { kind: "refused", rule: "state", reason, detail: DETAILS[reason](found) };
}

const DETAILS: Readonly<Record<Refusal, (found: Export | undefined) => string>> = {
  export_differs: (found) =>
    `${found?.exportId ?? "An export"} is of this kind to this target already, with other content. It stays as it was intended.`,
  exports_max: () => `A run has ${EXPORTS_MAX} exports at most.`,
  export_succeeded: (found) => `The export is done${found?.url === undefined ? "" : `: ${found.url}`}.`,
  export_unknown: (found) =>
    `Somebody began to send it and told no outcome. Look on the forge for ${found === undefined ? "its marker" : markerOf(found)}, and record what is there, or that it is absent.`,
  export_not_begun: () => "Only an export whose outcome is unknown can turn out absent.",
};

// What a run puts on a forge, and what came of it. Who acts there is outside of
// the runtime, so whether something was sent can stay unknown; then it is looked
// up there, and never sent again. Pure.
//
// EXP-1  A run has one export of a kind to a target.
// EXP-2  Between two that were sent lies a word that the first is not there.
// EXP-3  What succeeded stays as it is.
// Held by export.test.ts and tests/exports.pg.test.ts.

import type { Export as ExportMessage, ExportKind, ExportOutcome, ExportStatus } from "@openagents/contracts";
import { sha256Hex, type JsonObject } from "@openagents/receipts";

export type Export = {
  readonly exportId: string;
  readonly org: string;
  readonly runId: string;
  readonly kind: ExportKind;
  readonly target: string;
  readonly content: JsonObject;
  readonly status: ExportStatus;
  /** How often somebody began to send it. */
  readonly attempts: number;
  readonly url: string | undefined;
  readonly detail: string | undefined;
  /** Of the latest word on it. */
  readonly receiptId: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

/** In order of precedence. */
export type BeginRefusal = "export_succeeded" | "export_unknown";

/** Whether the caller may send it now. What failed is surely not there, so it may be tried again. */
export function decideBegin({ status }: Pick<Export, "status">): BeginRefusal | undefined {
  if (status === "succeeded") return "export_succeeded";
  return status === "unknown" ? "export_unknown" : undefined;
}

/** In order of precedence. */
export type OutcomeRefusal = "export_succeeded" | "export_not_begun";

export type Reported = {
  readonly outcome: ExportOutcome;
  readonly url: string | undefined;
  readonly detail: string | undefined;
};

export type OutcomeDecision =
  | { readonly kind: "changed"; readonly status: ExportStatus }
  | { readonly kind: "same" }
  | { readonly kind: "refused"; readonly reason: OutcomeRefusal };

/**
 * The status after this outcome. One that was never begun may be found on the
 * forge all the same, or be given up; only one that was begun can turn out absent.
 */
export function decideOutcome(
  found: Pick<Export, "status" | "url" | "detail">,
  reported: Reported,
): OutcomeDecision {
  const { outcome, url, detail } = reported;
  if (outcome === found.status && url === found.url && detail === found.detail) return { kind: "same" };
  if (found.status === "succeeded") return { kind: "refused", reason: "export_succeeded" };
  if (outcome !== "absent") return { kind: "changed", status: outcome };
  if (found.status === "pending") return { kind: "same" };
  return found.status === "unknown"
    ? { kind: "changed", status: "pending" }
    : { kind: "refused", reason: "export_not_begun" };
}

/** What is put into an export to find it by; it tells nothing of the run to who does not know it. */
export function markerOf({ runId, kind, target }: Pick<Export, "runId" | "kind" | "target">): string {
  return `oa-export-${sha256Hex(JSON.stringify([runId, kind, target])).slice(0, 32)}`;
}

export function exportMessage(found: Export): ExportMessage {
  return {
    exportId: found.exportId,
    runId: found.runId,
    kind: found.kind,
    target: found.target,
    content: found.content,
    status: found.status,
    marker: markerOf(found),
    attempts: found.attempts,
    url: found.url,
    detail: found.detail,
    receiptId: found.receiptId,
    createdAt: found.createdAtMs,
    updatedAt: found.updatedAtMs,
  };
}

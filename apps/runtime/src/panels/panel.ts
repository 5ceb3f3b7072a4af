// What a panel is: one piece of work that takes judgement, and what its copies came to.

import type { Panel as PanelMessage, PanelStatus, PayOn, Verdict } from "@openagents/contracts";
import { answerSha256, isOpinion, type Job } from "../jobs/index.ts";
import type { Quote } from "../marketplace/index.ts";
import type { PanelTerms } from "./decide-order.ts";
import type { Copy } from "./decide-redundancy.ts";

export type Panel = PanelTerms & {
  readonly panelId: string;
  readonly org: string;
  readonly runId: string;
  readonly capability: string;
  readonly jobHash: string;
  readonly status: PanelStatus;
  readonly payOn: PayOn;
  readonly ownDevices: boolean;
  readonly totalPriceMsats: bigint;
  readonly createdAtMs: number;
  readonly decideByMs: number;
  readonly reviewByMs: number | undefined;
  readonly answerSha256: string | undefined;
  readonly because: string | undefined;
  /** `majority_vote`, `none`, or whoever decided. */
  readonly decidedBy: string | undefined;
  readonly decidedAtMs: number | undefined;
  readonly receiptId: string;
};

/** How long a person has when there is no quorum. */
export const REVIEW_MS = 86_400_000;

/** An owner's part, with its quote and what became of it. */
export type PanelCopy = Copy & { readonly quote: Quote; readonly verdict: Verdict | undefined };

/** The hash of what a copy answered; undefined when it did not. */
export function answerOf(job: Job | undefined): string | undefined {
  const result = job?.result;
  return result !== undefined && isOpinion(result) ? answerSha256(result) : undefined;
}

export function answersOf(copies: readonly Copy[]): string[] {
  return copies.flatMap(({ job }) => answerOf(job) ?? []);
}

export function panelMessage(panel: Panel, copies: readonly PanelCopy[]): PanelMessage {
  return {
    panelId: panel.panelId,
    runId: panel.runId,
    capability: panel.capability,
    jobHash: panel.jobHash,
    status: panel.status,
    redundancy: panel.redundancy,
    quorum: panel.quorum,
    adjudication: panel.adjudication,
    payOn: panel.payOn,
    ownDevices: panel.ownDevices,
    totalPriceMsats: panel.totalPriceMsats,
    createdAt: panel.createdAtMs,
    decideBy: panel.decideByMs,
    reviewBy: panel.reviewByMs,
    copies: copies.map(({ quote, job, verdict }) => ({
      quoteId: quote.quoteId,
      jobId: job?.jobId,
      providerWorkerId: job?.providerWorkerId ?? quote.providerWorkerId,
      status: job?.status,
      answerSha256: answerOf(job),
      verdict,
    })),
    answerSha256: panel.answerSha256,
    because: panel.because,
    decidedBy: panel.decidedBy,
    decidedAt: panel.decidedAtMs,
  };
}

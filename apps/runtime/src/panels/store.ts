import type { PanelStatus, PayOn } from "@openagents/contracts";
import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import { findJobByQuote, lockJob } from "../jobs/index.ts";
import { listQuotesOfPanel } from "../marketplace/index.ts";
import { findVerification } from "../verification/index.ts";
import type { Panel, PanelCopy } from "./panel.ts";

type PanelRow = {
  panel_id: string;
  org: string;
  run_id: string;
  capability: string;
  job_hash: string;
  status: PanelStatus;
  redundancy: number;
  quorum: number;
  adjudication: Panel["adjudication"];
  pay_on: PayOn;
  own_devices: boolean;
  total_price_msats: bigint;
  created_at_ms: bigint;
  decide_by_ms: bigint;
  review_by_ms: bigint | null;
  answer_sha256: string | null;
  because: string | null;
  decided_by: string | null;
  decided_at_ms: bigint | null;
  receipt_id: string;
};

const COLUMNS = `panel_id, org, run_id, capability, job_hash, status, redundancy, quorum, adjudication, pay_on,
  own_devices, total_price_msats, created_at_ms, decide_by_ms, review_by_ms, answer_sha256, because, decided_by,
  decided_at_ms, receipt_id`;

const FIND = statement("panels.find", `SELECT ${COLUMNS} FROM runtime.panels WHERE panel_id = $1`);

/** A panel of any organisation: the caller decides who may see it. It changes only under its run's lock. */
export async function findPanel(q: Queryable | Tx, panelId: string): Promise<Panel | undefined> {
  const [row] = await q.query<PanelRow>(FIND, [panelId]);
  if (row === undefined) return undefined;
  return {
    panelId: row.panel_id,
    org: row.org,
    runId: row.run_id,
    capability: row.capability,
    jobHash: row.job_hash,
    status: row.status,
    redundancy: row.redundancy,
    quorum: row.quorum,
    adjudication: row.adjudication,
    payOn: row.pay_on,
    ownDevices: row.own_devices,
    totalPriceMsats: row.total_price_msats,
    createdAtMs: Number(row.created_at_ms),
    decideByMs: Number(row.decide_by_ms),
    reviewByMs: row.review_by_ms === null ? undefined : Number(row.review_by_ms),
    answerSha256: row.answer_sha256 ?? undefined,
    because: row.because ?? undefined,
    decidedBy: row.decided_by ?? undefined,
    decidedAtMs: row.decided_at_ms === null ? undefined : Number(row.decided_at_ms),
    receiptId: row.receipt_id,
  };
}

/** In the order of their quotes; a handful at most. */
export async function listCopies(q: Queryable, panelId: string): Promise<PanelCopy[]> {
  const copies: PanelCopy[] = [];
  for (const quote of await listQuotesOfPanel(q, panelId)) {
    const job = await findJobByQuote(q, quote.quoteId);
    const verification = job === undefined ? undefined : await findVerification(q, job.jobId);
    const { quoteId, validUntilMs: quoteValidUntilMs } = quote;
    copies.push({ quote, quoteId, quoteValidUntilMs, job, verdict: verification?.verdict });
  }
  return copies;
}

/** The same with their jobs locked; their run is. */
export async function lockCopies(tx: Tx, panelId: string): Promise<PanelCopy[]> {
  const copies: PanelCopy[] = [];
  for (const copy of await listCopies(tx, panelId))
    copies.push(copy.job === undefined ? copy : { ...copy, job: await lockJob(tx, copy.job.jobId) });
  return copies;
}

export function insertPanel(panel: Panel): Write {
  return {
    name: "panels.insert",
    text: `INSERT INTO runtime.panels (panel_id, org, run_id, capability, job_hash, status, redundancy, quorum,
             adjudication, pay_on, own_devices, total_price_msats, created_at_ms, decide_by_ms, receipt_id)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    values: [
      panel.panelId,
      panel.org,
      panel.runId,
      panel.capability,
      panel.jobHash,
      panel.status,
      panel.redundancy,
      panel.quorum,
      panel.adjudication,
      panel.payOn,
      panel.ownDevices,
      panel.totalPriceMsats,
      panel.createdAtMs,
      panel.decideByMs,
      panel.receiptId,
    ],
  };
}

export function updatePanel(panel: Panel): Write {
  return {
    name: "panels.update",
    text: `UPDATE runtime.panels SET status = $2, review_by_ms = $3, answer_sha256 = $4, because = $5,
             decided_by = $6, decided_at_ms = $7, receipt_id = $8 WHERE panel_id = $1`,
    values: [
      panel.panelId,
      panel.status,
      panel.reviewByMs ?? null,
      panel.answerSha256 ?? null,
      panel.because ?? null,
      panel.decidedBy ?? null,
      panel.decidedAtMs ?? null,
      panel.receiptId,
    ],
  };
}

import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import { specFromText, specText } from "../jobs/index.ts";
import type { Quote, QuotedSecond } from "./quote.ts";

type QuoteRow = {
  quote_id: string;
  org: string;
  run_id: string;
  capability: string;
  job_hash: string;
  spec: string;
  provider_worker_id: string;
  provider_org: string;
  provider_price_msats: bigint;
  operator_fee_msats: bigint;
  issued_at_ms: bigint;
  valid_until_ms: bigint;
  quote_sha256: string;
  receipt_id: string;
  second_worker_id: string | null;
  second_org: string | null;
  second_assurance: QuotedSecond["assurance"] | null;
  second_price_msats: bigint | null;
  second_fee_msats: bigint | null;
  market: boolean;
};

const COLUMNS = `quote_id, org, run_id, capability, job_hash, spec, provider_worker_id, provider_org,
  provider_price_msats, operator_fee_msats, issued_at_ms, valid_until_ms, quote_sha256, receipt_id,
  second_worker_id, second_org, second_assurance, second_price_msats, second_fee_msats, market`;

function quoteOf(row: QuoteRow): Quote {
  return {
    quoteId: row.quote_id,
    org: row.org,
    runId: row.run_id,
    capability: row.capability,
    jobHash: row.job_hash,
    spec: specFromText(row.spec),
    market: row.market,
    providerWorkerId: row.provider_worker_id,
    providerOrg: row.provider_org,
    providerPriceMsats: row.provider_price_msats,
    operatorFeeMsats: row.operator_fee_msats,
    secondOpinion: secondOf(row),
    issuedAtMs: Number(row.issued_at_ms),
    validUntilMs: Number(row.valid_until_ms),
    quoteSha256: row.quote_sha256,
    receiptId: row.receipt_id,
  };
}

function secondOf(row: QuoteRow): QuotedSecond | undefined {
  if (row.second_worker_id === null || row.second_org === null || row.second_assurance === null)
    return undefined;
  return {
    workerId: row.second_worker_id,
    org: row.second_org,
    assurance: row.second_assurance,
    priceMsats: row.second_price_msats ?? 0n,
    feeMsats: row.second_fee_msats ?? 0n,
  };
}

const FIND = statement(
  "quotes.find",
  `SELECT ${COLUMNS} FROM runtime.quotes WHERE org = $1 AND quote_id = $2`,
);

/** A quote never changes, so reading it needs no lock. */
export async function findQuote(q: Queryable | Tx, org: string, quoteId: string): Promise<Quote | undefined> {
  const [row] = await q.query<QuoteRow>(FIND, [org, quoteId]);
  return row === undefined ? undefined : quoteOf(row);
}

export function insertQuote(quote: Quote): Write {
  return {
    name: "quotes.insert",
    text: `INSERT INTO runtime.quotes (${COLUMNS})
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
    values: [
      quote.quoteId,
      quote.org,
      quote.runId,
      quote.capability,
      quote.jobHash,
      specText(quote.spec),
      quote.providerWorkerId,
      quote.providerOrg,
      quote.providerPriceMsats,
      quote.operatorFeeMsats,
      quote.issuedAtMs,
      quote.validUntilMs,
      quote.quoteSha256,
      quote.receiptId,
      quote.secondOpinion?.workerId ?? null,
      quote.secondOpinion?.org ?? null,
      quote.secondOpinion?.assurance ?? null,
      quote.secondOpinion?.priceMsats ?? null,
      quote.secondOpinion?.feeMsats ?? null,
      quote.market,
    ],
  };
}

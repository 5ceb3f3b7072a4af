import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import { specFromText, specText } from "../jobs/index.ts";
import { totalPrice, type Quote, type QuotedSecond } from "./quote.ts";

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
  verification_policy: Quote["verificationPolicy"];
  sampling_seed_id: string | null;
  sampling_nonce: string | null;
  expected_price_msats: bigint | null;
  commitment_sha256: string | null;
  pay_on: Quote["payOn"];
  policy: Quote["policy"];
  supply_class: Quote["supplyClass"];
  policy_adder_msats: bigint;
  panel_id: string | null;
};

const COLUMNS = `quote_id, org, run_id, capability, job_hash, spec, provider_worker_id, provider_org,
  provider_price_msats, operator_fee_msats, issued_at_ms, valid_until_ms, quote_sha256, receipt_id,
  second_worker_id, second_org, second_assurance, second_price_msats, second_fee_msats, market,
  verification_policy, sampling_seed_id, sampling_nonce, expected_price_msats,
  pay_on, policy, supply_class, policy_adder_msats, panel_id`;

function quoteOf(row: QuoteRow): Quote {
  const terms = {
    priced: {
      priceMsats: row.provider_price_msats,
      feeMsats: row.operator_fee_msats,
      adderMsats: row.policy_adder_msats,
    },
    secondOpinion: secondOf(row),
  };
  return {
    ...terms,
    quoteId: row.quote_id,
    org: row.org,
    runId: row.run_id,
    capability: row.capability,
    jobHash: row.job_hash,
    spec: specFromText(row.spec),
    payOn: row.pay_on,
    policy: row.policy,
    market: row.market,
    supplyClass: row.supply_class,
    panelId: row.panel_id ?? undefined,
    providerWorkerId: row.provider_worker_id,
    providerOrg: row.provider_org,
    verificationPolicy: row.verification_policy,
    sampling: samplingOf(row),
    expectedPriceMsats: row.expected_price_msats ?? totalPrice(terms),
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

function samplingOf(row: QuoteRow): Quote["sampling"] {
  const { sampling_seed_id: seedId, sampling_nonce: nonce, commitment_sha256: commitmentSha256 } = row;
  if (seedId === null || nonce === null || commitmentSha256 === null) return undefined;
  return { seedId, nonce, commitmentSha256 };
}

const FIND = statement(
  "quotes.find",
  `SELECT ${COLUMNS}, commitment_sha256
     FROM runtime.quotes LEFT JOIN runtime.sampling_seeds ON seed_id = sampling_seed_id
    WHERE org = $1 AND quote_id = $2`,
);

/** A quote never changes, so reading it needs no lock. */
export async function findQuote(q: Queryable | Tx, org: string, quoteId: string): Promise<Quote | undefined> {
  const [row] = await q.query<QuoteRow>(FIND, [org, quoteId]);
  return row === undefined ? undefined : quoteOf(row);
}

const LIST_BY_PANEL = statement(
  "quotes.list_by_panel",
  `SELECT ${COLUMNS}, NULL AS commitment_sha256 FROM runtime.quotes WHERE panel_id = $1 ORDER BY quote_id`,
);

/** One for each copy; a handful at most. */
export async function listQuotesOfPanel(q: Queryable | Tx, panelId: string): Promise<Quote[]> {
  return (await q.query<QuoteRow>(LIST_BY_PANEL, [panelId])).map(quoteOf);
}

export function insertQuote(quote: Quote): Write {
  return {
    name: "quotes.insert",
    text: `INSERT INTO runtime.quotes (${COLUMNS})
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
             $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)`,
    values: [
      quote.quoteId,
      quote.org,
      quote.runId,
      quote.capability,
      quote.jobHash,
      specText(quote.spec),
      quote.providerWorkerId,
      quote.providerOrg,
      quote.priced.priceMsats,
      quote.priced.feeMsats,
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
      quote.verificationPolicy,
      quote.sampling?.seedId ?? null,
      quote.sampling?.nonce ?? null,
      quote.expectedPriceMsats,
      quote.payOn,
      quote.policy,
      quote.supplyClass,
      quote.priced.adderMsats,
      quote.panelId ?? null,
    ],
  };
}

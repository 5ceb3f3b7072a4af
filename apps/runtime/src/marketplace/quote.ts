// The price of one job. Formulas and constants are the market's published ones.

import type { Assurance, SandboxRunSpec, VerificationPolicy } from "@openagents/contracts";
import { canonicalize, sha256Hex, type JsonObject } from "@openagents/receipts";
import type { SamplingTerms } from "../sampling/index.ts";

export const SANDBOX_RUN = "oa.sandbox_run.v1";

/** Providers looked at for one order. */
export const CANDIDATES_MAX = 1_000;

/** How long an offer binds. */
export const QUOTE_TTL_MS = 60_000;

const OPERATOR_FEE_BPS = 50n;

export type Quote = {
  readonly quoteId: string;
  readonly org: string;
  readonly runId: string;
  readonly capability: string;
  readonly jobHash: string;
  readonly spec: SandboxRunSpec;
  /** Whether the buyer chose that its source may go to everyone. */
  readonly market: boolean;
  readonly providerWorkerId: string;
  readonly providerOrg: string;
  readonly providerPriceMsats: bigint;
  readonly operatorFeeMsats: bigint;
  readonly secondOpinion: QuotedSecond | undefined;
  /** Whether the second run is always made, or by rule and draw. */
  readonly verificationPolicy: VerificationPolicy;
  readonly sampling: SamplingTerms | undefined;
  /** What the job costs on average. */
  readonly expectedPriceMsats: bigint;
  readonly issuedAtMs: number;
  readonly validUntilMs: number;
  readonly quoteSha256: string;
  readonly receiptId: string;
};

/** Who runs the work a second time, and for how much. */
export type QuotedSecond = {
  readonly workerId: string;
  readonly org: string;
  readonly assurance: Exclude<Assurance, "provider">;
  readonly priceMsats: bigint;
  readonly feeMsats: bigint;
};

/** ceil(price × 50 / 10 000): the operator never rounds in its own disfavour, and never by more than 1 msat. */
export function operatorFee(providerPriceMsats: bigint): bigint {
  return (providerPriceMsats * OPERATOR_FEE_BPS + 9_999n) / 10_000n;
}

/** Both runs and both fees: the most that the job can cost. */
export function totalPrice(
  quote: Pick<Quote, "providerPriceMsats" | "operatorFeeMsats" | "secondOpinion">,
): bigint {
  const { secondOpinion } = quote;
  const second = secondOpinion === undefined ? 0n : secondOpinion.priceMsats + secondOpinion.feeMsats;
  return quote.providerPriceMsats + quote.operatorFeeMsats + second;
}

/** sha256 over the canonical terms, so that a change of any of them shows. */
export function quoteSha256(
  quote: Omit<Quote, "quoteSha256" | "receiptId" | "spec" | "market" | "org">,
): string {
  const terms: JsonObject = {
    quote_id: quote.quoteId,
    run_id: quote.runId,
    capability: quote.capability,
    job_hash: quote.jobHash,
    provider_worker_id: quote.providerWorkerId,
    provider_org: quote.providerOrg,
    provider_price_msats: Number(quote.providerPriceMsats),
    operator_fee_msats: Number(quote.operatorFeeMsats),
    second_opinion: secondFacts(quote.secondOpinion),
    ...samplingFacts(quote),
    issued_at: new Date(quote.issuedAtMs).toISOString(),
    valid_until: new Date(quote.validUntilMs).toISOString(),
  };
  return sha256Hex(canonicalize(terms));
}

/** The buyer's choice is a term like the price: it decides what is paid for on the provider's word. */
export function samplingFacts({
  verificationPolicy,
  sampling,
  expectedPriceMsats,
}: Pick<Quote, "verificationPolicy" | "sampling" | "expectedPriceMsats">): JsonObject {
  if (sampling === undefined) return { verification_policy: verificationPolicy };
  return {
    verification_policy: verificationPolicy,
    expected_price_msats: Number(expectedPriceMsats),
    sampling: {
      seed_id: sampling.seedId,
      commitment_sha256: sampling.commitmentSha256,
      nonce: sampling.nonce,
    },
  };
}

export function secondFacts(second: QuotedSecond | undefined): JsonObject | null {
  if (second === undefined) return null;
  return {
    provider_worker_id: second.workerId,
    assurance: second.assurance,
    provider_price_msats: Number(second.priceMsats),
    operator_fee_msats: Number(second.feeMsats),
  };
}

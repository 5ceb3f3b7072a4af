// An offer of one job, all-in, and the terms that the operator signs.

import type { ReceiptSigner } from "@openagents/authority";
import type {
  Assurance,
  BuyingPolicy,
  PayOn,
  Quote as QuoteMessage,
  QuoteSignature,
  SupplyClass,
  VerificationPolicy,
} from "@openagents/contracts";
import { quoteHash, type JsonObject } from "@openagents/receipts";
import type { JobSpec } from "../jobs/index.ts";
import type { SamplingTerms } from "../sampling/index.ts";
import { sumOf, type Priced } from "./price.ts";

/** Providers looked at for one order. */
export const CANDIDATES_MAX = 1_000;

/** How long an offer binds. */
export const QUOTE_TTL_MS = 60_000;

export type QuoteTerms = {
  readonly quoteId: string;
  readonly runId: string;
  readonly capability: string;
  readonly jobHash: string;
  readonly payOn: PayOn;
  readonly policy: BuyingPolicy;
  /** Whether the buyer chose that its source may go to everyone. */
  readonly market: boolean;
  readonly supplyClass: SupplyClass;
  readonly providerWorkerId: string;
  readonly providerOrg: string;
  readonly priced: Priced;
  /** Undefined for a copy on a panel, whose other copies are its second opinions. */
  readonly secondOpinion: QuotedSecond | undefined;
  readonly panelId: string | undefined;
  /** Whether the second run is always made, or by rule and draw. */
  readonly verificationPolicy: VerificationPolicy;
  readonly sampling: SamplingTerms | undefined;
  /** What the job costs on average. */
  readonly expectedPriceMsats: bigint;
  readonly issuedAtMs: number;
  readonly validUntilMs: number;
};

export type Quote = QuoteTerms & {
  readonly org: string;
  readonly spec: JobSpec;
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

/** Both runs with their fees and the adder: the most that the job can cost. */
export function totalPrice(quote: Pick<Quote, "priced" | "secondOpinion">): bigint {
  const { priced, secondOpinion } = quote;
  return (
    sumOf(priced) + (secondOpinion === undefined ? 0n : secondOpinion.priceMsats + secondOpinion.feeMsats)
  );
}

/** The terms as they are hashed, signed, and repeated in the receipt. */
function quoteFacts(quote: QuoteTerms): JsonObject {
  const { secondOpinion: second } = quote;
  return {
    quote_id: quote.quoteId,
    run_id: quote.runId,
    capability: quote.capability,
    job_hash: quote.jobHash,
    pay_on: quote.payOn,
    policy: quote.policy,
    market: quote.market,
    supply_class: quote.supplyClass,
    provider_worker_id: quote.providerWorkerId,
    provider_org: quote.providerOrg,
    provider_price_msats: Number(quote.priced.priceMsats),
    operator_fee_msats: Number(quote.priced.feeMsats),
    policy_adder_msats: Number(quote.priced.adderMsats),
    second_opinion:
      second === undefined
        ? null
        : {
            provider_worker_id: second.workerId,
            assurance: second.assurance,
            provider_price_msats: Number(second.priceMsats),
            operator_fee_msats: Number(second.feeMsats),
          },
    ...samplingFacts(quote),
    total_price_msats: Number(totalPrice(quote)),
    ...(quote.panelId === undefined ? {} : { panel_id: quote.panelId }),
    issued_at: new Date(quote.issuedAtMs).toISOString(),
    valid_until: new Date(quote.validUntilMs).toISOString(),
  };
}

function quoteSha256(terms: QuoteTerms): string {
  return quoteHash(quoteFacts(terms));
}

/** The terms with the operator's word on them, as the receipt has them. */
export function signTerms(terms: QuoteTerms, signer: ReceiptSigner) {
  const sha256 = quoteSha256(terms);
  const signature = signer.signHash(sha256);
  const facts: JsonObject = {
    ...quoteFacts(terms),
    quote_sha256: sha256,
    quote_signature: {
      scheme: signature.scheme,
      signer_pubkey: signature.signerPubkey,
      signature_hex: signature.signatureHex,
    },
  };
  return { sha256, signature, facts };
}

export function quoteMessage(quote: Quote, signature: QuoteSignature): QuoteMessage {
  const { secondOpinion } = quote;
  return {
    quoteId: quote.quoteId,
    runId: quote.runId,
    jobHash: quote.jobHash,
    capability: quote.capability,
    payOn: quote.payOn,
    policy: quote.policy,
    market: quote.market,
    supplyClass: quote.supplyClass,
    providerWorkerId: quote.providerWorkerId,
    providerOrg: quote.providerOrg,
    providerPriceMsats: quote.priced.priceMsats,
    operatorFeeMsats: quote.priced.feeMsats,
    policyAdderMsats: quote.priced.adderMsats,
    totalPriceMsats: totalPrice(quote),
    issuedAt: quote.issuedAtMs,
    validUntil: quote.validUntilMs,
    quoteSha256: quote.quoteSha256,
    secondOpinion:
      secondOpinion === undefined
        ? undefined
        : {
            providerWorkerId: secondOpinion.workerId,
            assurance: secondOpinion.assurance,
            providerPriceMsats: secondOpinion.priceMsats,
            operatorFeeMsats: secondOpinion.feeMsats,
          },
    verificationPolicy: quote.verificationPolicy,
    sampling: quote.sampling,
    expectedPriceMsats: quote.expectedPriceMsats,
    panelId: quote.panelId,
    signature,
  };
}

/** The buyer's choice is a term like the price: it decides what is paid for on the provider's word. */
function samplingFacts({ verificationPolicy, sampling, expectedPriceMsats }: QuoteTerms): JsonObject {
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

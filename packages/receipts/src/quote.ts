// The terms of a quote, which the operator signs. Its receipt repeats them, so
// that the signature can be checked with the receipt alone.

import { canonicalize } from "./canonicalize.ts";
import { sha256Hex } from "./sha256.ts";
import type { JsonObject } from "./json.ts";

const QUOTE_TERMS = [
  "quote_id",
  "run_id",
  "capability",
  "job_hash",
  "pay_on",
  "policy",
  "market",
  "supply_class",
  "provider_worker_id",
  "provider_org",
  "provider_price_msats",
  "operator_fee_msats",
  "policy_adder_msats",
  "second_opinion",
  "verification_policy",
  "expected_price_msats",
  "sampling",
  "total_price_msats",
  "panel_id",
  "issued_at",
  "valid_until",
] as const;

/** sha256 over the canonical terms: those of the members that are terms, and present. */
export function quoteHash(facts: JsonObject): string {
  const terms: Record<string, JsonObject[string]> = {};
  for (const name of QUOTE_TERMS) {
    const value = facts[name];
    if (value !== undefined) terms[name] = value;
  }
  return sha256Hex(canonicalize(terms));
}

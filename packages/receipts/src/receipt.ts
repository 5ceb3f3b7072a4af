// A receipt: facts in canonical form, named by their own hash.
//
// RCPT-1  `canonical_json_sha256` covers every member but itself, `receipt_id` and `signature`.
// RCPT-2  `receipt_id` is the kind's prefix, `_`, and the hash's first 24 hex digits.
// RCPT-3  A receipt holds no float.
// Held by receipt.test.ts.

import { assertReceiptNumbers, canonicalize } from "./canonicalize.ts";
import { sha256Hex } from "./hash.ts";
import { JsonError, type JsonObject } from "./json.ts";
import { RECEIPT_PREFIXES, isReceiptSchema } from "./schemas.ts";

export type Receipt = JsonObject & {
  readonly schema: string;
  readonly receipt_id: string;
  readonly canonical_json_sha256: string;
};

/** Members that a receipt's hash does not cover. */
const UNHASHED: ReadonlySet<string> = new Set(["receipt_id", "canonical_json_sha256", "signature"]);

/**
 * Name facts by their hash. Throws `JsonError` for a schema that is not in the
 * table, a float, or members that sealing itself writes.
 */
export function sealReceipt(facts: JsonObject & { readonly schema: string }): Receipt {
  if (!isReceiptSchema(facts.schema)) throw new JsonError(`${facts.schema} is not a receipt schema`);
  for (const name of UNHASHED) {
    if (facts[name] !== undefined) throw new JsonError(`\`${name}\` is written by sealing`);
  }
  assertReceiptNumbers(facts);
  const hash = sha256Hex(canonicalize(facts));
  return { ...facts, receipt_id: receiptIdOf(facts.schema, hash), canonical_json_sha256: hash };
}

/** The hash that a receipt must carry (RCPT-1). */
export function receiptHash(receipt: JsonObject): string {
  const hashed = Object.fromEntries(Object.entries(receipt).filter(([name]) => !UNHASHED.has(name)));
  return sha256Hex(canonicalize(hashed));
}

/** The id that a receipt must carry (RCPT-2). Throws `JsonError` for an unknown schema. */
export function receiptIdOf(schema: string, hash: string): string {
  if (!isReceiptSchema(schema)) throw new JsonError(`${schema} is not a receipt schema`);
  return `${RECEIPT_PREFIXES[schema]}_${hash.slice(0, 24)}`;
}

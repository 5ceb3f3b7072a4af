// A receipt: facts in canonical form, named by their own hash.
//
// RCPT-1  `canonical_json_sha256` covers every member but itself, `receipt_id` and `signature`.
// RCPT-2  `receipt_id` is the kind's prefix, `_`, and the hash's first 24 hex digits.
// RCPT-3  A receipt holds no number but safe integers.
// RCPT-4  Every receipt says what, when, who and for which tenant, and has a nonce.
// Held by receipt.test.ts.

import { assertReceiptNumbers, canonicalize } from "./canonicalize.ts";
import { isHex } from "./hash.ts";
import { JsonError, type JsonObject, type JsonValue } from "./json.ts";
import { RECEIPT_PREFIXES, isReceiptSchema } from "./schemas.ts";
import { sha256Hex } from "./sha256.ts";

/** What every receipt states; the facts of its kind stand beside these. */
export type ReceiptFacts = JsonObject & {
  readonly schema: string;
  /** At least 16 random bytes in hex: with it, publishing the hash tells nothing about the facts. */
  readonly nonce: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly occurred_at: string;
  readonly actor: string;
  readonly acting_for?: string;
  readonly tenant: string;
  /** The request that caused it; absent where a receipt follows from state alone. */
  readonly request_id?: string;
};

export type Receipt = ReceiptFacts & {
  readonly receipt_id: string;
  /** 64 lower-case hex digits. */
  readonly canonical_json_sha256: string;
};

/** Members that a receipt's hash does not cover. */
const UNHASHED: ReadonlySet<string> = new Set(["receipt_id", "canonical_json_sha256", "signature"]);

/**
 * Name facts by their hash. Throws `JsonError` for a schema that is not in the
 * table, a member that every receipt has and this one lacks, a float, or members
 * that sealing itself writes.
 */
export function sealReceipt(facts: ReceiptFacts): Receipt {
  if (!isReceiptSchema(facts.schema)) throw new JsonError(`${facts.schema} is not a receipt schema`);
  for (const name of UNHASHED) {
    if (facts[name] !== undefined) throw new JsonError(`\`${name}\` is written by sealing`);
  }
  const fault = findFault(facts);
  if (fault !== undefined) throw new JsonError(`not a receipt: ${fault}`);
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

/** What is wrong with the members that every receipt has (RCPT-4); undefined when nothing is. */
export function findFault(receipt: JsonObject): string | undefined {
  for (const name of ["schema", "actor", "tenant"]) {
    if (!isText(receipt[name])) return `\`${name}\` must be text of 1 to 200 characters`;
  }
  for (const name of ["acting_for", "request_id"]) {
    const value = receipt[name];
    if (value !== undefined && !isText(value)) return `\`${name}\` must be text of 1 to 200 characters`;
  }
  if (!isNonce(receipt["nonce"])) return "`nonce` must be 32 to 128 lower-case hex digits";
  if (!isTime(receipt["occurred_at"])) return "`occurred_at` must be RFC 3339, UTC, with milliseconds";
  return undefined;
}

function isText(value: JsonValue | undefined): boolean {
  return typeof value === "string" && value.length > 0 && value.length <= 200;
}

function isNonce(value: JsonValue | undefined): boolean {
  return typeof value === "string" && value.length >= 32 && value.length <= 128 && isHex(value, value.length);
}

function isTime(value: JsonValue | undefined): boolean {
  if (typeof value !== "string") return false;
  const ms = Date.parse(value);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === value;
}

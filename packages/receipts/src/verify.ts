// What of a signed receipt can be believed, checked without asking anyone.

import type { JsonObject, JsonValue } from "./json.ts";
import { assertReceiptNumbers } from "./canonicalize.ts";
import { isHex } from "./hash.ts";
import { findFault, receiptHash, receiptIdOf } from "./receipt.ts";
import { isReceiptSchema } from "./schemas.ts";
import { SIGNATURE_SCHEMA, SIGNATURE_SCHEME, verifySignature } from "./signature.ts";

export type Check = { readonly state: "holds" | "fails" | "not_checked"; readonly detail: string };

export type ReceiptChecks = {
  /** The receipt's members hash to what it says. */
  readonly hash: Check;
  /** Its id is the one that its hash gives. */
  readonly id: Check;
  /** The signature is over that hash, by the key that it names. */
  readonly signature: Check;
  /** That key is one that the reader trusts. */
  readonly signer: Check;
};

const MEMBERS = ["receipt", "signature"];

/**
 * Check a `{receipt, signature}` document; its `inclusion` is `checkInclusion`'s. A signer that is not among
 * `operatorKeys` is *not checked*, never good; garbage fails and never throws.
 */
export function verifyReceipt(
  signed: unknown,
  options: { readonly operatorKeys?: readonly string[] } = {},
): ReceiptChecks {
  const receipt = isObject(signed) ? signed["receipt"] : undefined;
  const signature = isObject(signed) ? signed["signature"] : undefined;
  const members =
    isObject(signed) && Object.hasOwn(signed, "inclusion") ? [...MEMBERS, "inclusion"] : MEMBERS;
  if (!isObject(receipt) || !isObject(signature) || !hasOnly(signed, members)) {
    const nothing = fails("this is not a document of `receipt`, `signature` and at most `inclusion`");
    return { hash: nothing, id: nothing, signature: nothing, signer: nothing };
  }
  const hash = checkHash(receipt);
  const ownSignature = checkSignature(receipt, signature);
  return {
    hash,
    id: checkId(receipt),
    signature: ownSignature,
    signer: checkSigner(signature, ownSignature, options.operatorKeys ?? []),
  };
}

function checkHash(receipt: JsonObject): Check {
  const claimed = receipt["canonical_json_sha256"];
  // The hash does not cover this name, so what stands there could change unseen.
  if (Object.hasOwn(receipt, "signature")) return fails("`signature` stands in the receipt, not beside it");
  const fault = findFault(receipt);
  if (fault !== undefined) return fails(fault);
  try {
    assertReceiptNumbers(receipt);
    const actual = receiptHash(receipt);
    return claimed === actual
      ? holds(actual)
      : fails(`the members hash to ${actual}, not to ${show(claimed)}`);
  } catch (error) {
    return fails(error instanceof Error ? error.message : "the members have no canonical form");
  }
}

function checkId(receipt: JsonObject): Check {
  const { schema, receipt_id: id, canonical_json_sha256: hash } = receipt;
  if (typeof schema !== "string" || !isReceiptSchema(schema))
    return fails(`${show(schema)} is not a receipt schema`);
  if (!isHex(hash, 64)) return fails("the hash is not 64 lower-case hex digits");
  const expected = receiptIdOf(schema, hash);
  return id === expected ? holds(expected) : fails(`the id is ${show(id)}, the hash gives ${expected}`);
}

const SIGNATURE_MEMBERS = ["schema", "scheme", "signer_pubkey", "signed_sha256", "signature_hex"];

function checkSignature(receipt: JsonObject, signature: JsonObject): Check {
  if (!hasOnly(signature, SIGNATURE_MEMBERS)) return fails("the signature has other members than it must");
  const { schema, scheme, signer_pubkey: key, signed_sha256: digest, signature_hex: hex } = signature;
  if (schema !== SIGNATURE_SCHEMA) return fails(`the signature's schema is ${show(schema)}`);
  if (scheme !== SIGNATURE_SCHEME) return fails(`the signature's scheme is ${show(scheme)}`);
  // Upper-case hex would decode to the same bytes; a second spelling is refused.
  if (!isHex(key, 64)) return fails("the signer's key is not 64 lower-case hex digits");
  if (!isHex(hex, 128)) return fails("the signature is not 128 lower-case hex digits");
  if (digest !== receipt["canonical_json_sha256"] || typeof digest !== "string") {
    return fails("the signature is over another hash");
  }
  return verifySignature(hex, digest, key)
    ? holds(`by ${key}`)
    : fails(`not a signature of ${digest} by ${key}`);
}

function checkSigner(signature: JsonObject, ownSignature: Check, operatorKeys: readonly string[]): Check {
  const key = signature["signer_pubkey"];
  if (typeof key !== "string") return fails("no signer is named");
  // Anyone can write a key that others trust beside a signature that is not its.
  if (ownSignature.state !== "holds")
    return { state: "not_checked", detail: `no signature by ${show(key)} holds` };
  if (operatorKeys.includes(key)) return holds(`${key} is pinned`);
  return { state: "not_checked", detail: `${key} is not pinned` };
}

function hasOnly(value: unknown, names: readonly string[]): boolean {
  if (!isObject(value)) return false;
  const keys = Object.keys(value);
  return keys.length === names.length && names.every((name) => keys.includes(name));
}

function isObject(value: unknown): value is { readonly [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function holds(detail: string): Check {
  return { state: "holds", detail };
}

function fails(detail: string): Check {
  return { state: "fails", detail };
}

function show(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 100) : typeof value;
}

// A signed receipt as a file: canonical JSON and a newline, byte for byte, so
// that one receipt has one spelling.

import { canonicalize, parseStrict, verifyReceipt, type JsonObject } from "@openagents/receipts";
import type { Problems } from "./claims.ts";
import { asObject, objectOf, textOf } from "./json-view.ts";

export type SignedFile = {
  readonly receipt: JsonObject;
  readonly signer: string;
  /** All of it, with the proof that it is in the log where it has one. */
  readonly document: JsonObject;
};

/** Throws when the bytes are not JSON at all; tells every other problem. */
export function readSigned(path: string, bytes: Buffer | undefined, problems: Problems): SignedFile {
  if (bytes === undefined) throw new Error(`${path} is missing`);
  let document: JsonObject | undefined;
  try {
    document = asObject(parseStrict(bytes));
  } catch (cause) {
    throw new Error(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  if (document === undefined) throw new Error(`${path} is not a JSON object`);
  if (!bytes.equals(Buffer.from(`${canonicalize(document)}\n`)))
    problems.add(`${path} is not in canonical form`);
  const { hash, id, signature } = verifyReceipt(document);
  for (const check of [hash, id, signature])
    if (check.state !== "holds") problems.add(`${path}: ${check.detail}`);
  return {
    receipt: objectOf(document, "receipt"),
    signer: textOf(objectOf(document, "signature"), "signer_pubkey"),
    document,
  };
}

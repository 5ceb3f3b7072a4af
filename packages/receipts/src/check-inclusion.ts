// Whether a receipt is in a transparency log, from nothing but the document that
// says so: where the receipt's hash stands, the proof, the checkpoint, the key.

import { bytesToHex as hexOf, hexToBytes as bytesOf } from "@noble/hashes/utils.js";
import { isHex } from "./hash.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import { hashLeaf, openCheckpoint, parseNote, parseNoteKey, verifyInclusion } from "./log/index.ts";
import type { Check } from "./verify.ts";

export type InclusionCheck = Check & {
  /** The log's key and the head that the proof leads to; absent unless the proof does. */
  readonly proven?: {
    readonly index: number;
    readonly logKey: string;
    readonly size: number;
    readonly root: string;
  };
};

const MEMBERS = ["log_index", "hashes", "checkpoint", "log_key"];

/**
 * Check the `inclusion` of a `{receipt, signature, inclusion}` document. It holds
 * when the proof does and the log's key is among `logKeys`; an absent proof and
 * an unpinned log are *not checked*. Never throws.
 */
export function checkInclusion(document: unknown, logKeys: readonly string[]): InclusionCheck {
  const receipt = memberOf(document, "receipt");
  const inclusion = memberOf(document, "inclusion");
  if (inclusion === undefined)
    return { state: "not_checked", detail: "it carries no proof that it is in a log" };
  try {
    const proven = prove(receipt, inclusion);
    const where = `entry ${proven.index} of ${proven.logKey} at size ${proven.size}`;
    return logKeys.includes(proven.logKey)
      ? { state: "holds", detail: where, proven }
      : { state: "not_checked", detail: `${where}, a log that is not pinned`, proven };
  } catch (error) {
    return { state: "fails", detail: error instanceof Error ? error.message : "the proof cannot be read" };
  }
}

function prove(receipt: unknown, inclusion: unknown) {
  const names = isObject(inclusion) ? Object.keys(inclusion) : [];
  if (names.length !== MEMBERS.length || !MEMBERS.every((name) => names.includes(name)))
    throw new Error("the inclusion has other members than it must");
  const hash = memberOf(receipt, "canonical_json_sha256");
  const index = memberOf(inclusion, "log_index");
  const hashes = memberOf(inclusion, "hashes");
  const logKey = memberOf(inclusion, "log_key");
  const note = memberOf(inclusion, "checkpoint");
  if (!isHex(hash, 64) || typeof index !== "number" || typeof logKey !== "string" || typeof note !== "string")
    throw new Error("the inclusion is malformed");
  if (!Array.isArray(hashes) || !hashes.every((each: unknown): each is string => isHex(each, 64)))
    throw new Error("the inclusion's hashes are not 64 lower-case hex digits each");
  // Others' signatures could not be checked here, and so could be changed unseen.
  if (parseNote(note).signatures.length !== 1) throw new Error("the checkpoint has signatures of others");
  const { size, root } = openCheckpoint(note, parseNoteKey(logKey));
  const leafHash = hashLeaf(bytesOf(hash));
  if (!verifyInclusion({ leafHash, index, size, root }, hashes.map(bytesOf)))
    throw new Error(`the proof does not lead from entry ${index} to the checkpoint of size ${size}`);
  return { index, logKey, size, root: hexOf(root) };
}

function memberOf(value: unknown, name: string): JsonValue | undefined {
  return isObject(value) ? value[name] : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

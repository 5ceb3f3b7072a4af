import { concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { canonicalize } from "./canonicalize.ts";
import type { JsonValue } from "./json.ts";
import { sha256Hex } from "./sha256.ts";

/** Whether a value is exactly so many lower-case hex digits. Upper case would give one hash two spellings. */
export function isHex(value: unknown, digits: number): value is string {
  return typeof value === "string" && value.length === digits && /^[0-9a-f]*$/.test(value);
}

/** `sha256:` and the hash of a payload's canonical JSON: how stream payloads are named. */
export function payloadHash(payload: JsonValue): string {
  return `sha256:${sha256Hex(canonicalize(payload))}`;
}

/** What of an event enters a trajectory hash. */
export type ChainedEvent = {
  readonly seq: number;
  readonly event_type: string;
  readonly payload: JsonValue;
  /** RFC 3339, UTC, milliseconds. */
  readonly recorded_at: string;
};

const ZERO_HASH = "00".repeat(32);

/**
 * The next head of a trajectory: hₙ = SHA256(hₙ₋₁ ‖ canonical event), as 64 hex
 * digits. h₀ is 32 zero bytes, also meant by `undefined`. Throws RangeError when
 * the previous head is not a hash.
 */
export function chainEvent(previousHex: string | undefined, event: ChainedEvent): string {
  const previous = previousHex ?? ZERO_HASH;
  if (!isHex(previous, 64)) throw new RangeError("the previous head must be 64 lower-case hex digits");
  const { seq, event_type, payload, recorded_at } = event;
  const canonical = utf8ToBytes(canonicalize({ seq, event_type, payload, recorded_at }));
  return sha256Hex(concatBytes(hexToBytes(previous), canonical));
}

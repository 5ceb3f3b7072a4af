import { randomHex } from "./randomness.ts";

/**
 * A new id: the prefix, `_`, and a UUIDv7 (RFC 9562) as 32 hex digits, so that
 * ids sort by the millisecond of their making.
 */
export function newId(prefix: string, nowMs: number): string {
  const time = nowMs.toString(16).padStart(12, "0");
  const random = randomHex(10);
  const variant = (0x8 | (Number.parseInt(random.charAt(3), 16) & 0x3)).toString(16);
  return `${prefix}_${time}7${random.slice(0, 3)}${variant}${random.slice(4, 19)}`;
}

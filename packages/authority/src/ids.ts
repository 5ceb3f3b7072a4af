import { randomHex } from "./randomness.ts";

/** Ids that a millisecond can tell the order of: 12 bits. */
const COUNT_MAX = 0xfff;

let lastMs = 0;
let count = 0;

/**
 * A new id: the prefix, `_`, and a UUIDv7 (RFC 9562) as 32 hex digits. Ids sort by
 * the millisecond of their making, and those that a process makes in one
 * millisecond by their making (section 6.2, method 1).
 */
export function newId(prefix: string, nowMs: number): string {
  count = nowMs === lastMs ? Math.min(count + 1, COUNT_MAX) : 0;
  lastMs = nowMs;
  const time = nowMs.toString(16).padStart(12, "0");
  const order = count.toString(16).padStart(3, "0");
  const random = randomHex(8);
  const variant = (0x8 | (Number.parseInt(random.charAt(0), 16) & 0x3)).toString(16);
  return `${prefix}_${time}7${order}${variant}${random.slice(1)}`;
}

import { randomFillSync } from "node:crypto";

/** Drawn at once, because a draw costs more than the bytes. */
const pool = Buffer.alloc(4_096);
let used = pool.length;

/** So many random bytes, from the system's generator, as hex. */
export function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString("hex", used - bytes, used);
}

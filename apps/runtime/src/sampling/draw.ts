// The draw of a job: a keyed pseudorandom function over what the buyer chose,
// under a seed that the operator chose before.
//
// SAM-1  A provider cannot predict it: the seed is secret until it is revealed.
// SAM-2  The operator cannot steer it: the seed is committed to before the nonce exists, and
//        neither the job's id nor anything else that the service makes goes into it.
// SAM-3  The buyer cannot steer it: it does not know the seed, and one nonce makes one quote.
// SAM-4  Who has the revealed seed and the receipts can compute it again.
// Held by draw.test.ts and tests/sampling.pg.test.ts.

import { createHash, createHmac } from "node:crypto";

export const DRAWS = 10_000;

/** 48 of the function's bits: modulo 10 000 they favour no value by more than 1 in 10^10. */
const DRAW_BYTES = 6;

/** 0 to 9999; `seed` in hex. */
export function drawOf(seed: string, nonce: string, jobHash: string): number {
  const mac = createHmac("sha256", Buffer.from(seed, "hex")).update(`${nonce}:${jobHash}`).digest();
  return mac.readUIntBE(0, DRAW_BYTES) % DRAWS;
}

/** A key is used for one quote at most, so a nonce is too; the key itself is nobody else's business. */
export function nonceOf(idempotencyKey: string): string {
  return createHash("sha256").update(idempotencyKey).digest("hex");
}

/** What is published before the seed is. */
export function commitmentOf(seed: string): string {
  return createHash("sha256").update(Buffer.from(seed, "hex")).digest("hex");
}

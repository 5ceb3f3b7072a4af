// What a quote of policy `sampled` fixes, and what it costs on average.

import { ProblemError, type CommandCall } from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import { DRAWS, nonceOf } from "./draw.ts";
import { RERUN_POLICY, whyRequired, type RerunOrder } from "./decide-rerun.ts";
import { findNewestSeed } from "./store.ts";

export type SamplingTerms = {
  readonly seedId: string;
  readonly commitmentSha256: string;
  readonly nonce: string;
};

/** Throws 503 `sampling_unavailable` before the first seed was opened. */
export async function samplingTerms(q: Queryable, call: CommandCall): Promise<SamplingTerms> {
  const seed = await findNewestSeed(q);
  if (seed === undefined) {
    throw new ProblemError({
      status: 503,
      code: "sampling_unavailable",
      detail: "No sampling seed is committed to yet. Send the same request again shortly.",
      retryAfterMs: 1_000,
    });
  }
  const { seedId, commitmentSha256 } = seed;
  return { seedId, commitmentSha256, nonce: nonceOf(call.idempotencyKey) };
}

/** Rounded up; the whole price where a rule asks for the second run. */
export function expectedPrice(order: Omit<RerunOrder, "draw">, secondTotalMsats: bigint): bigint {
  if (whyRequired(order) !== undefined) return order.totalPriceMsats;
  const rate = BigInt(RERUN_POLICY.rateBps(order.zoneTenths));
  const draws = BigInt(DRAWS);
  return order.totalPriceMsats - secondTotalMsats + (secondTotalMsats * rate + draws - 1n) / draws;
}

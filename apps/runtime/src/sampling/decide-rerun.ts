// Whether a result that would be paid for is run a second time.
//
// Pure. Rules come before luck: a buyer that wants every result repeated, a
// provider that is new or was struck, and a large amount are never left to a draw.
// A draw that cannot be made counts as drawn, because the cheap way must not be
// the one that opens when something is missing.

import type { Rerun, VerificationPolicy } from "@openagents/contracts";
import { rerunRateBps } from "../zones/index.ts";

export type RerunOrder = {
  readonly policy: VerificationPolicy;
  /** Jobs of the provider's organisation that somebody else confirmed. */
  readonly agreeingJobs: number;
  readonly strikes: number;
  /** The provider's zone. */
  readonly zoneTenths: number;
  readonly totalPriceMsats: bigint;
  /** Undefined when the seed is not known any more. */
  readonly draw: Draw | undefined;
};

export type Draw = {
  readonly seedId: string;
  /** 0 to 9999. */
  readonly value: number;
};

export type RerunPolicy = {
  /** So many confirmed jobs before a provider's results are sampled. */
  readonly firstJobs: number;
  /** Over it, always. */
  readonly amountMsatsMax: bigint;
  readonly rateBps: (zoneTenths: number) => number;
};

export const RERUN_POLICY: RerunPolicy = {
  firstJobs: 10,
  amountMsatsMax: 1_000_000n,
  rateBps: (zoneTenths) => rerunRateBps({ zoneTenths }),
};

/** Reasons in order of precedence, as the contract lists them. */
export function decideRerun(order: RerunOrder, policy: RerunPolicy = RERUN_POLICY): Rerun {
  const rule = whyRequired(order, policy);
  if (rule !== undefined || order.draw === undefined)
    return { decision: "required", because: rule ?? "seed_missing" };
  const rateBps = policy.rateBps(order.zoneTenths);
  const { value: draw, seedId } = order.draw;
  return { decision: draw < rateBps ? "drawn" : "not_drawn", because: "sampled", rateBps, draw, seedId };
}

/** The rule that asks for a second run whatever is drawn; undefined when luck decides. */
export function whyRequired(
  order: Omit<RerunOrder, "draw">,
  policy: RerunPolicy = RERUN_POLICY,
): "policy_always" | "provider_struck" | "provider_new" | "amount_over_limit" | undefined {
  if (order.policy !== "sampled") return "policy_always";
  if (order.strikes > 0) return "provider_struck";
  if (order.agreeingJobs < policy.firstJobs) return "provider_new";
  return order.totalPriceMsats > policy.amountMsatsMax ? "amount_over_limit" : undefined;
}

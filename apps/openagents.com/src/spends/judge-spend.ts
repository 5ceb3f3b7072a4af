import type { Tx } from "@openagents/postgres";
import type { Autopilot } from "../autopilots/index.ts";
import { decideSpend, periodsOf, type SpendDecision } from "./decide-spend.ts";
import { findSpending } from "./store.ts";

/**
 * Whether an autopilot may spend so much, under its lock; what costs nothing asks no
 * limit. Reserve it with the same reading of the clock, or midnight comes between.
 */
export async function judgeSpend(
  tx: Tx,
  { autopilotId, policy }: Autopilot,
  amountMsats: bigint,
  nowMs: number,
): Promise<SpendDecision> {
  if (amountMsats === 0n) return { kind: "allowed", needsApproval: false };
  return decideSpend(policy, amountMsats, await findSpending(tx, autopilotId, periodsOf(nowMs)));
}

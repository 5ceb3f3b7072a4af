// Who takes part in a simulated market.

import type { BuyingPolicy, PayOn, VerificationPolicy } from "@openagents/contracts";
import type { Random } from "../random.ts";
import { LIES, type Lie } from "./lies.ts";

/**
 * `lazy` takes jobs and does nothing; `slow` takes longer than its lease and says
 * so by renewing, or does not; `dying` is gone in the middle of some jobs, for a
 * while; `flaky` sees another result now and then, and believes it.
 */
export type Behaviour =
  | { readonly kind: "honest" | "lazy" | "slow" | "dying" | "flaky" }
  | {
      readonly kind: "liar";
      readonly lie: Lie;
      /** So many reports are true first, to earn trust; none when absent. */
      readonly trueFirst?: number;
    };

export type ProviderPlan = {
  readonly name: string;
  readonly behaviour: Behaviour;
  /** When it has nothing to do; it rises with the jobs that it has open. */
  readonly priceMsats: bigint;
  /** Whether it also sells work that is paid for whatever the verdict, for four fifths of that. */
  readonly sellsExecution: boolean;
  /** How long a job takes it, on average. */
  readonly jobMs: number;
};

/** `vanishing` orders and never comes back; `grasping` asks for everything twice, and for its money back. */
export type BuyerKind = "fair" | "vanishing" | "grasping" | "broke";

export type BuyerPlan = {
  readonly name: string;
  readonly kind: BuyerKind;
  readonly policy: BuyingPolicy;
  readonly payOn: PayOn;
  readonly verificationPolicy: VerificationPolicy;
};

/** In a hundred providers. The rest is honest. */
const SHARES = { liar: 20, lazy: 5, slow: 6, dying: 6, flaky: 5 } as const;

export function planProviders(random: Random, count: number): ProviderPlan[] {
  let lies = 0;
  return Array.from({ length: count }, (_, index): ProviderPlan => {
    const behaviour = behaviourAt((index * 100) / count, () => {
      const lie = LIES[lies % LIES.length];
      lies += 1;
      if (lie === undefined) throw new Error("there are no lies");
      return lie;
    });
    return {
      name: `provider${index}`,
      behaviour,
      // Who does not do the work can sell it for less.
      priceMsats: BigInt(behaviour.kind === "honest" ? random.int(30, 120) : random.int(20, 80)) * 1_000n,
      sellsExecution: random.chance(0.5),
      jobMs: random.int(3_000, 15_000),
    };
  });
}

function behaviourAt(place: number, nextLie: () => Lie): Behaviour {
  let below = 0;
  for (const kind of ["liar", "lazy", "slow", "dying", "flaky"] as const) {
    below += SHARES[kind];
    if (place >= below) continue;
    return kind === "liar" ? { kind, lie: nextLie() } : { kind };
  }
  return { kind: "honest" };
}

export function planBuyers(random: Random, count: number): BuyerPlan[] {
  const kinds = ["vanishing", "grasping", "broke"] as const;
  return Array.from({ length: count }, (_, index) => ({
    name: `buyer${index}`,
    // Three of ten, in turn.
    kind: index % 10 < kinds.length ? (kinds[index % 10] ?? "fair") : "fair",
    policy: random.pick(["cheapest", "balanced", "fastest"]),
    payOn: random.chance(0.25) ? "execution" : "outcome",
    verificationPolicy: random.chance(0.4) ? "sampled" : "always",
  }));
}

// What a simulated market came to, in figures. Pure.

import type { Lie } from "./lies.ts";
import type { ProviderPlan } from "./population.ts";
import type { Settled, Tally } from "./tally.ts";

export type Standing = {
  readonly plan: ProviderPlan;
  readonly workerId: string;
  readonly strikes: number;
  readonly quarantined: boolean;
};

export type MarketReport = {
  readonly wanted: number;
  readonly unfilled: number;
  readonly unfunded: number;
  readonly dispatched: number;
  readonly givenUp: number;
  readonly released: number;
  readonly withheld: number;
  /** Settled of those that were wanted and could be paid. */
  readonly fillRateBps: number;
  readonly meanCostMsats: number;
  readonly latencyMsP50: number;
  readonly latencyMsP95: number;
  /** Paid to providers for reports that were not true. */
  readonly fraudLossMsats: bigint;
  readonly fraudLosses: number;
  readonly incidents: number;
  /** Strikes of providers that told the truth, in time, each time. */
  readonly falseStrikes: number;
  readonly struck: readonly {
    readonly behaviour: string;
    readonly providers: number;
    readonly strikes: number;
    readonly quarantined: number;
  }[];
  /** Lies of each kind about the bought work: told, found, and paid for. */
  readonly lies: readonly LieCount[];
  /** Lies that were paid for because who ran them again lied too. */
  readonly liesAgreed: number;
  /** Among lies that were left to the draw. */
  readonly sampling: { readonly lies: number; readonly drawn: number; readonly rateBps: number };
  readonly lateRefused: number;
  readonly reportsRefused: number;
  readonly graspsRefused: number;
  /** Still set aside when all was over. */
  readonly stuckMsats: bigint;
  readonly events: number;
  readonly simulatedMs: number;
};

export type LieCount = {
  readonly lie: string;
  readonly caughtBy: "rule" | "second_run";
  readonly told: number;
  readonly found: number;
  readonly paid: number;
};

export function summarize(
  tally: Tally,
  standings: readonly Standing[],
  stuckMsats: bigint,
  simulatedMs: number,
): MarketReport {
  const { settled } = tally;
  const released = settled.filter(({ status }) => status === "released");
  const lost = released.filter(({ told }) => told?.honest === false);
  const couldPay = tally.wanted - tally.unfunded;
  const cost = settled.reduce((sum, { costMsats }) => sum + costMsats, 0n);
  const latencies = tally.latenciesMs.toSorted((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? 0;
  const drawnOf = settled.filter(({ told, rerun }) => told?.honest === false && rerun?.because === "sampled");
  return {
    wanted: tally.wanted,
    unfilled: tally.unfilled,
    unfunded: tally.unfunded,
    dispatched: tally.dispatched,
    givenUp: tally.givenUp,
    released: released.length,
    withheld: settled.length - released.length,
    fillRateBps: couldPay === 0 ? 0 : Math.round((settled.length * 10_000) / couldPay),
    meanCostMsats: settled.length === 0 ? 0 : Number(cost / BigInt(settled.length)),
    latencyMsP50: at(0.5),
    latencyMsP95: at(0.95),
    fraudLossMsats: lost.reduce((sum, { providerMsats }) => sum + providerMsats, 0n),
    fraudLosses: lost.length,
    incidents: tally.incidents,
    falseStrikes: standings
      .filter(({ workerId, plan }) => isBlameless(plan, workerId, settled))
      .reduce((sum, { strikes }) => sum + strikes, 0),
    struck: struckBy(standings),
    lies: liesTold(tally),
    liesAgreed: lost.filter(({ second }) => second?.honest === false).length,
    sampling: {
      lies: drawnOf.length,
      drawn: drawnOf.filter(({ rerun }) => rerun?.decision === "drawn").length,
      rateBps: drawnOf[0]?.rerun?.rateBps ?? 0,
    },
    lateRefused: tally.lateRefused,
    reportsRefused: tally.reportsRefused,
    graspsRefused: tally.graspsRefused,
    stuckMsats,
    events: tally.events,
    simulatedMs,
  };
}

function isBlameless({ behaviour }: ProviderPlan, workerId: string, settled: readonly Settled[]): boolean {
  if (behaviour.kind !== "honest") return false;
  return settled.every(({ told, second }) =>
    [told, second].every((each) => each?.workerId !== workerId || (each.honest && each.inTime)),
  );
}

function struckBy(standings: readonly Standing[]): MarketReport["struck"] {
  const kinds = [...new Set(standings.map(({ plan }) => plan.behaviour.kind))];
  return kinds.map((behaviour) => {
    const those = standings.filter(({ plan }) => plan.behaviour.kind === behaviour);
    return {
      behaviour,
      providers: those.length,
      strikes: those.reduce((sum, { strikes }) => sum + strikes, 0),
      quarantined: those.filter(({ quarantined }) => quarantined).length,
    };
  });
}

function liesTold({ settled, liesRefused }: Tally): readonly LieCount[] {
  const counts = new Map<string, { -readonly [K in keyof LieCount]: LieCount[K] }>();
  const count = ({ name, caughtBy }: Lie) => {
    const known = counts.get(name) ?? { lie: name, caughtBy, told: 0, found: 0, paid: 0 };
    counts.set(name, known);
    known.told += 1;
    return known;
  };
  // What the contract refuses is found before it is stored.
  for (const lie of liesRefused) count(lie).found += 1;
  for (const { told, status, violations, disagreement } of settled) {
    if (told === undefined || told.honest || told.behaviour.kind !== "liar") continue;
    const known = count(told.behaviour.lie);
    if (violations.length > 0 || disagreement) known.found += 1;
    if (status === "released") known.paid += 1;
  }
  return [...counts.values()].toSorted((a, b) => (a.lie < b.lie ? -1 : 1));
}

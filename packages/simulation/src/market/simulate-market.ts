// A market of many providers and buyers on a clock of its own, over the real
// runtime and a real database. What the parties do is simulated, and no check is
// run; what is decided and what moves money is the product.

import { seededRandom } from "../random.ts";
import { createTimeline } from "../timeline.ts";
import { openWorld } from "../world.ts";
import { openBuyer, type Buyer } from "./buyer.ts";
import { openConservation } from "./conservation.ts";
import type { Market } from "./market.ts";
import { OPERATOR, openOperator } from "./operator.ts";
import { planBuyers, planProviders, type BuyerPlan, type ProviderPlan } from "./population.ts";
import { joinMarket, type Provider } from "./provider.ts";
import { summarize, type MarketReport, type Standing } from "./summarize.ts";
import { emptyTally } from "./tally.ts";

export type MarketSimulation = {
  readonly databaseUrl: string;
  /** Of the role that owns the schema; absent when it is migrated already. */
  readonly ownerDatabaseUrl?: string;
  readonly jobs: number;
  readonly seed: number;
  readonly providers: readonly ProviderPlan[];
  readonly buyers: readonly BuyerPlan[];
  /** How long the operator leaves strikes standing; absent: for ever. */
  readonly forgivenAfterMs?: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (ordered: number, wanted: number) => void;
};

/** Time between two orders, on average. */
const ORDER_EVERY_MS = 3_000;
const START_MS = Date.UTC(2026, 0, 1);
/** Over which what nobody asks for any more is given back. */
const AFTERWARDS_MS = 3 * 86_400_000;
const LOOKS_MAX = 72;

/** A population of ordinary make: two thirds honest, and all that can go wrong. */
export function ordinaryPopulation(seed: number, providers: number, buyers: number) {
  const random = seededRandom(seed);
  return { providers: planProviders(random, providers), buyers: planBuyers(random, buyers) };
}

/**
 * Run it to its end. Rejects when money was made or lost at any step, when the
 * books do not hold at the end, and with the signal's reason.
 */
export async function simulateMarket(simulation: MarketSimulation): Promise<MarketReport> {
  const { databaseUrl, ownerDatabaseUrl, jobs, seed, signal } = simulation;
  await using parts = new AsyncDisposableStack();
  const timeline = createTimeline(START_MS);
  const nowMs = () => timeline.nowMs();
  const world = parts.use(
    await openWorld({
      databaseUrl,
      ownerDatabaseUrl,
      nowMs,
      after: timeline.beside,
      random: seededRandom(seed + 2),
    }),
  );
  let keys = 0;
  const conservation = parts.use(openConservation(databaseUrl));
  const sleepers = new Map<string, () => void>();
  const market: Market = {
    world,
    timeline,
    random: seededRandom(seed + 1),
    tally: emptyTally(),
    operator: world.as(OPERATOR),
    truths: new Map(),
    jobs: new Map(),
    told: new Map(),
    awaited: new Map(),
    sleepers,
    key() {
      keys += 1;
      return { idempotencyKey: `simulation-${keys}` };
    },
    wake: (workerId) => sleepers.get(workerId)?.(),
    forgiven: new Map(),
    open: jobs,
  };
  const providers: Provider[] = [];
  for (const plan of simulation.providers) {
    const party = { sub: `dev_${plan.name}`, org: `org_${plan.name}`, zone: "1" } as const;
    providers.push(await joinMarket(market, plan, party));
  }
  const reserve = await openOperator(market);
  const { forgivenAfterMs } = simulation;
  if (forgivenAfterMs !== undefined) forgiveStrikes(market, providers, forgivenAfterMs);
  const buyers: Buyer[] = [];
  const purseMsats = BigInt(Math.ceil(jobs / simulation.buyers.length)) * 4n * 500_000n;
  for (const plan of simulation.buyers) {
    const party = { sub: `usr_${plan.name}`, org: `org_${plan.name}`, zone: "0.5" } as const;
    buyers.push(await openBuyer(market, plan, party, purseMsats));
  }

  let ordered = 0;
  const orderNext = async (): Promise<void> => {
    const buyer = buyers[market.random.int(0, buyers.length - 1)];
    if (buyer === undefined) throw new Error("a market needs a buyer");
    ordered += 1;
    simulation.onProgress?.(ordered, jobs);
    if (ordered < jobs) timeline.after(market.random.wait(ORDER_EVERY_MS), orderNext);
    await buyer.order(ordered);
  };
  timeline.after(0, orderNext);
  await timeline.run(async () => {
    signal.throwIfAborted();
    market.tally.events += 1;
    await conservation.checkBeside();
  });
  await conservation.check();
  const stuckMsats = await endBusiness(market, conservation, buyers);
  const { ok, checks } = await market.operator.operations.auditLedger({});
  if (!ok) {
    const broken = checks.filter((check) => !check.ok).map(({ name, detail }) => `${name}: ${detail}`);
    throw new Error(`the books do not hold: ${broken.join("; ")}`);
  }
  const standings: Standing[] = [];
  for (const { workerId, plan, clients } of [...providers, reserve]) {
    const { worker } = await clients.workers.getWorker({ workerId });
    standings.push({
      plan,
      workerId,
      strikes: worker.strikes + (market.forgiven.get(workerId) ?? 0),
      quarantined: worker.quarantined,
    });
  }
  return summarize(market.tally, standings, stuckMsats, nowMs() - START_MS);
}

/** So that who lies goes on lying, and the rate at which that is found can be measured. */
function forgiveStrikes(market: Market, providers: readonly Provider[], everyMs: number): void {
  const forgive = async (): Promise<void> => {
    if (market.open === 0) return;
    for (const { workerId, clients } of providers) {
      const { worker } = await clients.workers.getWorker({ workerId });
      if (worker.strikes > 0) {
        market.forgiven.set(workerId, (market.forgiven.get(workerId) ?? 0) + worker.strikes);
        await market.operator.workers.reinstateWorker({ workerId, reason: "simulation" }, market.key());
      }
    }
    market.timeline.after(everyMs, forgive);
  };
  market.timeline.after(everyMs, forgive);
}

/** Days pass, and the runtime ends by itself what its buyers have left. Answers what it left. */
async function endBusiness(
  market: Market,
  conservation: { check(): Promise<void> },
  buyers: readonly Buyer[],
): Promise<bigint> {
  for (let looks = 1; ; looks += 1) {
    await market.timeline.leap(AFTERWARDS_MS / LOOKS_MAX);
    await conservation.check();
    const left = await stuck(buyers);
    if (left === 0n || looks === LOOKS_MAX) return left;
  }
}

async function stuck(buyers: readonly Buyer[]): Promise<bigint> {
  let sum = 0n;
  for (const { clients } of buyers) sum += (await clients.treasury.getComputeSummary({})).reservedMsats;
  return sum;
}

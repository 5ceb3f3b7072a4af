// What workers ask for a job, in the order in which they are asked for it. Pure.

import type { Assurance, BuyingPolicy, PayOn, SecondOpinion } from "@openagents/contracts";
import { NO_RECORD, type ProviderRecord, type Worker } from "../workers/index.ts";
import { isOperator } from "../zones/index.ts";
import { askedPrice, priceOf, secondPrice, sumOf, type Priced } from "./price.ts";
import { ranking, type Standing } from "./rank.ts";

/** A worker and what one run at it costs. */
export type Offer = { readonly worker: Worker; readonly priced: Priced };

export type Second = Offer & { readonly assurance: Exclude<Assurance, "provider"> };

/** What the market knows of the workers beside what they say; those without are left out. */
export type MarketFacts = {
  readonly records: ReadonlyMap<string, ProviderRecord>;
  readonly openJobs: ReadonlyMap<string, number>;
};

/** What decides who is asked, of all that can do the job. */
export type Demand = {
  readonly capability: string;
  readonly buyerOrg: string;
  readonly secondOpinion: SecondOpinion;
  readonly policy: BuyingPolicy;
  readonly payOn: PayOn;
  readonly facts: MarketFacts;
};

/**
 * Those that sell what is asked for. The market comes first, because the buyer's
 * own devices are worth more as second opinions; the operator's reserve is last.
 */
export function rankFirst(workers: readonly Worker[], demand: Demand): Offer[] {
  const { buyerOrg, capability, facts, payOn, policy } = demand;
  const offers = offersOf(workers, facts, (worker, openJobs) =>
    askedPrice(worker, capability, payOn, openJobs),
  );
  const group = ({ worker }: Offer) => (isOperator(worker) ? 2 : worker.org === buyerOrg ? 1 : 0);
  return sortOffers(offers, facts, policy, (a, b) => group(a) - group(b));
}

/** Those that may repeat a run, the buyer's own devices first and the reserve last. */
export function rankSeconds(workers: readonly Worker[], demand: Omit<Demand, "policy" | "payOn">): Second[] {
  const { buyerOrg, capability, facts, secondOpinion } = demand;
  const asked = workers
    .filter((worker) => secondOpinion !== "self" || worker.org === buyerOrg)
    .filter((worker) => secondOpinion !== "independent" || worker.org !== buyerOrg);
  const offers = offersOf(asked, facts, (worker, openJobs) => secondPrice(worker, capability, openJobs));
  const isOwn = ({ worker }: Offer) => worker.org === buyerOrg;
  return sortOffers(
    offers,
    facts,
    "cheapest",
    (a, b) =>
      Number(isOwn(b)) - Number(isOwn(a)) || Number(isOperator(a.worker)) - Number(isOperator(b.worker)),
  ).map((offer) => ({ ...offer, assurance: isOwn(offer) ? "self" : "independent" }));
}

/** One person may act for two organisations, and confirms nothing of itself in either. */
export function findSecond(
  seconds: readonly Second[],
  first: Pick<Worker, "org" | "owner">,
): Second | undefined {
  return seconds.find(({ worker }) => worker.org !== first.org && worker.owner !== first.owner);
}

function offersOf(
  workers: readonly Worker[],
  facts: MarketFacts,
  ask: (worker: Worker, openJobs: number) => bigint | undefined,
): Offer[] {
  return workers.flatMap((worker) => {
    const price = ask(worker, facts.openJobs.get(worker.workerId) ?? 0);
    return price === undefined ? [] : [{ worker, priced: priceOf(worker, price) }];
  });
}

function sortOffers(
  offers: readonly Offer[],
  facts: MarketFacts,
  policy: BuyingPolicy,
  byGroup: (a: Offer, b: Offer) => number,
): Offer[] {
  const standings = new Map(offers.map((offer) => [offer, standingOf(offer, facts)]));
  const byRank = ranking(policy, [...standings.values()]);
  const rank = (a: Offer, b: Offer) => {
    const [left, right] = [standings.get(a), standings.get(b)];
    return left === undefined || right === undefined ? 0 : byRank(left, right);
  };
  return offers.toSorted((a, b) => byGroup(a, b) || rank(a, b));
}

function standingOf({ worker, priced }: Offer, facts: MarketFacts): Standing {
  return {
    workerId: worker.workerId,
    strikes: worker.strikes,
    totalMsats: sumOf(priced),
    record: facts.records.get(worker.workerId) ?? NO_RECORD,
  };
}

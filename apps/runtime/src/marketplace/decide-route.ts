// Choosing among offers that a buyer collected, by published formulas. Pure, and
// total: equal offers in any order give the same decision with the same hash.

import type { RouteCandidate, RouteLoser, RouterPolicy } from "@openagents/contracts";
import { canonicalize, sha256Hex, type JsonObject } from "@openagents/receipts";
import { compare } from "./rank.ts";

export type RouteRequest = {
  readonly policy: RouterPolicy;
  readonly runId: string;
  readonly capability: string;
  readonly objectiveHash: string | undefined;
  readonly candidates: readonly RouteCandidate[];
};

export type Route = {
  readonly decisionSha256: string;
  readonly selected: RouteCandidate;
  /** From the best to the worst. */
  readonly candidates: readonly RouteCandidate[];
  readonly losers: readonly RouteLoser[];
};

/** Where an offer does not say how long it takes. */
const LATENCY_ASSUMED_MS = 250n;

type Rule = {
  readonly because: string;
  readonly by: (a: RouteCandidate, b: RouteCandidate) => number;
};

const DEARER: Rule = { because: "dearer", by: (a, b) => compare(a.totalPriceMsats, b.totalPriceMsats) };
/** Of unknown speed comes after every known one. */
const SLOWER: Rule = {
  because: "slower",
  by: (a, b) =>
    Number(a.latencyMs === undefined) - Number(b.latencyMs === undefined) ||
    compare(a.latencyMs ?? 0n, b.latencyMs ?? 0n),
};
const LESS_RELIABLE: Rule = {
  because: "less_reliable",
  by: (a, b) => b.reliabilityBps - a.reliabilityBps,
};
const WORSE_BALANCE: Rule = { because: "worse_balance", by: (a, b) => compare(balance(a), balance(b)) };
const BY_ID: Rule = {
  because: "tie_broken_by_id",
  by: (a, b) =>
    compare(a.marketplaceId, b.marketplaceId) ||
    compare(a.providerId, b.providerId) ||
    compare(a.quoteId ?? "", b.quoteId ?? "") ||
    compare(a.quoteSha256 ?? "", b.quoteSha256 ?? ""),
};

const RULES: Readonly<Record<RouterPolicy, readonly Rule[]>> = {
  lowest_total_cost_v1: [DEARER, SLOWER, LESS_RELIABLE, BY_ID],
  balanced_v1: [WORSE_BALANCE, DEARER, SLOWER, LESS_RELIABLE, BY_ID],
  reliability_first_v1: [LESS_RELIABLE, DEARER, SLOWER, BY_ID],
};

export function decideRoute(request: RouteRequest): Route {
  const rules = RULES[request.policy];
  const order = (a: RouteCandidate, b: RouteCandidate) => {
    for (const { by } of rules) {
      const difference = by(a, b);
      if (difference !== 0) return difference;
    }
    return 0;
  };
  const candidates = request.candidates.toSorted(order);
  const [selected, ...others] = candidates;
  if (selected === undefined) throw new RangeError("a route needs a candidate");
  const losers = others.map((loser) => ({
    marketplaceId: loser.marketplaceId,
    providerId: loser.providerId,
    because: rules.find(({ by }) => by(selected, loser) < 0)?.because ?? BY_ID.because,
  }));
  const facts: JsonObject = {
    schema: "openagents.marketplace.router_decision.v1",
    policy: request.policy,
    run_id: request.runId,
    capability: request.capability,
    objective_hash: request.objectiveHash ?? null,
    selected: candidateFacts(selected),
    candidates: candidates.map(candidateFacts),
  };
  return { decisionSha256: sha256Hex(canonicalize(facts)), selected, candidates, losers };
}

/** price + latency × 1 + floor(gap / 100) × 20, where the gap is what lacks to full reliability. */
function balance({ totalPriceMsats, latencyMs, reliabilityBps }: RouteCandidate): bigint {
  const percents = Math.floor((10_000 - reliabilityBps) / 100);
  return totalPriceMsats + (latencyMs ?? LATENCY_ASSUMED_MS) + BigInt(percents * 20);
}

export function candidateFacts(candidate: RouteCandidate): JsonObject {
  return {
    marketplace_id: candidate.marketplaceId,
    provider_id: candidate.providerId,
    total_price_msats: Number(candidate.totalPriceMsats),
    latency_ms: candidate.latencyMs === undefined ? null : Number(candidate.latencyMs),
    reliability_bps: candidate.reliabilityBps,
    ...(candidate.quoteId === undefined ? {} : { quote_id: candidate.quoteId }),
    ...(candidate.quoteSha256 === undefined ? {} : { quote_sha256: candidate.quoteSha256 }),
  };
}

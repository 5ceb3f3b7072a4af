// The operator of a simulated market: its reserve provider, and the decision of
// every disagreement as soon as there is one.

import { isRefused, type Market } from "./market.ts";
import { joinMarket, type Provider } from "./provider.ts";
import type { ProviderPlan } from "./population.ts";

const RESERVE: ProviderPlan = {
  name: "reserve",
  behaviour: { kind: "honest" },
  // Above every other price, so that it fills only what the market cannot.
  priceMsats: 500_000n,
  sellsExecution: true,
  jobMs: 5_000,
};

const LOOK_MS = 15_000;

export const OPERATOR = { sub: "svc_operator", org: "org_operator", zone: "0" } as const;

export async function openOperator(market: Market): Promise<Provider> {
  const reserve = await joinMarket(market, RESERVE, OPERATOR);
  // The runtime opens one by itself, a moment after it starts.
  await market.operator.sampling.openSamplingSeed({}, market.key()).catch((error: unknown) => {
    if (!isRefused(error, "seed_is_fresh")) throw error;
  });
  const undecided = new Set<string>();
  let newest = "";

  async function look(): Promise<void> {
    for (const { incidentId, status } of await newIncidents()) {
      market.tally.incidents += 1;
      if (status === "decided") continue;
      undecided.add(incidentId);
      market.open += 1;
    }
    for (const incidentId of undecided) {
      if (await isDecided(incidentId)) {
        undecided.delete(incidentId);
        market.open -= 1;
      } else market.wake(reserve.workerId);
    }
    if (market.open > 0) market.timeline.after(LOOK_MS, look);
  }

  /** Newest first, down to the one that was seen last. */
  async function newIncidents() {
    const found = [];
    let cursor: string | undefined;
    do {
      const page = await market.operator.fraud.listIncidents(
        cursor === undefined ? { limit: 50 } : { limit: 50, cursor },
      );
      for (const incident of page.incidents) {
        if (incident.incidentId <= newest) return remember(found);
        found.push(incident);
      }
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return remember(found);
  }

  function remember<T extends { readonly incidentId: string }>(found: readonly T[]): readonly T[] {
    newest = found[0]?.incidentId ?? newest;
    return found;
  }

  async function isDecided(incidentId: string): Promise<boolean> {
    try {
      const { incident } = await market.operator.fraud.adjudicateIncident({ incidentId }, market.key());
      return incident.status === "decided";
    } catch (error) {
      // The reserve works on it, or it was decided in the meantime.
      if (isRefused(error, "adjudication_running", "incident_decided", "already_decided")) {
        const { incident } = await market.operator.fraud.getIncident({ incidentId });
        return incident.status === "decided";
      }
      throw error;
    }
  }

  market.timeline.after(LOOK_MS, look);
  return reserve;
}

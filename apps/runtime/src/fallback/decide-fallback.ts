// Who does the work when its provider could not. Pure.
//
// The buyer's policy bounds it, and so does what is reserved: the quoted price
// stays, whoever does the work. Who runs the work a second time is never asked
// to run it first.

import type { Fallback } from "@openagents/contracts";
import {
  isEligible,
  mayJoin,
  rankFirst,
  type Demand,
  type PanelRules,
  type WorkOrder,
} from "../marketplace/index.ts";
import type { Worker } from "../workers/index.ts";
import { isOperator } from "../zones/index.ts";

/** How often one order may go to another provider. */
const MOVES_MAX = 2;

export type FallbackOrder = WorkOrder &
  Omit<Demand, "secondOpinion"> & {
    readonly fallback: Fallback;
    /** Workers that had the job, the present one among them. */
    readonly had: readonly string[];
    /** Who is to run it a second time. */
    readonly second: Pick<Worker, "org" | "owner"> | undefined;
    /** Of a copy on a panel: whom its other copies leave. */
    readonly panel: PanelRules | undefined;
    /** What the quote pays for it. */
    readonly priceMsats: bigint;
  };

/** The first in the market's rank, as when the order was quoted; the operator's reserve is last. */
export function decideFallback(
  workers: readonly Worker[],
  order: FallbackOrder,
  nowMs: number,
): Worker | undefined {
  const { fallback, had, panel, second, priceMsats } = order;
  if (fallback === "none" || had.length > MOVES_MAX) return undefined;
  const eligible = workers.filter(
    (worker) =>
      !had.includes(worker.workerId) &&
      (fallback === "market" || isOperator(worker)) &&
      (panel === undefined || mayJoin(worker, panel, order.buyerOrg)) &&
      (second === undefined || (worker.org !== second.org && worker.owner !== second.owner)) &&
      isEligible(worker, order, nowMs),
  );
  // The reserve fills what the market cannot, for what is reserved.
  const offers = rankFirst(eligible, { ...order, secondOpinion: "any" }).filter(
    ({ worker, priced }) => isOperator(worker) || priced.priceMsats <= priceMsats,
  );
  return offers[0]?.worker;
}

// Who is asked for the copies of one panel: different owners, so that one of them
// cannot outvote the others. Pure.

import type { Worker } from "../workers/index.ts";
import { disqualify, type Disqualifier, type WorkOrder } from "./decide-selection.ts";
import { rankFirst, type Demand, type Offer } from "./offers.ts";
import { compare } from "./rank.ts";

export type PanelOrder = Omit<Demand, "secondOpinion"> &
  WorkOrder & {
    readonly redundancy: number;
    /** Whether the buyer's own devices may be among them. */
    readonly ownDevices: boolean;
  };

export type Members = {
  /** As many as there are owners, the redundancy at most; in rank. */
  readonly members: readonly Offer[];
  readonly losers: readonly {
    readonly workerId: string;
    readonly because: Disqualifier | "buyers_own" | "pay_on_not_sold" | "owner_asked_already" | "outranked";
  }[];
};

type Owned = Pick<Worker, "org" | "owner" | "account">;

export function decideMembers(workers: readonly Worker[], order: PanelOrder, nowMs: number): Members {
  const losers: Members["losers"][number][] = [];
  const eligible = workers.filter((worker) => {
    const { workerId } = worker;
    const because = disqualify(worker, order, nowMs) ?? (isBarred(worker, order) ? "buyers_own" : undefined);
    if (because !== undefined) losers.push({ workerId, because });
    return because === undefined;
  });
  const offers = rankFirst(eligible, { ...order, secondOpinion: "any" });
  const members: Offer[] = [];
  for (const offer of offers) {
    const { worker } = offer;
    const { workerId } = worker;
    if (members.length === order.redundancy) losers.push({ workerId, because: "outranked" });
    else if (members.some((member) => isSameOwner(member.worker, worker, order.buyerOrg)))
      losers.push({ workerId, because: "owner_asked_already" });
    else members.push(offer);
  }
  const selling = new Set(offers.map(({ worker }) => worker));
  for (const worker of eligible)
    if (!selling.has(worker)) losers.push({ workerId: worker.workerId, because: "pay_on_not_sold" });
  return { members, losers: losers.toSorted((a, b) => compare(a.workerId, b.workerId)) };
}

/** What holds for whoever takes the place of a member. */
export type PanelRules = Pick<PanelOrder, "ownDevices"> & { readonly others: readonly Owned[] };

export function mayJoin(worker: Owned, { ownDevices, others }: PanelRules, buyerOrg: string): boolean {
  return (
    !isBarred(worker, { ownDevices, buyerOrg }) &&
    !others.some((other) => isSameOwner(other, worker, buyerOrg))
  );
}

function isBarred(worker: Owned, { ownDevices, buyerOrg }: Pick<PanelOrder, "ownDevices" | "buyerOrg">) {
  return !ownDevices && (worker.org === buyerOrg || worker.account === buyerOrg);
}

/**
 * One person may act for two organisations, and sell under another one than its
 * account's. The buyer's own account is let off: it is asked by the buyer's word alone.
 */
function isSameOwner(a: Owned, b: Owned, buyerOrg: string): boolean {
  return a.org === b.org || a.owner === b.owner || (a.account === b.account && a.account !== buyerOrg);
}

// Which provider a job is offered to, and which one runs it a second time.
//
// Pure: the same workers, job and clock reading give the same answer when an
// auditor replays the receipt.

import type { Assurance, SandboxRunSpec, SecondOpinion, ToolchainRequirement } from "@openagents/contracts";
import { livenessOf, type Worker } from "../workers/index.ts";
import { isOperator, mayReceiveSource, type SourceOrder } from "../zones/index.ts";

export type Order = SourceOrder & {
  readonly capability: string;
  readonly spec: SandboxRunSpec;
  readonly secondOpinion: SecondOpinion;
};

export type Selection = {
  /** Undefined when no worker is eligible, or none has a second one beside it. */
  readonly winner: Worker | undefined;
  readonly second: Second | undefined;
  readonly losers: readonly Loser[];
};

export type Second = { readonly worker: Worker; readonly assurance: Exclude<Assurance, "provider"> };

export type Loser = {
  readonly workerId: string;
  readonly because: Disqualifier | "no_second_opinion" | "outranked";
};

/** In order of precedence: a worker that fails several reports the first. */
export type Disqualifier =
  | "not_running"
  | "stale"
  | "quarantined"
  | "capability_missing"
  | "zone_not_allowed"
  | "caps_too_small"
  | "toolchain_missing";

/**
 * The first provider is the first in rank that has a second one beside it, of
 * another owner. The market comes before the buyer's own devices, because those
 * are worth more as second opinions, and both before the operator's reserve.
 */
export function decideSelection(workers: readonly Worker[], order: Order, nowMs: number): Selection {
  const eligible: Worker[] = [];
  const losers: Loser[] = [];
  for (const worker of workers) {
    const because = disqualify(worker, order, nowMs);
    if (because === undefined) eligible.push(worker);
    else losers.push({ workerId: worker.workerId, because });
  }
  eligible.sort(byRank(order.buyerOrg));
  let winner: Worker | undefined;
  let second: Second | undefined;
  for (const worker of eligible) {
    const beside = winner === undefined ? rankSecond(eligible, worker, order) : second;
    if (beside === undefined) losers.push({ workerId: worker.workerId, because: "no_second_opinion" });
    else if (winner === undefined) [winner, second] = [worker, beside];
    else if (worker !== beside.worker) losers.push({ workerId: worker.workerId, because: "outranked" });
  }
  losers.sort((a, b) => compare(a.workerId, b.workerId));
  return { winner, second, losers };
}

export type Replacement = Order & {
  readonly first: Pick<Worker, "org" | "owner">;
  /** Workers that were asked before. */
  readonly asked: readonly string[];
  /** What is reserved for the second run. */
  readonly priceMsatsMax: bigint;
};

/** Who runs a job a second time when the one that was selected for it could not. */
export function decideReplacement(
  workers: readonly Worker[],
  replacement: Replacement,
  nowMs: number,
): Second | undefined {
  const eligible = workers.filter(
    (worker) =>
      disqualify(worker, replacement, nowMs) === undefined &&
      !replacement.asked.includes(worker.workerId) &&
      // The reserve runs it for what is reserved: whoever named the least as second must not be all there is.
      (isOperator(worker) || worker.priceMsats <= replacement.priceMsatsMax),
  );
  return rankSecond(eligible, replacement.first, replacement);
}

/** The operator's own worker that decides between two parties; a party itself never does. */
export function decideReserve(
  workers: readonly Worker[],
  order: Omit<Order, "secondOpinion"> & { readonly partyOrgs: readonly string[] },
  nowMs: number,
): Worker | undefined {
  return workers
    .filter(
      (worker) =>
        isOperator(worker) &&
        !order.partyOrgs.includes(worker.org) &&
        disqualify(worker, order, nowMs) === undefined,
    )
    .toSorted((a, b) => compare(a.workerId, b.workerId))[0];
}

function rankSecond(
  eligible: readonly Worker[],
  first: Pick<Worker, "org" | "owner">,
  order: Order,
): Second | undefined {
  const { buyerOrg, secondOpinion } = order;
  const [best] = eligible
    // One person may act for two organisations, and confirms nothing of itself in either.
    .filter((worker) => worker.org !== first.org && worker.owner !== first.owner)
    .filter((worker) => secondOpinion !== "self" || worker.org === buyerOrg)
    .filter((worker) => secondOpinion !== "independent" || worker.org !== buyerOrg)
    .toSorted(
      (a, b) =>
        Number(b.org === buyerOrg) - Number(a.org === buyerOrg) ||
        Number(isOperator(a)) - Number(isOperator(b)) ||
        byStanding(a, b),
    );
  if (best === undefined) return undefined;
  return { worker: best, assurance: best.org === buyerOrg ? "self" : "independent" };
}

function disqualify(
  worker: Worker,
  order: Omit<Order, "secondOpinion">,
  nowMs: number,
): Disqualifier | undefined {
  if (worker.status !== "running") return "not_running";
  if (livenessOf(worker, nowMs) !== "fresh") return "stale";
  if (worker.quarantined) return "quarantined";
  if (!worker.roles.includes("provider") || !worker.capabilities.includes(order.capability))
    return "capability_missing";
  if (!mayReceiveSource(worker, order)) return "zone_not_allowed";
  if (!fitsCaps(worker, order.spec)) return "caps_too_small";
  if (!order.spec.toolchains.every((needed) => hasToolchain(worker, needed))) return "toolchain_missing";
  return undefined;
}

function fitsCaps({ caps }: Worker, { limits }: SandboxRunSpec): boolean {
  return (
    limits.memoryMib <= caps.memoryMibMax &&
    limits.diskMib <= caps.diskMibMax &&
    limits.wallMs <= caps.wallMsMax
  );
}

function hasToolchain(worker: Worker, needed: ToolchainRequirement): boolean {
  const { name, versionMin, versionBelow } = needed;
  return worker.toolchains.some(
    (tool) =>
      tool.name === name &&
      compareVersions(tool.version, versionMin) >= 0 &&
      (versionBelow === undefined || compareVersions(tool.version, versionBelow) < 0),
  );
}

/** Compare dotted numbers; missing parts count as 0. */
export function compareVersions(a: string, b: string): number {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

function byRank(buyerOrg: string): (a: Worker, b: Worker) => number {
  const group = (worker: Worker) => (isOperator(worker) ? 2 : worker.org === buyerOrg ? 1 : 0);
  return (a, b) => group(a) - group(b) || byStanding(a, b);
}

/**
 * Those with the fewest strikes first, then the cheapest. The id makes the order
 * total, so arrival order can never pick the winner.
 */
function byStanding(a: Worker, b: Worker): number {
  return a.strikes - b.strikes || compare(a.priceMsats, b.priceMsats) || compare(a.workerId, b.workerId);
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

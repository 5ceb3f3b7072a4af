// Which provider a job is offered to, and which one runs it a second time.
//
// Pure: the same workers, job and clock reading give the same answer when an
// auditor replays the receipt.

import type { ToolchainRequirement } from "@openagents/contracts";
import { fitsJob, isOpinionSpec, isRepoIndex, type JobSpec } from "../jobs/index.ts";
import { livenessOf, type Worker } from "../workers/index.ts";
import { findSecond, rankFirst, rankSeconds, type Demand, type Offer, type Second } from "./offers.ts";
import { compare } from "./rank.ts";
import { isOperator, mayReceiveSource, type SourceOrder } from "../zones/index.ts";

export type Order = Demand &
  SourceOrder & {
    readonly spec: JobSpec;
    /** Organisations that do not work for this buyer. */
    readonly blockedBy?: ReadonlySet<string>;
  };

/** What a worker must be able and allowed to do. */
export type WorkOrder = SourceOrder & Pick<Order, "capability" | "spec" | "blockedBy">;

export type Selection = {
  /** Undefined when no worker is eligible, or none has a second one beside it. */
  readonly winner: Offer | undefined;
  readonly second: Second | undefined;
  readonly losers: readonly Loser[];
};

export type Loser = {
  readonly workerId: string;
  readonly because: Disqualifier | "pay_on_not_sold" | "no_second_opinion" | "outranked";
};

/** In order of precedence: a worker that fails several reports the first. */
export type Disqualifier =
  | "not_running"
  | "stale"
  | "quarantined"
  | "capability_missing"
  | "zone_not_allowed"
  | "blocked"
  | "caps_too_small"
  | "toolchain_missing";

/** The first provider is the first in rank that has a second one beside it, of another owner. */
export function decideSelection(workers: readonly Worker[], order: Order, nowMs: number): Selection {
  const eligible: Worker[] = [];
  const losers: Loser[] = [];
  for (const worker of workers) {
    const because = disqualify(worker, order, nowMs);
    if (because === undefined) eligible.push(worker);
    else losers.push({ workerId: worker.workerId, because });
  }
  const offers = rankFirst(eligible, order);
  const selling = new Set(offers.map(({ worker }) => worker));
  const seconds = rankSeconds(eligible, order);
  let winner: Offer | undefined;
  let second: Second | undefined;
  for (const offer of offers) {
    const { worker } = offer;
    const beside = winner === undefined ? findSecond(seconds, worker) : second;
    if (beside === undefined) losers.push({ workerId: worker.workerId, because: "no_second_opinion" });
    else if (winner === undefined) [winner, second] = [offer, beside];
    else if (worker !== beside.worker) losers.push({ workerId: worker.workerId, because: "outranked" });
  }
  for (const worker of eligible) {
    if (!selling.has(worker) && worker !== second?.worker)
      losers.push({ workerId: worker.workerId, because: "pay_on_not_sold" });
  }
  losers.sort((a, b) => compare(a.workerId, b.workerId));
  return { winner, second, losers };
}

export type Replacement = Omit<Order, "policy" | "payOn"> & {
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
      disqualify(worker, replacement, nowMs) === undefined && !replacement.asked.includes(worker.workerId),
  );
  const affordable = rankSeconds(eligible, replacement).filter(
    // The reserve runs it for what is reserved: whoever named the least as second must not be all there is.
    ({ worker, priced }) => isOperator(worker) || priced.priceMsats <= replacement.priceMsatsMax,
  );
  return findSecond(affordable, replacement.first);
}

/** The operator's own worker that decides between two parties; a party itself never does. */
export function decideReserve(
  workers: readonly Worker[],
  order: WorkOrder & { readonly partyOrgs: readonly string[] },
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

/** Whether a worker may have the work at all, whatever it asks for it. */
export function isEligible(worker: Worker, order: WorkOrder, nowMs: number): boolean {
  return disqualify(worker, order, nowMs) === undefined;
}

export function disqualify(worker: Worker, order: WorkOrder, nowMs: number): Disqualifier | undefined {
  if (worker.status !== "running") return "not_running";
  if (livenessOf(worker, nowMs) !== "fresh") return "stale";
  if (worker.quarantined) return "quarantined";
  if (!worker.roles.includes("provider") || !worker.capabilities.includes(order.capability))
    return "capability_missing";
  if (!mayReceiveSource(worker, order)) return "zone_not_allowed";
  if (order.blockedBy?.has(worker.org) === true) return "blocked";
  if (!fitsJob(worker.caps, order.spec)) return "caps_too_small";
  if (!hasToolchains(worker, order.spec)) return "toolchain_missing";
  return undefined;
}

/** Nothing of a tree is run to index it, nor of what takes judgement. */
function hasToolchains(worker: Worker, spec: JobSpec): boolean {
  return (
    isOpinionSpec(spec) ||
    isRepoIndex(spec) ||
    spec.toolchains.every((needed) => hasToolchain(worker, needed))
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

// Which provider a job is offered to.
//
// Pure: the same workers, job and clock reading give the same answer when an
// auditor replays the receipt.

import type { SandboxRunSpec } from "@openagents/contracts";
import { livenessOf, type Worker } from "../workers/index.ts";

export type Selection = {
  /** Undefined when no worker is eligible. */
  readonly winner: Worker | undefined;
  readonly losers: readonly Loser[];
};

export type Loser = { readonly workerId: string; readonly because: Disqualifier | "outranked" };

/** In order of precedence: a worker that fails several reports the first. */
export type Disqualifier =
  | "not_running"
  | "stale"
  | "capability_missing"
  | "zone_not_allowed"
  | "caps_too_small"
  | "toolchain_missing";

/** Source goes to operator services and enrolled devices only. */
const ZONE_TENTHS_MAX = 5;

export function decideSelection(
  workers: readonly Worker[],
  capability: string,
  spec: SandboxRunSpec,
  nowMs: number,
): Selection {
  const eligible: Worker[] = [];
  const losers: Loser[] = [];
  for (const worker of workers) {
    const because = disqualify(worker, capability, spec, nowMs);
    if (because === undefined) eligible.push(worker);
    else losers.push({ workerId: worker.workerId, because });
  }
  const [winner, ...outranked] = eligible.sort(byRank);
  for (const worker of outranked) losers.push({ workerId: worker.workerId, because: "outranked" });
  losers.sort((a, b) => compare(a.workerId, b.workerId));
  return { winner, losers };
}

function disqualify(
  worker: Worker,
  capability: string,
  spec: SandboxRunSpec,
  nowMs: number,
): Disqualifier | undefined {
  if (worker.status !== "running") return "not_running";
  if (livenessOf(worker, nowMs) !== "fresh") return "stale";
  if (!worker.roles.includes("provider") || !worker.capabilities.includes(capability))
    return "capability_missing";
  if (worker.zoneTenths > ZONE_TENTHS_MAX) return "zone_not_allowed";
  if (!fitsCaps(worker, spec)) return "caps_too_small";
  if (!spec.toolchains.every((needed) => hasToolchain(worker, needed.name, needed.versionMin))) {
    return "toolchain_missing";
  }
  return undefined;
}

function fitsCaps({ caps }: Worker, { limits }: SandboxRunSpec): boolean {
  return (
    limits.memoryMib <= caps.memoryMibMax &&
    limits.diskMib <= caps.diskMibMax &&
    limits.wallMs <= caps.wallMsMax
  );
}

function hasToolchain(worker: Worker, name: string, versionMin: string): boolean {
  return worker.toolchains.some(
    (tool) => tool.name === name && compareVersions(tool.version, versionMin) >= 0,
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

/** Cheapest first. The id makes the order total, so arrival order can never pick the winner. */
function byRank(a: Worker, b: Worker): number {
  return compare(a.priceMsats, b.priceMsats) || compare(a.workerId, b.workerId);
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

import { readFileSync } from "node:fs";
import { parseCgroupMounts } from "./cgroup-mounts.ts";
import { openCgroupV1 } from "./cgroup-v1.ts";
import { openCgroupV2 } from "./cgroup-v2.ts";
import type { LimitKeeper } from "./limit-keeper.ts";
import { rlimitKeeper } from "./rlimits.ts";

export type { LimitKeeper, LimitMeter, LimitScope } from "./limit-keeper.ts";
export { rlimitKeeper } from "./rlimits.ts";

/** The strongest keeper of limits that this machine and our rights allow. */
export async function findLimitKeeper(): Promise<LimitKeeper> {
  const mounts = parseCgroupMounts(readFileSync("/proc/self/mountinfo", "utf8"));
  const ownGroups = readFileSync("/proc/self/cgroup", "utf8");
  return (await openCgroupV2(mounts, ownGroups)) ?? (await openCgroupV1(mounts, ownGroups)) ?? rlimitKeeper;
}

// Limits by control groups of version 2.
//
// A group that holds processes cannot give controllers to its children, and our
// own holds us. So ours are made beside it: below the nearest group above that
// has `memory` and `pids` switched on for its children.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  canMakeGroups,
  makeGroup,
  nextGroupName,
  readCounter,
  readText,
  removeGroup,
  sweepGroups,
} from "./cgroup-folder.ts";
import { findOwnGroup, groupFolders, type CgroupMount } from "./cgroup-mounts.ts";
import { startCounterMeter, type GroupCounters } from "./counter-meter.ts";
import { MIB, OWN_PROCESSES, type LimitKeeper, type LimitScope } from "./limit-keeper.ts";

/** Undefined where version 2 is not mounted, lacks the controllers, or is not ours to write. */
export async function openCgroupV2(
  mounts: readonly CgroupMount[],
  ownGroups: string,
): Promise<LimitKeeper | undefined> {
  const mount = mounts.find(({ version }) => version === 2);
  if (mount === undefined) return undefined;
  const [own, ...above] = groupFolders(mount, findOwnGroup(ownGroups, undefined) ?? "/");
  const parent = (above.length === 0 && own !== undefined ? [own] : above).find(canHoldGroups);
  if (parent === undefined) return undefined;
  await sweepGroups([parent]);
  return {
    by: "cgroup_v2",
    openScope(limits) {
      const folder = makeGroup(parent, nextGroupName(), {
        // Files in the work folder are memory of the run too.
        "memory.max": String((limits.memoryMib + limits.diskMib) * MIB),
        "pids.max": String(limits.pids + OWN_PROCESSES),
      });
      const swap = join(folder, "memory.swap.max");
      if (existsSync(swap)) writeFileSync(swap, "0");
      return scopeOf(folder, limits.cpuMs);
    },
  };
}

function scopeOf(folder: string, cpuMsMax: number): LimitScope {
  const counters: GroupCounters = {
    kills: () => readCounter(join(folder, "memory.events"), "oom_kill"),
    forksRefused: () => readCounter(join(folder, "pids.events"), "max"),
    cpuMs: () => readCounter(join(folder, "cpu.stat"), "usage_usec") / 1000,
  };
  return {
    joinFiles: [join(folder, "cgroup.procs")],
    rlimits: ["--core=0"],
    startMeter: () => startCounterMeter(counters, cpuMsMax),
    [Symbol.asyncDispose]: () => removeGroup(folder),
  };
}

function canHoldGroups(parent: string): boolean {
  const control = join(parent, "cgroup.subtree_control");
  const hasBoth = () =>
    ["memory", "pids"].every((name) => readText(control).trim().split(" ").includes(name));
  try {
    if (!hasBoth()) writeFileSync(control, "+memory +pids");
    return hasBoth() && canMakeGroups(parent);
  } catch {
    return false;
  }
}

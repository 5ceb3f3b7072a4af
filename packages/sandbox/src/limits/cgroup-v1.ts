// Limits by control groups of version 1: one group per controller.

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
import type { SandboxLimits } from "../sandbox.ts";
import { MIB, OWN_PROCESSES, type LimitKeeper, type LimitScope } from "./limit-keeper.ts";

type Folders = { readonly memory: string; readonly pids: string; readonly cpuacct: string };

/** Undefined where the controllers are not mounted or not ours to write. */
export async function openCgroupV1(
  mounts: readonly CgroupMount[],
  ownGroups: string,
): Promise<LimitKeeper | undefined> {
  const memory = findParent(mounts, ownGroups, "memory");
  const pids = findParent(mounts, ownGroups, "pids");
  const cpuacct = findParent(mounts, ownGroups, "cpuacct");
  if (memory === undefined || pids === undefined || cpuacct === undefined) return undefined;
  const parents: Folders = { memory, pids, cpuacct };
  await sweepGroups(Object.values(parents));
  return {
    by: "cgroup_v1",
    openScope(limits) {
      const made: string[] = [];
      try {
        return scopeOf(makeGroups(parents, limits, made), made, limits.cpuMs);
      } catch (error) {
        // What was made holds no process yet, so it goes at once.
        for (const folder of made) void removeGroup(folder);
        throw error;
      }
    },
  };
}

/** One group in each hierarchy; those that were made are added to `made` one by one. */
function makeGroups(parents: Folders, limits: SandboxLimits, made: string[]): Folders {
  const name = nextGroupName();
  const make = (parent: string, settings: Readonly<Record<string, string>>) => {
    const folder = join(parent, name);
    if (!made.includes(folder)) made.push(makeGroup(parent, name, settings));
    // Controllers may be mounted together, and then share the group.
    else for (const [file, value] of Object.entries(settings)) writeFileSync(join(folder, file), value);
    return folder;
  };
  // Files in the work folder are memory of the run too.
  const memoryBytes = String((limits.memoryMib + limits.diskMib) * MIB);
  const memory = make(parents.memory, { "memory.limit_in_bytes": memoryBytes });
  const swap = join(memory, "memory.memsw.limit_in_bytes");
  if (existsSync(swap)) writeFileSync(swap, memoryBytes);
  return {
    memory,
    pids: make(parents.pids, { "pids.max": String(limits.pids + OWN_PROCESSES) }),
    cpuacct: make(parents.cpuacct, {}),
  };
}

function scopeOf(folders: Folders, made: readonly string[], cpuMsMax: number): LimitScope {
  const counters: GroupCounters = {
    kills: () => readCounter(join(folders.memory, "memory.oom_control"), "oom_kill"),
    forksRefused: () => readCounter(join(folders.pids, "pids.events"), "max"),
    cpuMs: () => Number(readText(join(folders.cpuacct, "cpuacct.usage"))) / 1e6,
  };
  return {
    joinFiles: made.map((folder) => join(folder, "cgroup.procs")),
    rlimits: ["--core=0"],
    startMeter: () => startCounterMeter(counters, cpuMsMax),
    async [Symbol.asyncDispose]() {
      for (const folder of made) await removeGroup(folder);
    },
  };
}

function findParent(
  mounts: readonly CgroupMount[],
  ownGroups: string,
  controller: string,
): string | undefined {
  const mount = mounts.find(({ version, controllers }) => version === 1 && controllers.includes(controller));
  if (mount === undefined) return undefined;
  return groupFolders(mount, findOwnGroup(ownGroups, controller) ?? "/").find(canMakeGroups);
}

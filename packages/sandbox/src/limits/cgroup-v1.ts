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
      const name = nextGroupName();
      // Files in the work folder are memory of the run too.
      const memoryBytes = String((limits.memoryMib + limits.diskMib) * MIB);
      const made: string[] = [];
      const make = (parent: string, settings: Readonly<Record<string, string>>) => {
        const folder = join(parent, name);
        if (!made.includes(folder)) made.push(makeGroup(parent, name, settings));
        // Controllers may be mounted together, and then share the group.
        else for (const [file, value] of Object.entries(settings)) writeFileSync(join(folder, file), value);
        return folder;
      };
      const folders: Folders = {
        memory: make(parents.memory, { "memory.limit_in_bytes": memoryBytes }),
        pids: make(parents.pids, { "pids.max": String(limits.pids + OWN_PROCESSES) }),
        cpuacct: make(parents.cpuacct, {}),
      };
      const swap = join(folders.memory, "memory.memsw.limit_in_bytes");
      if (existsSync(swap)) writeFileSync(swap, memoryBytes);
      return scopeOf(folders, made, limits.cpuMs);
    },
  };
}

function scopeOf(folders: Folders, made: readonly string[], cpuMsMax: number): LimitScope {
  const kills = () => readCounter(join(folders.memory, "memory.oom_control"), "oom_kill");
  const forksRefused = () => readCounter(join(folders.pids, "pids.events"), "max");
  const cpuMs = () => Number(readText(join(folders.cpuacct, "cpuacct.usage"))) / 1e6;
  return {
    joinFiles: made.map((folder) => join(folder, "cgroup.procs")),
    rlimits: ["--core=0"],
    startMeter() {
      const before = { kills: kills(), forksRefused: forksRefused(), cpuMs: cpuMs() };
      return {
        read() {
          if (cpuMs() - before.cpuMs > cpuMsMax) return { limit: "cpu", mustEnd: true };
          if (kills() > before.kills) return { limit: "memory", mustEnd: false };
          if (forksRefused() > before.forksRefused) return { limit: "pids", mustEnd: false };
          return undefined;
        },
      };
    },
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

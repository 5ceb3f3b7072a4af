// What the processes of a sandbox use, read from /proc. Needs no rights.

import { readdirSync } from "node:fs";
import { readText } from "./cgroup-folder.ts";

export type Usage = {
  /** Of the living and of those that their parents waited for. */
  readonly cpuMs: number;
  /** Private and shared memory of all; pages that two share count twice. */
  readonly memoryBytes: number;
  /** Processes and threads. */
  readonly tasks: number;
};

/** /proc counts in hundredths of a second on every Linux that we run on. */
const TICK_MS = 10;

/** Sum over a process and everything below it. Orphans stay below, since the first process of a sandbox adopts them. */
export function measureTree(rootPid: number): Usage {
  const usage = { cpuMs: 0, memoryBytes: 0, tasks: 0 };
  for (const stat of membersOf(rootPid)) {
    usage.cpuMs += stat.cpuMs;
    usage.tasks += stat.tasks;
    const status = readText(`/proc/${stat.pid}/status`);
    for (const match of status.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm)) {
      usage.memoryBytes += Number(match[1]) * 1024;
    }
  }
  return usage;
}

type Stat = { readonly pid: number; readonly parent: number; readonly cpuMs: number; readonly tasks: number };

function membersOf(rootPid: number): Stat[] {
  const children = new Map<number, Stat[]>();
  const members: Stat[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = parseStat(readText(`/proc/${name}/stat`));
    if (stat === undefined) continue;
    if (stat.pid === rootPid) members.push(stat);
    const siblings = children.get(stat.parent);
    if (siblings === undefined) children.set(stat.parent, [stat]);
    else siblings.push(stat);
  }
  // The list grows while we walk it; ids are unique, so it ends.
  for (const member of members) members.push(...(children.get(member.pid) ?? []));
  return members;
}

/** proc_pid_stat(5). The name may hold spaces and parentheses, so the fields are counted from the last one. */
function parseStat(text: string): Stat | undefined {
  const end = text.lastIndexOf(") ");
  const fields = text.slice(end + 2).split(" ");
  const pid = Number.parseInt(text, 10);
  if (end === -1 || !Number.isInteger(pid)) return undefined;
  const at = (field: number) => Number(fields[field - 3] ?? 0);
  return { pid, parent: at(4), cpuMs: (at(14) + at(15) + at(16) + at(17)) * TICK_MS, tasks: at(20) };
}

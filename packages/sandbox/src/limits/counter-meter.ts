// A command's share of what a control group counts from its making on.

import type { LimitMeter } from "./limit-keeper.ts";

export type GroupCounters = {
  /** Processes that the kernel killed for memory. */
  kills(): number;
  /** Processes and threads that could not be made. */
  forksRefused(): number;
  /** Processor time of the group. */
  cpuMs(): number;
};

/** In order of precedence: processor time, which we have to hold ourselves, memory, processes. */
export function startCounterMeter(counters: GroupCounters, cpuMsMax: number): LimitMeter {
  const before = { kills: counters.kills(), forksRefused: counters.forksRefused(), cpuMs: counters.cpuMs() };
  return {
    read() {
      if (counters.cpuMs() - before.cpuMs > cpuMsMax) return { limit: "cpu", mustEnd: true };
      if (counters.kills() > before.kills) return { limit: "memory", mustEnd: false };
      if (counters.forksRefused() > before.forksRefused) return { limit: "pids", mustEnd: false };
      return undefined;
    },
  };
}

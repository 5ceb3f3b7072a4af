// Limits without control groups: for a user without rights to them.
//
// Resource limits hold per process, so the sums are watched from outside, at
// each reading. What happens between two readings can pass a limit for a
// moment; the resource limits keep that moment small.

import { measureTree } from "./process-tree.ts";
import { MIB, OWN_PROCESSES, type LimitKeeper, type LimitReading } from "./limit-keeper.ts";

/**
 * How much more one process may map than all may use together. Runtimes map far
 * more than they touch (Node 24 over 550 MiB before it does anything), and a
 * mapping that is refused looks like a failure of the program itself, so the
 * watch has to come first.
 */
const MAPPED_MORE_MIB = 4_096;

export const rlimitKeeper: LimitKeeper = {
  by: "rlimits",
  openScope(limits) {
    const cpuSeconds = Math.ceil(limits.cpuMs / 1000) + 1;
    return {
      joinFiles: [],
      rlimits: [
        "--core=0",
        // Not the address space: runtimes reserve far more of it than they use.
        `--data=${(limits.memoryMib + MAPPED_MORE_MIB) * MIB}`,
        `--nproc=${limits.pids + OWN_PROCESSES}`,
        `--cpu=${cpuSeconds}:${cpuSeconds + 1}`,
      ],
      startMeter(pid) {
        let tasksHit = false;
        return {
          read(): LimitReading | undefined {
            const usage = measureTree(pid);
            if (usage.cpuMs > limits.cpuMs) return { limit: "cpu", mustEnd: true };
            if (usage.memoryBytes > limits.memoryMib * MIB) return { limit: "memory", mustEnd: true };
            if (usage.tasks >= limits.pids + OWN_PROCESSES) tasksHit = true;
            return tasksHit ? { limit: "pids", mustEnd: false } : undefined;
          },
        };
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
};

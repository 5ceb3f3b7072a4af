// Who holds the limits of memory, processes, and processor time.
//
// Wall time and output are ours to hold (run-confined.ts), the disk's is the
// size of the work folder. These three need the kernel, in one of three ways.

import type { LimitName, LimitsBy, SandboxLimits } from "../sandbox.ts";

export type LimitKeeper = {
  readonly by: LimitsBy;
  /** Begin one run. Disposing the scope kills what is left of the run and removes what was made for it. */
  openScope(limits: SandboxLimits): LimitScope;
};

export type LimitScope = AsyncDisposable & {
  /** Files to which a command's first process writes its id before it does anything else. */
  readonly joinFiles: readonly string[];
  /** Arguments of prlimit(1), which runs inside the sandbox before the command. */
  readonly rlimits: readonly string[];
  /** Begin one command of the run. `pid` is that of the process above its sandbox. */
  startMeter(pid: number): LimitMeter;
};

export type LimitMeter = {
  /** The limit that the command, or a child of it, has hit since the meter started. */
  read(): LimitReading | undefined;
};

export type LimitReading = {
  readonly limit: LimitName;
  /** The kernel only counts here: we have to end the command. */
  readonly mustEnd: boolean;
};

export const MIB = 1024 * 1024;

/**
 * Processes of the sandbox itself that count with the command's: the one that
 * entered the namespaces, bubblewrap's monitor, and the first one inside.
 */
export const OWN_PROCESSES = 3;

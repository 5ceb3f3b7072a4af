// How much of a worker a job may take, as its owner said. Pure, and their form in the database.

import type { SandboxLimits, WorkerCaps } from "@openagents/contracts";

/** Whether a job's limits are within a worker's caps. */
export function fitsCaps(caps: WorkerCaps, limits: SandboxLimits): boolean {
  return (
    limits.memoryMib <= caps.memoryMibMax &&
    limits.diskMib <= caps.diskMibMax &&
    limits.wallMs <= caps.wallMsMax &&
    (caps.cpuMsMax === undefined || limits.cpuMs <= caps.cpuMsMax)
  );
}

type StoredCaps = Omit<WorkerCaps, "wallMsMax" | "cpuMsMax" | "msatsPerHourMax"> & {
  readonly wallMsMax: number;
  readonly cpuMsMax?: number;
  readonly msatsPerHourMax?: number;
};

export function capsText(caps: WorkerCaps): string {
  const { wallMsMax, cpuMsMax, msatsPerHourMax } = caps;
  return JSON.stringify({
    ...caps,
    wallMsMax: Number(wallMsMax),
    cpuMsMax: cpuMsMax === undefined ? undefined : Number(cpuMsMax),
    msatsPerHourMax: msatsPerHourMax === undefined ? undefined : Number(msatsPerHourMax),
  });
}

export function capsFromText(text: string): WorkerCaps {
  const { wallMsMax, cpuMsMax, msatsPerHourMax, ...caps } = JSON.parse(text) as StoredCaps;
  return {
    ...caps,
    wallMsMax: BigInt(wallMsMax),
    ...(cpuMsMax === undefined ? {} : { cpuMsMax: BigInt(cpuMsMax) }),
    ...(msatsPerHourMax === undefined ? {} : { msatsPerHourMax: BigInt(msatsPerHourMax) }),
  };
}

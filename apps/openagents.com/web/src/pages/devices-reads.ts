import { CodexWorkers, Devices, type CodexWorker, type Device } from "@openagents/contracts";
import { client, useRead } from "../api.ts";

/** A device, and what of it is there now. */
export type DeviceSeen = {
  readonly device: Device;
  /** Whether a process on it follows its work at this moment. */
  readonly connected: boolean;
  /** What carries requests out there, such as `codex`; undefined where nothing does. */
  readonly adapter: string | undefined;
  /** Its agent, which threads reach; undefined where it has none. */
  readonly workerId: string | undefined;
  readonly lastSeenAt: number | undefined;
};

const EVERY_MS = 5_000;

/** The reader's devices, those that are connected first. */
export function useDevices() {
  return useRead(
    ["devices", "seen"],
    async (signal): Promise<readonly DeviceSeen[]> => {
      const [{ devices }, { workers }] = await Promise.all([
        client(Devices).listDevices({ limit: 100 }, { signal }),
        client(CodexWorkers).listCodexWorkers({ limit: 100 }, { signal }),
      ]);
      return devices
        .map((device) => seen(device, workers))
        .sort((a, b) => Number(b.connected) - Number(a.connected));
    },
    { everyMs: EVERY_MS },
  );
}

/** A device that may not act for its person is not connected, whatever still runs on it. */
function seen(device: Device, workers: readonly CodexWorker[]): DeviceSeen {
  const own = workers.filter(({ deviceId }) => deviceId === device.deviceId);
  const there = own.find(({ status, presence }) => status === "running" && presence === "online");
  const times = [device.lastSeenAt, ...own.map(({ lastSeenAt }) => lastSeenAt)];
  return {
    device,
    connected: device.status === "enrolled" && there !== undefined,
    adapter: (there ?? own[0])?.adapter,
    workerId: (there ?? own.find(({ status }) => status === "running"))?.workerId,
    lastSeenAt: times.reduce(later, undefined),
  };
}

function later(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.max(a, b);
}

/** The agent to talk to: on a device that is connected, or else on one that will get the words later. */
export function agentOf(devices: readonly DeviceSeen[] | undefined): string | undefined {
  const usable = devices?.filter(
    ({ device, workerId }) => device.status === "enrolled" && workerId !== undefined,
  );
  return (usable?.find(({ connected }) => connected) ?? usable?.[0])?.workerId;
}

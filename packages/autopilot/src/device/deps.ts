import type { Agent } from "@openagents/agent";
import {
  CodexWorkers,
  Inbox,
  Threads,
  createClient,
  type Client,
  type CodexWorkersTypes,
  type InboxTypes,
  type ThreadsTypes,
} from "@openagents/contracts";
import type { ClientSettings } from "../clients.ts";
import type { Pause } from "../pause.ts";
import type { Source } from "../workspace/index.ts";

export type DeviceClients = {
  readonly workers: Client<CodexWorkersTypes>;
  readonly threads: Client<ThreadsTypes>;
  readonly inbox: Client<InboxTypes>;
};

/** Longer than the longest wait that a call may ask for. */
const TIMEOUT_MS = 60_000;

export function deviceClients(settings: ClientSettings): DeviceClients {
  const options = { ...settings, timeoutMs: TIMEOUT_MS };
  return {
    workers: createClient(CodexWorkers, options),
    threads: createClient(Threads, options),
    inbox: createClient(Inbox, options),
  };
}

export type DeviceDeps = {
  readonly clients: DeviceClients;
  readonly workerId: string;
  readonly agent: Agent;
  /** What the work of a thread begins from; an empty folder where undefined. */
  readonly source: Source | undefined;
  /** Absolute; of this device alone. */
  readonly dataDir: string;
  readonly pause: Pause;
};
